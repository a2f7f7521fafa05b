-- Gives a partition a new epoch when an entry that was kept is gone though nobody removed it: Redis lost its tail, in a
-- crash or a failover. What is left below stays as it was; receipts from before are worth nothing any more.
-- KEYS     1 stream  2 meta
-- ARGV     1 epoch in which the entry was kept  2 its id  3 epoch to take
-- returns  1 when entries were lost, 0 when not or when that is known already
local stream, meta, id = KEYS[1], KEYS[2], ARGV[2]
local state = redis.call('HMGET', meta, 'epoch', 'trimmed')
if state[1] ~= ARGV[1] or redis.call('EXISTS', stream) == 0 then return 0 end
if redis.call('XRANGE', stream, id, id)[1] then return 0 end
local function below(a, b)
  local aMs, aSeq = string.match(a, '(%d+)-(%d+)')
  local bMs, bSeq = string.match(b, '(%d+)-(%d+)')
  aMs, bMs = tonumber(aMs), tonumber(bMs)
  return aMs < bMs or (aMs == bMs and tonumber(aSeq) < tonumber(bSeq))
end
local trimmed, info = state[2] or '0-0', redis.call('XINFO', 'STREAM', stream)
if not below(trimmed, id) then return 0 end
for n = 1, #info, 2 do
  if info[n] == 'max-deleted-entry-id' and not below(info[n + 1], id) then return 0 end
end
local last = redis.call('XREVRANGE', stream, '(' .. id, '-', 'COUNT', 1)[1]
-- `before`: the life that ended here, and the last place of it that this one still has.
redis.call('HSET', meta, 'epoch', ARGV[3], 'before', ARGV[1] .. ' ' .. (last and last[1] or trimmed))
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  for n = 1, #flat, 2 do
    if flat[n] == 'name' then redis.call('HSET', meta, 'nonce:' .. flat[n + 1], ARGV[3]) end
  end
end
return 1
