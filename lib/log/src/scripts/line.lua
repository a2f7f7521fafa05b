-- The line of a group that orders, put before the scripts that need it. One entry of a key is delivered at a time: all of
-- them stand in the line, and only the first may be under lease or parked with a time when it is due.
-- `line` is a sorted set of <hash of the key><place, padded><id>, read by its letters; `keyof` says as what an id stands in
-- it. The place is the id itself; what comes back from the dead letters stands behind all who are there.
local function padded(place)
  local ms, seq = string.match(place, '(%d+)-(%d+)')
  return string.rep('0', 15 - #ms) .. ms .. string.rep('0', 20 - #seq) .. seq
end
local function firstOf(line, hash)
  return redis.call('ZRANGEBYLEX', line, '[' .. hash, '[' .. hash .. '~', 'LIMIT', 0, 1)[1]
end
-- Parks an id: due now, or in the line when its key is held to an order.
local function park(keys, entry, ordering, now)
  local key = ordering == 'partition' and '' or entry.key
  if ordering == 'none' or (ordering == 'key' and key == '') then return redis.call('ZADD', keys.parked, now, entry.id) end
  local hash = redis.sha1hex(key)
  local member = hash .. padded(entry.place or entry.id) .. entry.id
  redis.call('ZADD', keys.line, 0, member)
  redis.call('HSET', keys.keyof, entry.id, member)
  if firstOf(keys.line, hash) == member then redis.call('ZADD', keys.parked, now, entry.id) end
end
-- Takes an id out of the line. When it was the first, the next of its key is due at once: true.
local function leave(keys, id, now)
  local member = redis.call('HGET', keys.keyof, id)
  if not member then return false end
  local hash = string.sub(member, 1, 40)
  local wasFirst = firstOf(keys.line, hash) == member
  redis.call('ZREM', keys.line, member)
  redis.call('HDEL', keys.keyof, id)
  local next = wasFirst and firstOf(keys.line, hash)
  if not next then return false end
  redis.call('ZADD', keys.parked, now, string.sub(next, 76))
  return true
end
