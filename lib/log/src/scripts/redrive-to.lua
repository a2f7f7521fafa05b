-- Moves dead letters of a group to one partition of a topic, each gone from here in the step in which it is there.
-- KEYS     1 dead  2 tallies  3 stream and  4 meta of the partition they go to
-- ARGV     1 topic they come from  2 bell channel and  3 partition they go to  4 tally ('' = none)
--          5 epoch to take when that partition has none  6... dead letters by id
-- returns  how many were still there
-- error    GONE the topic was deleted
local dead, stream, meta = KEYS[1], KEYS[3], KEYS[4]
if redis.call('HEXISTS', meta, 'closed') == 1 then return redis.error_reply('GONE the topic was deleted') end
redis.call('HSETNX', meta, 'epoch', ARGV[5])
local moved, last = 0, nil
for at = 6, #ARGV do
  local letter = redis.call('XRANGE', dead, ARGV[at], ARGV[at])[1]
  if letter then
    local fields = letter[2]
    local more = string.sub(fields[16], 2, -2)
    if not string.find(more, '"mqoriginalid":', 1, true) then
      more = more .. (more == '' and '' or ',') .. '"mqoriginalid":"' .. fields[2] .. '"'
    end
    if not string.find(more, '"mqoriginaltopic":', 1, true) then
      more = more .. ',"mqoriginaltopic":"' .. ARGV[1] .. '"'
    end
    -- It was meant for one group of the topic it came from; here it is for everybody.
    more = string.gsub(more, ',"mqgroup":"[^"]*"', '')
    last = redis.call('XADD', stream, '*', 'i', fields[8], 't', fields[10], 's', fields[12], 'k', fields[14],
      'm', '{' .. more .. '}', 'd', fields[18])
    redis.call('XDEL', dead, ARGV[at])
    moved = moved + 1
  end
end
if moved > 0 and ARGV[4] ~= '' then redis.call('HINCRBY', KEYS[2], ARGV[4], moved) end
if last then redis.call('PUBLISH', ARGV[2], ARGV[3] .. ' ' .. last) end
return moved
