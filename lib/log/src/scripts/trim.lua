-- Applies retention to one partition, never past the lowest entry that some group has not settled (unless told so).
-- KEYS     1 stream  2 meta  3 delayed
-- ARGV     1 entries at most (-1 = any number)  2 age at most, ms (-1 = any)  3 bytes at most (-1 = any)
--          4 1 = keep everything while there is no group
--          5 old-acked, reject (while there is no group, neither number nor bytes count) or old-unsafe (settled or not)
--          6 fence of the owner ('' = anybody: for those who found the partition full)
-- returns  {entries removed, 1 when there may be more to remove, how many of them were not settled,
--          the due ms of the earliest delayed event ('' = none), entries there were before}
-- error    FENCED a newer owner has been here
local stream, meta, due = KEYS[1], KEYS[2], redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')[2] or ''
if ARGV[6] ~= '' and tonumber(redis.call('HGET', meta, 'fence') or 0) > tonumber(ARGV[6]) then return redis.error_reply('FENCED') end
local function below(a, b)
  local aMs, aSeq = string.match(a, '(%d+)-(%d+)')
  local bMs, bSeq = string.match(b, '(%d+)-(%d+)')
  aMs, bMs = tonumber(aMs), tonumber(bMs)
  return aMs < bMs or (aMs == bMs and tonumber(aSeq) < tonumber(bSeq))
end
local function after(id)
  local ms, seq = string.match(id, '(%d+)-(%d+)')
  return ms .. '-' .. string.format('%.0f', tonumber(seq) + 1)
end

local length = redis.call('XLEN', stream)
if length == 0 then return { 0, 0, 0, due, length } end
-- `floor`: the first id that must stay. Each group also notes it, so a group that vanished is made again there.
local floor, groups, isThere = nil, redis.call('XINFO', 'GROUPS', stream), {}
for _, flat in ipairs(groups) do
  local info = {}
  for n = 1, #flat, 2 do info[flat[n]] = flat[n + 1] end
  isThere['low:' .. info.name] = true
  local pending = redis.call('XPENDING', stream, info.name)
  local low = after(info['last-delivered-id'])
  if pending[1] > 0 and below(pending[2], low) then low = pending[2] end
  if not floor or below(low, floor) then floor = low end
  local ms, seq = string.match(low, '(%d+)-(%d+)')
  local settled = seq == '0' and string.format('%.0f-9007199254740991', tonumber(ms) - 1)
    or ms .. '-' .. string.format('%.0f', tonumber(seq) - 1)
  if redis.call('HGET', meta, 'low:' .. info.name) ~= settled then redis.call('HSET', meta, 'low:' .. info.name, settled) end
end
-- A group with a note and no place was not deleted, it was destroyed: it will be made again at its note.
local notes = redis.call('HGETALL', meta)
for n = 1, #notes, 2 do
  if string.sub(notes[n], 1, 4) == 'low:' and not isThere[notes[n]] then
    local low = after(notes[n + 1])
    if not floor or below(low, floor) then floor = low end
  end
end
if not floor and ARGV[4] == '1' then return { 0, 0, 0, due, length } end

local lengthMax, ageMax, bytesMax = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local target, isMore, excess = nil, 0, 0
if ageMax >= 0 then
  local time = redis.call('TIME')
  target = string.format('%.0f-0', time[1] * 1000 + math.floor(time[2] / 1000) - ageMax)
end
if floor or ARGV[5] ~= 'reject' then
  if lengthMax >= 0 then excess = length - lengthMax end
  if bytesMax >= 0 then
    local bytes = redis.call('MEMORY', 'USAGE', stream, 'SAMPLES', 0)
    if bytes > bytesMax then
      excess = math.max(excess, math.ceil(length * (bytes - bytesMax) / bytes))
      isMore = 1
    end
  end
end
if excess > 0 then
  -- The id at that depth is only found by walking there, so a deep excess goes in steps.
  local step = math.min(excess, length, 500)
  local head = redis.call('XRANGE', stream, '-', '+', 'COUNT', step)
  local past = after(head[#head][1])
  if not target or below(target, past) then
    target = past
    if step < excess then isMore = 1 end
  else
    isMore = 0
  end
end
if not target then return { 0, 0, 0, due, length } end

local dropped = 0
if floor and below(floor, target) then
  if ARGV[5] == 'old-unsafe' then
    local unsettled = redis.call('XRANGE', stream, floor, '(' .. target, 'COUNT', 1000)
    dropped = #unsettled
    if dropped == 1000 then target, isMore = after(unsettled[1000][1]), 1 end
  else
    target, isMore = floor, 0
  end
end
local last = redis.call('XREVRANGE', stream, '(' .. target, '-', 'COUNT', 1)[1]
if not last then return { 0, 0, 0, due, length } end
redis.call('HSET', meta, 'trimmed', last[1])
if ARGV[6] ~= '' then redis.call('HSET', meta, 'fence', ARGV[6]) end
return { redis.call('XTRIM', stream, 'MINID', target), isMore, dropped, due, length }
