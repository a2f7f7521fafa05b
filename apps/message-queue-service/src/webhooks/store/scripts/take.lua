-- Takes or renews the duty for a subscription. Each new holder gets a higher fence.
-- KEYS     1 subscription  2 duty  3 fence counter
-- ARGV     1 replica  2 how long it holds, ms
-- returns  {fence, version of the subscription}; fence 0 = another replica holds it, -1 = there is no such subscription
local version = redis.call('HGET', KEYS[1], 'version')
if not version then return {-1, 0} end
local holder = redis.call('GET', KEYS[2])
if holder and holder ~= ARGV[1] then return {0, 0} end
if not holder then redis.call('INCR', KEYS[3]) end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
return {tonumber(redis.call('GET', KEYS[3])), tonumber(version)}
