-- Whether deliveries of one partition still hold their leases.
-- KEYS     1 stream  2 meta
-- ARGV     1 group  2... per receipt: nonce, id, deliveries
-- returns  1 or 0 per receipt
-- error    NOGROUP
local nonce, answers = redis.call('HGET', KEYS[2], 'nonce:' .. ARGV[1]) or '', {}
for at = 2, #ARGV, 3 do
  local row = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[at + 1], ARGV[at + 1], 1, 'live')[1]
  local isOurs = row and ARGV[at] == nonce and tonumber(row[4]) == tonumber(ARGV[at + 2])
  answers[#answers + 1] = isOurs and 1 or 0
end
return answers
