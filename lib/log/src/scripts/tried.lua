-- Notes a delivery that did not go through at once; put before the scripts that settle.
local function tried(key, id, deliveries, outcome, reason)
  redis.call('XADD', key, 'MAXLEN', '~', 1000, '*', 'o', id, 'n', deliveries, 'w', outcome, 'r', reason)
end
