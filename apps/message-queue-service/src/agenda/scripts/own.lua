-- Takes or keeps the one ownership. Each new owner gets a higher fence.
-- KEYS     1 owner  2 fence of the newest owner
-- ARGV     1 token of this process  2 how long it holds, ms
-- returns  the owner's fence, 0 when another process is the owner
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
if not holder then redis.call('INCR', KEYS[2]) end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return tonumber(redis.call('GET', KEYS[2]))
