-- Writes an item where the terms hold.
-- KEYS     1 items of the tenant  2 due  3 fence of the newest owner
-- ARGV     1 id  2 member of due  3 version there must be ('' = any, 0 = none)  4 fence of the writer ('' = no owner's write)
--          5 due ms ('' = never)  6 body
-- returns  the new version, 0 when the terms do not hold
if ARGV[4] ~= '' and tonumber(redis.call('GET', KEYS[3]) or 0) > tonumber(ARGV[4]) then return 0 end
local known = tonumber(string.match(redis.call('HGET', KEYS[1], ARGV[1]) or '0 ', '^%d+'))
if ARGV[3] ~= '' and tonumber(ARGV[3]) ~= known then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], (known + 1) .. ' ' .. ARGV[6])
if ARGV[5] == '' then
  redis.call('ZREM', KEYS[2], ARGV[2])
else
  redis.call('ZADD', KEYS[2], ARGV[5], ARGV[2])
end
return known + 1
