-- Comes before append.lua and delay.lua: what a partition remembers of idempotency keys.
-- Two hashes take turns: the current one is written, both are read, so a key lives one to two windows and no key
-- costs an expiry of its own. A key is kept as '<where>|<body hash>'.
local function nowMs()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- The current hash, and what is known of the keys. `state`: rotatedMs and slot, as the meta hash has them.
local function recall(meta, slots, window, state, keys)
  local now, seen = nowMs(), {}
  local age, slot = now - tonumber(state[1] or 0), tonumber(state[2] or 0)
  if age >= window then
    slot = 1 - slot
    redis.call('UNLINK', slots[slot + 1])
    if age >= 2 * window then redis.call('UNLINK', slots[2 - slot]) end
    redis.call('HSET', meta, 'rotatedMs', now, 'slot', slot)
  end
  local current = slots[slot + 1]
  local older, newer = redis.call('HMGET', slots[2 - slot], unpack(keys)), redis.call('HMGET', current, unpack(keys))
  for n, key in ipairs(keys) do seen[key] = newer[n] or older[n] end
  return current, seen
end

-- Whether the key was used before: '=<where>' with this body, '!' with another one, nil when it is new.
local function judged(known, hash)
  if not known then return nil end
  local bar = string.find(known, '|', 1, true)
  return string.sub(known, bar + 1) == hash and '=' .. string.sub(known, 1, bar - 1) or '!'
end

local function remember(current, window, pairs)
  if #pairs == 0 then return end
  redis.call('HSET', current, unpack(pairs))
  redis.call('PEXPIRE', current, 2 * window)
end
