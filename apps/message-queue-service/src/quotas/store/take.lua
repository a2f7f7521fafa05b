-- Takes a slice out of a tenant's token bucket, which holds one second's worth.
-- KEYS     1 bucket  2 the tenant's overrides
-- ARGV     1 name of the rate  2 default per second, -1 = no limit  3 debt to pay  4 1 = only look
-- returns  granted (-1 = no limit), ms until there is something, the rate per second, what is left (text)
local rate = tonumber(redis.call('HGET', KEYS[2], ARGV[1]) or ARGV[2])
if rate < 0 then return { -1, 0, -1, '0' } end
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local held = redis.call('HMGET', KEYS[1], 'tokens', 'atMs')
local tokens = rate
if held[1] then tokens = math.min(rate, held[1] + math.max(0, nowMs - held[2]) * rate / 1000) end
tokens = tokens - ARGV[3]
local granted = 0
if ARGV[4] ~= '1' then granted = math.max(0, math.min(math.floor(tokens), math.ceil(rate / 10))) end
tokens = tokens - granted
redis.call('HSET', KEYS[1], 'tokens', string.format('%.3f', tokens), 'atMs', nowMs)
local fullMs = rate > 0 and math.ceil((rate - tokens) / rate * 1000) or 60000
redis.call('PEXPIRE', KEYS[1], fullMs + 1000)
local waitMs = 0
if granted == 0 then waitMs = rate > 0 and math.max(1, math.ceil((1 - tokens) / rate * 1000)) or 60000 end
return { granted, waitMs, rate, string.format('%.3f', tokens) }
