-- Reads ahead for a group that filters or orders: new entries are parked, and due at once where nobody of their key
-- stands before them.
-- KEYS     1 stream  2 parked  3 line  4 keyof
-- ARGV     1 group  2 how many at most  3 ordering: none, key or partition  4 how long the line may get
-- returns  {1 when the line is full, {id, fields} ...}
-- error    NOGROUP
local stream, group, ordering = KEYS[1], ARGV[1], ARGV[3]
local keys = { parked = KEYS[2], line = KEYS[3], keyof = KEYS[4] }
if redis.call('ZCARD', keys.line) >= tonumber(ARGV[4]) then return { 1 } end
local reply = redis.call('XREADGROUP', 'GROUP', group, 'parked', 'COUNT', ARGV[2], 'STREAMS', stream, '>')
if not reply then return { 0 } end
local entries, claim, answer = reply[1][2], { 'XCLAIM', stream, group, 'parked', 0 }, { 0 }
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, entry in ipairs(entries) do
  local id, fields = entry[1], entry[2]
  if fields then
    claim[#claim + 1] = id
    answer[#answer + 1] = entry
    -- Of the six fields of an event, the last ones of every entry, the key is the fourth.
    park(keys, { id = id, key = fields[#fields - 4] or '' }, ordering, now)
  end
end
if #claim == 5 then return answer end
-- Parking is no delivery.
for _, word in ipairs({ 'RETRYCOUNT', 0, 'JUSTID' }) do claim[#claim + 1] = word end
redis.call(unpack(claim))
return answer
