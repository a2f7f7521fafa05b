-- Moves a group on one partition. What it held is given up, and its receipts are worth nothing any more.
-- KEYS     1 stream  2 meta  3 parked  4 line  5 keyof  6 held
-- ARGV     1 group  2 stream id after which it goes on  3 nonce from now on
-- error    GONE the topic was deleted
if redis.call('HEXISTS', KEYS[2], 'closed') == 1 then return redis.error_reply('GONE the topic was deleted') end
redis.pcall('XGROUP', 'DESTROY', KEYS[1], ARGV[1])
redis.call('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[2], 'MKSTREAM')
redis.call('UNLINK', KEYS[3], KEYS[4], KEYS[5], KEYS[6])
redis.call('HSET', KEYS[2], 'nonce:' .. ARGV[1], ARGV[3], 'low:' .. ARGV[1], ARGV[2])
