-- Writes a field of a hash when it still is what its writer has read.
-- KEYS     1 hash
-- ARGV     1 field  2 what it was  3 what it shall be
-- returns  1 or 0
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
