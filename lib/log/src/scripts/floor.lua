-- Opens one partition of a new generation: every id it gives will be above those of the generation before.
-- KEYS     1 stream  2 meta
-- ARGV     1 epoch to take when the partition has none  2 the highest id of the generation before
redis.call('HSETNX', KEYS[2], 'epoch', ARGV[1])
if ARGV[2] == '0-0' then return end
local made = redis.pcall('XADD', KEYS[1], ARGV[2], 'floor', '')
-- It is above already where somebody came before.
if not made.err then redis.call('XDEL', KEYS[1], ARGV[2]) end
