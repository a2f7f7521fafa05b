-- Moves dead letters of a group back into it, each gone from here in the step in which it is there.
-- KEYS     1 stream  2 meta  3 parked  4 dead  5 tallies  6 line  7 keyof
-- ARGV     1 group  2 bell channel  3 partition  4 tally ('' = none)  5 ordering of the group
--          6... dead letters by id
-- returns  how many were still there
-- error    NOGROUP
local stream, meta, parked, dead, group = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('XPENDING', stream, group)

local function below(a, b)
  local aMs, aSeq = string.match(a, '(%d+)-(%d+)')
  local bMs, bSeq = string.match(b, '(%d+)-(%d+)')
  aMs, bMs = tonumber(aMs), tonumber(bMs)
  return aMs < bMs or (aMs == bMs and tonumber(aSeq) < tonumber(bSeq))
end
local lastDelivered = '0-0'
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local info = {}
  for n = 1, #flat, 2 do info[flat[n]] = flat[n + 1] end
  if info.name == group then lastDelivered = info['last-delivered-id'] end
end

local moved, last = 0, nil
local order = { parked = parked, line = KEYS[6], keyof = KEYS[7] }
for at = 6, #ARGV do
  local letter = redis.call('XRANGE', dead, ARGV[at], ARGV[at])[1]
  if letter then
    local fields = letter[2]
    local original, id = fields[2], fields[8]
    local entry = redis.call('XRANGE', stream, original, original)[1]
    if entry and entry[2][2] == id then
      -- FORCE puts an entry that was settled back among the pending ones: same place, unseen by every other group.
      -- A group that went back, or was made anew, has it under lease or before it: then it is back already.
      local isAhead = below(lastDelivered, original)
      if not isAhead and #redis.call('XPENDING', stream, group, original, original, 1) == 0 then
        -- The next life of deliveries, see cursor.ts: a receipt from before must not settle one that comes now.
        local life = (math.floor(tonumber(fields[4]) / 10000) + 1) * 10000
        redis.call('XCLAIM', stream, group, 'parked', 0, original, 'RETRYCOUNT', life, 'FORCE', 'JUSTID')
        park(order, { id = original, key = fields[14], place = string.format('%.0f-0', now) }, ARGV[5], now)
      end
      redis.call('HINCRBY', meta, 'returned:' .. group, 1)
    else
      local more = string.sub(fields[16], 2, -2)
      if not string.find(more, '"mqoriginalid":', 1, true) then
        more = more .. (more == '' and '' or ',') .. '"mqoriginalid":"' .. original .. '"'
      end
      if not string.find(more, '"mqgroup":', 1, true) then more = more .. ',"mqgroup":"' .. group .. '"' end
      last = redis.call('XADD', stream, '*', 'i', id, 't', fields[10], 's', fields[12], 'k', fields[14],
        'm', '{' .. more .. '}', 'd', fields[18])
    end
    redis.call('XDEL', dead, ARGV[at])
    moved = moved + 1
  end
end
if moved > 0 and ARGV[4] ~= '' then redis.call('HINCRBY', KEYS[5], ARGV[4], moved) end
if last then redis.call('PUBLISH', ARGV[2], ARGV[3] .. ' ' .. last) end
if moved > 0 then redis.call('PUBLISH', ARGV[2], ARGV[3] .. ' !' .. group) end
return moved
