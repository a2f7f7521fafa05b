-- Removes everything of one partition and leaves a mark, so that a writer with an old idea of the topic is refused.
-- KEYS     1 meta  2... every other key of the partition
-- ARGV     1 how long the mark stays, ms
for n = 1, #KEYS do redis.call('UNLINK', KEYS[n]) end
redis.call('HSET', KEYS[1], 'closed', 1)
redis.call('PEXPIRE', KEYS[1], ARGV[1])
