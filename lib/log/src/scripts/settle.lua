-- Settles deliveries of one partition. A receipt counts only while its delivery is the newest and its lease is live.
-- KEYS     1 stream  2 meta  3 parked  4 dead  5 line  6 keyof  7 held  8 attempts
-- ARGV     1 group  2 bell channel  3 partition  4 lowest id below  5 highest id below
--          6... per receipt: operation, nonce, id, deliveries, argument
--          operations: ack; park (argument = ms until it is due, a blank, why); release (the same at once, the delivery does not count);
--          extend (argument = ms of the group's lease that count as gone, or +<ms> for a longer one); dead (argument = reason)
-- returns  1 or 0 (lease lost) per receipt
-- error    NOGROUP
local stream, meta, parked, dead, group = KEYS[1], KEYS[2], KEYS[3], KEYS[4], ARGV[1]
local count = (#ARGV - 5) / 5
local nonce = redis.call('HGET', meta, 'nonce:' .. group) or ''
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- One look at the whole range serves a batch of neighbours; what it could not show is looked up alone.
local leased, rows = {}, redis.call('XPENDING', stream, group, ARGV[4], ARGV[5], 2 * count, 'live')
for _, row in ipairs(rows) do leased[row[1]] = tonumber(row[4]) end
local isComplete = #rows < 2 * count
local function deliveriesOf(id)
  if leased[id] == nil and not isComplete then
    local row = redis.call('XPENDING', stream, group, id, id, 1, 'live')[1]
    leased[id] = row and tonumber(row[4]) or false
  end
  return leased[id]
end

local answers, acked, isParked, died = {}, {}, false, 0
local order = { parked = parked, line = KEYS[5], keyof = KEYS[6] }
local isOrdered, hasHeld = redis.call('EXISTS', KEYS[5]) == 1, redis.call('EXISTS', KEYS[7]) == 1
for at = 6, #ARGV, 5 do
  local op, id, deliveries, argument = ARGV[at], ARGV[at + 2], tonumber(ARGV[at + 3]), ARGV[at + 4]
  local isOurs = ARGV[at + 1] == nonce and deliveriesOf(id) == deliveries
  answers[#answers + 1] = isOurs and 1 or 0
  if isOurs then
    if hasHeld then redis.call('ZREM', KEYS[7], id) end
    if op == 'extend' then
      -- Idle time says when a lease ends and cannot lie in the future, so a longer lease is held beside it.
      local longer = string.match(argument, '^%+(%d+)$')
      if longer then
        redis.call('ZADD', KEYS[7], now + longer, id)
        hasHeld = true
      end
      local idle = longer and 0 or tonumber(argument) or 0
      redis.call('XCLAIM', stream, group, 'live', 0, id, 'IDLE', idle, 'RETRYCOUNT', deliveries, 'JUSTID')
    elseif op == 'park' or op == 'release' then
      if op == 'release' then deliveries = deliveries - 1 end
      redis.call('XCLAIM', stream, group, 'parked', 0, id, 'RETRYCOUNT', deliveries, 'JUSTID')
      local delay, reason = string.match(argument, '^(%d*) ?(.*)$')
      redis.call('ZADD', parked, now + (tonumber(delay) or 0), id)
      if op == 'park' then tried(KEYS[8], id, deliveries, 'nacked', reason) end
      isParked = true
    else
      if op == 'dead' then
        local entry = redis.call('XRANGE', stream, id, id)[1]
        died = died + 1
        tried(KEYS[8], id, deliveries, 'dead', argument)
        if entry then redis.call('XADD', dead, '*', 'o', id, 'n', deliveries, 'r', argument, unpack(entry[2])) end
      end
      acked[#acked + 1] = id
      if op == 'ack' and deliveries > 1 then tried(KEYS[8], id, deliveries, 'acked', '') end
      if isOrdered and leave(order, id, now) then isParked = true end
    end
    if op ~= 'extend' then leased[id] = false end
  end
end
if #acked > 0 then redis.call('XACK', stream, group, unpack(acked)) end
if #acked > died then redis.call('HINCRBY', meta, 'settled:' .. group, #acked - died) end
if isParked then redis.call('PUBLISH', ARGV[2], ARGV[3] .. ' !' .. group) end
return answers
