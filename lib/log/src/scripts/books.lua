-- Checks the books of a group on one partition: what was delivered must be settled, filtered, expired, dead, lost, or
-- pending. (What is published is delivered, ready or trimmed; Redis counts those itself.) The first look after the group
-- was made or moved is the measure for the later ones, since a group may begin in mid-stream.
-- KEYS     1 stream  2 meta  3 dead
-- ARGV     1 group
-- returns  {1 when it could be checked, events that are missing (below 0: too many)}
local stream, meta, group = KEYS[1], KEYS[2], ARGV[1]
local function numbered(key, what)
  local info = redis.pcall('XINFO', what, key)
  return info.err and {} or info
end
local read
for _, flat in ipairs(numbered(stream, 'GROUPS')) do
  local info = {}
  for n = 1, #flat, 2 do info[flat[n]] = flat[n + 1] end
  if info.name == group then read = info['entries-read'] end
end
-- Redis does not know how many a group has read that began in mid-stream, until it has caught up once.
if not read then return { 0, 0 } end
local died, dead = 0, numbered(KEYS[3], 'STREAM')
for n = 1, #dead, 2 do
  if dead[n] == 'entries-added' then died = dead[n + 1] end
end
local names, sum = { 'settled', 'filtered', 'expired', 'lost' }, died + redis.call('XPENDING', stream, group)[1]
for n, name in ipairs(names) do names[n] = name .. ':' .. group end
for _, count in ipairs(redis.call('HMGET', meta, unpack(names))) do sum = sum + (tonumber(count) or 0) end
local state = redis.call('HMGET', meta, 'returned:' .. group, 'nonce:' .. group, 'base:' .. group)
local off = read - (sum - (tonumber(state[1]) or 0))
local life = state[2] or ''
local base = state[3] and string.match(state[3], '^' .. life .. ' (-?%d+)$')
if not base then
  redis.call('HSET', meta, 'base:' .. group, life .. ' ' .. string.format('%.0f', off))
  return { 1, 0 }
end
return { 1, off - tonumber(base) }
