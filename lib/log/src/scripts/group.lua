-- Makes sure that a consumer group exists on one partition; its nonce tells receipts of an earlier life apart.
-- KEYS     1 stream  2 meta  3 parked  4 line  5 keyof  6 held
-- ARGV     1 group  2 stream id to start after when it is new ('' = where upkeep last saw everything settled)  3 nonce when it is new
-- returns  {nonce, 1 when it was made}
-- error    GONE the topic was deleted
if redis.call('HEXISTS', KEYS[2], 'closed') == 1 then return redis.error_reply('GONE the topic was deleted') end
local group, after = ARGV[1], ARGV[2]
if after == '' then after = redis.call('HGET', KEYS[2], 'low:' .. group) or '0-0' end
local made = redis.pcall('XGROUP', 'CREATE', KEYS[1], group, after, 'MKSTREAM')
if made.err and not string.find(made.err, 'BUSYGROUP', 1, true) then return made end
if not made.err then
  -- What an earlier life of the group had parked or lined up would stand in the way of this one.
  redis.call('UNLINK', KEYS[3], KEYS[4], KEYS[5], KEYS[6])
  redis.call('HSET', KEYS[2], 'nonce:' .. group, ARGV[3], 'low:' .. group, after)
end
return { redis.call('HGET', KEYS[2], 'nonce:' .. group) or '', made.err and 0 or 1 }
