-- Moves a group that keeps its own place forward on one partition. It never moves back.
-- KEYS     1 stream  2 meta
-- ARGV     1 group  2 stream id up to which everything is settled  3 entries since the last checkpoint
-- error    NOGROUP
local function below(a, b)
  local aMs, aSeq = string.match(a, '(%d+)-(%d+)')
  local bMs, bSeq = string.match(b, '(%d+)-(%d+)')
  aMs, bMs = tonumber(aMs), tonumber(bMs)
  return aMs < bMs or (aMs == bMs and tonumber(aSeq) < tonumber(bSeq))
end
for _, flat in ipairs(redis.call('XINFO', 'GROUPS', KEYS[1])) do
  local info = {}
  for n = 1, #flat, 2 do info[flat[n]] = flat[n + 1] end
  if info.name == ARGV[1] then
    if not below(info['last-delivered-id'], ARGV[2]) then return end
    local read = info['entries-read']
    redis.call('HINCRBY', KEYS[2], 'settled:' .. ARGV[1], ARGV[3])
    if read then
      redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], ARGV[2], 'ENTRIESREAD', read + ARGV[3])
    else
      redis.call('XGROUP', 'SETID', KEYS[1], ARGV[1], ARGV[2])
    end
    return
  end
end
return redis.error_reply('NOGROUP')
