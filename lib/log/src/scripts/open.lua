-- Opens one partition of a topic that is being created.
-- KEYS     1 meta
-- ARGV     1 epoch to take when the partition has none
-- returns  the partition's epoch
if redis.call('HDEL', KEYS[1], 'closed') == 1 then redis.call('PERSIST', KEYS[1]) end
redis.call('HSETNX', KEYS[1], 'epoch', ARGV[1])
return redis.call('HGET', KEYS[1], 'epoch')
