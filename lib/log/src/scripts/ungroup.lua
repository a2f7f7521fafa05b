-- Removes a consumer group from one partition, with its parked entries and dead letters.
-- KEYS     1 stream  2 meta  3 parked  4 dead
-- ARGV     1 group
redis.pcall('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], 'nonce:' .. ARGV[1], 'low:' .. ARGV[1])
redis.call('UNLINK', KEYS[3], KEYS[4])
