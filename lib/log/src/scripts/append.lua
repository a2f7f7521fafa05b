-- Appends events to one partition, each at most once per idempotency key, and rings the topic's bell.
-- KEYS     1 stream  2 meta  3, 4 the two idempotency hashes
-- ARGV     1 epoch to take when the partition has none  2 idempotency window ms (0 = no event here has a key)
--          3 bell channel  4 partition  5... per event: idempotency key ('' = none), body hash,
--          id, type, source, partition key, attributes JSON, data JSON
-- returns  {epoch, answer per event}: a stream id, '=<id>' for one appended before, '!' for a key used with another body
-- error    GONE the topic was deleted
local stream, meta, window = KEYS[1], KEYS[2], tonumber(ARGV[2])
local state = redis.call('HMGET', meta, 'epoch', 'closed', 'rotatedMs', 'slot')
if state[2] then return redis.error_reply('GONE the topic was deleted') end
local epoch = state[1]
if not epoch then
  epoch = ARGV[1]
  redis.call('HSET', meta, 'epoch', epoch)
end

-- Two hashes take turns: the current one is written, both are read, so a key lives one to two windows and no key
-- costs an expiry of its own.
local current, seen = nil, {}
if window > 0 then
  local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)
  local age, slot = now - tonumber(state[3] or 0), tonumber(state[4] or 0)
  if age >= window then
    slot = 1 - slot
    redis.call('UNLINK', KEYS[3 + slot])
    if age >= 2 * window then redis.call('UNLINK', KEYS[4 - slot]) end
    redis.call('HSET', meta, 'rotatedMs', now, 'slot', slot)
  end
  current = KEYS[3 + slot]
  local keys = {}
  for at = 5, #ARGV, 8 do
    if ARGV[at] ~= '' then keys[#keys + 1] = ARGV[at] end
  end
  local older, newer = redis.call('HMGET', KEYS[4 - slot], unpack(keys)), redis.call('HMGET', current, unpack(keys))
  for n, key in ipairs(keys) do seen[key] = newer[n] or older[n] end
end

local answers, remembered, last = { epoch }, {}, nil
for at = 5, #ARGV, 8 do
  local key, hash = ARGV[at], ARGV[at + 1]
  local known = key ~= '' and seen[key]
  if known then
    local bar = string.find(known, '|', 1, true)
    answers[#answers + 1] = string.sub(known, bar + 1) == hash and '=' .. string.sub(known, 1, bar - 1) or '!'
  else
    last = redis.call('XADD', stream, '*', 'i', ARGV[at + 2], 't', ARGV[at + 3], 's', ARGV[at + 4],
      'k', ARGV[at + 5], 'm', ARGV[at + 6], 'd', ARGV[at + 7])
    answers[#answers + 1] = last
    if key ~= '' then
      seen[key] = last .. '|' .. hash
      remembered[#remembered + 1] = key
      remembered[#remembered + 1] = seen[key]
    end
  end
end
if #remembered > 0 then
  redis.call('HSET', current, unpack(remembered))
  redis.call('PEXPIRE', current, 2 * window)
end
if last then redis.call('PUBLISH', ARGV[3], ARGV[4] .. ' ' .. last) end
return answers
