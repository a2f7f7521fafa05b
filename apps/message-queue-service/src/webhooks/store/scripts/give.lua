-- Gives a duty back.
-- KEYS     1 duty
-- ARGV     1 replica
-- returns  1 given back, 0 it was not this replica's
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call('DEL', KEYS[1])
