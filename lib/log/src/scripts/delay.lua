-- Keeps events of one partition out of sight until they are due, each at most once per idempotency key.
-- KEYS     1 stream  2 meta  3, 4 the two idempotency hashes  5 delayed (due ms -> number)  6 delayed events by number
-- ARGV     1 epoch to take when the partition has none  2 idempotency window ms (0 = no event here has a key)
--          3 'in' or 'at'  4 ms from now, or of the Unix clock  5 entries at most (-1 = any number)
--          6... per event: idempotency key ('' = none), body hash,
--          id, type, source, partition key, attributes JSON, data JSON
-- returns  {epoch, answer per event}: the due ms, '=<due ms>' for one sent before, '!' for a key used with another body
--          or without a delay, '#' for no room
-- error    GONE the topic was deleted · SEALED it has grown, and other partitions take its events
local stream, meta, window, first = KEYS[1], KEYS[2], tonumber(ARGV[2]), 6
local state = redis.call('HMGET', meta, 'epoch', 'closed', 'rotatedMs', 'slot', 'sealed')
if state[2] then return redis.error_reply('GONE the topic was deleted') end
if state[5] then return redis.error_reply('SEALED the topic has grown') end
local epoch = state[1] or ARGV[1]
redis.call('HSETNX', meta, 'epoch', epoch)
local current, seen = nil, {}
if window > 0 then
  local keys = {}
  for at = first, #ARGV, 8 do
    if ARGV[at] ~= '' then keys[#keys + 1] = ARGV[at] end
  end
  current, seen = recall(meta, { KEYS[3], KEYS[4] }, window, { state[3], state[4] }, keys)
end
local room, lengthMax = math.huge, tonumber(ARGV[5])
if lengthMax >= 0 then room = lengthMax - redis.call('XLEN', stream) - redis.call('ZCARD', KEYS[5]) end

local now = nowMs()
local due = string.format('%.0f', math.max(now, tonumber(ARGV[4]) + (ARGV[3] == 'in' and now or 0)))
local answers, remembered = { epoch }, {}
for at = first, #ARGV, 8 do
  -- The mark tells a delayed publish from one that went straight into the stream.
  local key, hash = ARGV[at], 'd:' .. ARGV[at + 1]
  local verdict = key ~= '' and judged(seen[key], hash)
  if verdict then
    answers[#answers + 1] = verdict
  elseif room <= 0 then
    answers[#answers + 1] = '#'
  else
    -- Of those due in one millisecond, the first that came is the first that goes.
    local number = string.format('%016.0f', redis.call('HINCRBY', meta, 'delays', 1))
    redis.call('HSET', KEYS[6], number, cmsgpack.pack({ unpack(ARGV, at + 2, at + 7) }))
    redis.call('ZADD', KEYS[5], due, number)
    room = room - 1
    answers[#answers + 1] = due
    if key ~= '' then
      seen[key] = due .. '|' .. hash
      remembered[#remembered + 1] = key
      remembered[#remembered + 1] = seen[key]
    end
  end
end
remember(current, window, remembered)
return answers
