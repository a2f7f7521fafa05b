-- Removes a consumer group from one partition, with its parked entries and dead letters.
-- KEYS     1 stream  2 meta  3... every key of the group: parked, dead letters, line, keyof, held
-- ARGV     1 group
redis.pcall('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[2], 'nonce:' .. ARGV[1], 'low:' .. ARGV[1], 'filtered:' .. ARGV[1], 'expired:' .. ARGV[1],
  'settled:' .. ARGV[1], 'lost:' .. ARGV[1], 'returned:' .. ARGV[1], 'base:' .. ARGV[1])
redis.call('UNLINK', unpack(KEYS, 3))
