-- Keeps what the holder of a duty knows of the endpoint.
-- KEYS     1 condition  2 fence counter
-- ARGV     1 fence of the holder  2 JSON
-- returns  1 kept, 0 the duty has passed to somebody else
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
