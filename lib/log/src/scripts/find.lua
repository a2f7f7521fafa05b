-- Looks for the entry whose first field has a value: an event by its id, a dead letter by the place it had.
-- KEYS     1 stream
-- ARGV     1 value  2 from  3 to  4 how many to look at  5 1 = backwards
-- returns  {1, id, fields} when found, {0, id of the last one looked at} when there are more, {0} at the end
local left, from, last = tonumber(ARGV[4]), ARGV[2], nil
while left > 0 do
  local count = math.min(100, left)
  local page = ARGV[5] == '1' and redis.call('XREVRANGE', KEYS[1], from, ARGV[3], 'COUNT', count)
    or redis.call('XRANGE', KEYS[1], from, ARGV[3], 'COUNT', count)
  for _, entry in ipairs(page) do
    if entry[2][2] == ARGV[1] then return { 1, entry[1], entry[2] } end
    last = entry[1]
  end
  if #page < count then return { 0 } end
  left, from = left - count, '(' .. last
end
return { 0, last }
