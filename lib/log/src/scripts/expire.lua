-- Takes back expired leases of a group on one partition: parked for redelivery, or dead after too many deliveries.
-- KEYS     1 stream  2 meta  3 parked  4 dead  5 line  6 keyof  7 held  8 attempts
-- ARGV     1 group  2 lease ms  3 deliveries at most  4 fence of the owner  5 bell channel  6 partition
--          7... backoff ms per delivery, the last one repeating
-- returns  {parked, dead, lost, ms until the next look is worth it}
-- error    FENCED a newer owner has been here · NOGROUP
local stream, meta, group, lease = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2])
if tonumber(redis.call('HGET', meta, 'fence') or 0) > tonumber(ARGV[4]) then return redis.error_reply('FENCED') end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local order = { parked = KEYS[3], line = KEYS[5], keyof = KEYS[6] }
local hasHeld = redis.call('EXISTS', KEYS[7]) == 1
local function heldUntil(id) return hasHeld and tonumber(redis.call('ZSCORE', KEYS[7], id)) or 0 end
local expired, from = {}, '-'
for page = 1, 10 do
  local rows = redis.call('XPENDING', stream, group, 'IDLE', lease, from, '+', 100, 'live')
  for _, row in ipairs(rows) do
    if heldUntil(row[1]) <= now then expired[#expired + 1] = row end
  end
  if #rows < 100 or #expired >= 100 then break end
  from = '(' .. rows[#rows][1]
end
if #expired > 0 then redis.call('HSET', meta, 'fence', ARGV[4]) end
local answer, isDue = { 0, 0, 0, lease }, false
for _, row in ipairs(expired) do
  local id, deliveries = row[1], tonumber(row[4])
  -- The count holds the entry's life as well, see cursor.ts.
  local ofLife = deliveries % 10000
  local entry = redis.call('XRANGE', stream, id, id)[1]
  if hasHeld then redis.call('ZREM', KEYS[7], id) end
  if not entry then
    redis.call('XACK', stream, group, id)
    redis.call('HINCRBY', meta, 'lost:' .. group, 1)
    isDue = leave(order, id, now) or isDue
    answer[3] = answer[3] + 1
  elseif ofLife >= tonumber(ARGV[3]) then
    tried(KEYS[8], id, deliveries, 'dead', 'lease expired')
    redis.call('XADD', KEYS[4], '*', 'o', id, 'n', deliveries, 'r', 'lease expired', unpack(entry[2]))
    redis.call('XACK', stream, group, id)
    isDue = leave(order, id, now) or isDue
    answer[2] = answer[2] + 1
  else
    local delay = tonumber(ARGV[math.min(6 + ofLife, #ARGV)])
    redis.call('XCLAIM', stream, group, 'parked', 0, id, 'RETRYCOUNT', deliveries, 'JUSTID')
    redis.call('ZADD', KEYS[3], now + (#ARGV > 6 and delay or 0), id)
    tried(KEYS[8], id, deliveries, 'expired', '')
    answer[1] = answer[1] + 1
  end
end
if answer[1] > 0 or answer[2] > 0 or isDue then redis.call('PUBLISH', ARGV[5], ARGV[6] .. ' !' .. group) end

-- Nothing can expire earlier than the most idle lease says; beyond a page of leases look again soon instead.
local live = redis.call('XPENDING', stream, group, '-', '+', 100, 'live')
if #expired >= 100 or #live == 100 then answer[4] = #expired >= 100 and 0 or 1000 end
for _, row in ipairs(live) do
  answer[4] = math.min(answer[4], math.max(0, lease - row[3], heldUntil(row[1]) - now))
end
return answer
