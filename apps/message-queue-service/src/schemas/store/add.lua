-- Keeps a version that nobody has taken, and makes it the one that holds.
-- KEYS     1 versions of the type  2 types of the tenant
-- ARGV     1 version  2 schema (JSON)  3 type  4 what is registered (JSON)
-- returns  1 = kept, 0 = the version was taken
if redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2]) == 0 then return 0 end
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
return 1
