-- Opens one partition of a new generation: every id it gives will be above those of the generation before.
-- KEYS     1 stream  2 meta
-- ARGV     1 epoch to take when the partition has none  2 the highest id of the generation before
redis.call('HSETNX', KEYS[2], 'epoch', ARGV[1])
-- It is open already where somebody came before.
if ARGV[2] == '0-0' or redis.call('EXISTS', KEYS[1]) == 1 then return end
redis.call('XADD', KEYS[1], ARGV[2], 'floor', '')
redis.call('XDEL', KEYS[1], ARGV[2])
-- As if it had never been: Redis counts what a group has read against what was ever added.
redis.call('XSETID', KEYS[1], ARGV[2], 'ENTRIESADDED', 0, 'MAXDELETEDID', '0-0')
