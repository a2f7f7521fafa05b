-- Appends events to one partition, each at most once per idempotency key, and rings the topic's bell.
-- KEYS     1 stream  2 meta  3, 4 the two idempotency hashes
-- ARGV     1 epoch to take when the partition has none  2 idempotency window ms (0 = no event here has a key)
--          3 bell channel  4 partition  5 1 = all events or none  6 the last id there must be ('' = any)
--          7 entries at most (-1 = any number)  8 bytes at most (-1 = any)
--          9... per event: idempotency key ('' = none), body hash,
--          id, type, source, partition key, attributes JSON, data JSON
-- returns  {epoch, answer per event}: a stream id, '=<id>' for one appended before, '!' for a key used with another
--          body, '#' for no room. All or none refused: {epoch, '~!'}, {epoch, '~#'} or {epoch, '~?<last id>'}
-- error    GONE the topic was deleted · SEALED it has grown, and other partitions take its events
local stream, meta, window, first = KEYS[1], KEYS[2], tonumber(ARGV[2]), 9
local state = redis.call('HMGET', meta, 'epoch', 'closed', 'rotatedMs', 'slot', 'sealed')
if state[2] then return redis.error_reply('GONE the topic was deleted') end
if state[5] then return redis.error_reply('SEALED the topic has grown') end
local epoch = state[1]
if not epoch then
  epoch = ARGV[1]
  redis.call('HSET', meta, 'epoch', epoch)
end

local current, seen = nil, {}
if window > 0 then
  local keys = {}
  for at = first, #ARGV, 8 do
    if ARGV[at] ~= '' then keys[#keys + 1] = ARGV[at] end
  end
  current, seen = recall(meta, { KEYS[3], KEYS[4] }, window, { state[3], state[4] }, keys)
end

local room, lengthMax, bytesMax = math.huge, tonumber(ARGV[7]), tonumber(ARGV[8])
if lengthMax >= 0 then room = lengthMax - redis.call('XLEN', stream) end
if bytesMax >= 0 and (redis.call('MEMORY', 'USAGE', stream, 'SAMPLES', 64) or 0) > bytesMax then room = 0 end

if ARGV[5] == '1' then
  local fresh = 0
  for at = first, #ARGV, 8 do
    local verdict = judged(ARGV[at] ~= '' and seen[ARGV[at]], ARGV[at + 1])
    if verdict == '!' then return { epoch, '~!' } end
    if not verdict then fresh = fresh + 1 end
  end
  if fresh > 0 and ARGV[6] ~= '' then
    local info, last = redis.pcall('XINFO', 'STREAM', stream), '0-0'
    for n = 1, #info, 2 do
      if info[n] == 'last-generated-id' then last = info[n + 1] end
    end
    if last ~= ARGV[6] then return { epoch, '~?' .. last } end
  end
  if fresh > math.max(0, room) then return { epoch, '~#' } end
end

local answers, remembered, last = { epoch }, {}, nil
for at = first, #ARGV, 8 do
  local key, hash = ARGV[at], ARGV[at + 1]
  local verdict = key ~= '' and judged(seen[key], hash)
  if verdict then
    answers[#answers + 1] = verdict
  elseif room <= 0 then
    answers[#answers + 1] = '#'
  else
    last = redis.call('XADD', stream, '*', 'i', ARGV[at + 2], 't', ARGV[at + 3], 's', ARGV[at + 4],
      'k', ARGV[at + 5], 'm', ARGV[at + 6], 'd', ARGV[at + 7])
    room = room - 1
    answers[#answers + 1] = last
    if key ~= '' then
      seen[key] = last .. '|' .. hash
      remembered[#remembered + 1] = key
      remembered[#remembered + 1] = seen[key]
    end
  end
end
remember(current, window, remembered)
if last then redis.call('PUBLISH', ARGV[3], ARGV[4] .. ' ' .. last) end
return answers
