-- Keeps a subscription in the place of the version it was made from.
-- KEYS     1 subscription
-- ARGV     1 the version it was made from, 0 = there must be none  2 the next version  3 JSON
-- returns  1 kept, 0 another change came first
local version = redis.call('HGET', KEYS[1], 'version') or '0'
if version ~= ARGV[1] then return 0 end
redis.call('HSET', KEYS[1], 'version', ARGV[2], 'json', ARGV[3])
return 1
