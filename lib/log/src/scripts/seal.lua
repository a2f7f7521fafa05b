-- Closes one partition to appends for ever, because the topic grows; the first who seals decides how far.
-- KEYS     1 stream  2 meta
-- ARGV     1 how many partitions the next generation shall have
-- returns  {the last id of the partition, how many partitions the next generation has}
-- error    GONE the topic was deleted
if redis.call('HEXISTS', KEYS[2], 'closed') == 1 then return redis.error_reply('GONE the topic was deleted') end
redis.call('HSETNX', KEYS[2], 'sealed', ARGV[1])
local info, last = redis.pcall('XINFO', 'STREAM', KEYS[1]), '0-0'
for n = 1, #info, 2 do
  if info[n] == 'last-generated-id' then last = info[n + 1] end
end
return { last, tonumber(redis.call('HGET', KEYS[2], 'sealed')) }
