-- Whether a group has been given everything in a partition of an earlier generation. It stays sealed even where a
-- promoted replica had not heard of it.
-- KEYS     1 stream  2 meta
-- ARGV     1 group  2 1 = and has settled it
-- returns  1 or 0
redis.call('HSETNX', KEYS[2], 'sealed', 1)
local groups = redis.pcall('XINFO', 'GROUPS', KEYS[1])
if groups.err then return 0 end
for _, flat in ipairs(groups) do
  local info = {}
  for n = 1, #flat, 2 do info[flat[n]] = flat[n + 1] end
  if info.name == ARGV[1] then
    if ARGV[2] == '1' and info.pending > 0 then return 0 end
    return #redis.call('XRANGE', KEYS[1], '(' .. info['last-delivered-id'], '+', 'COUNT', 1) == 0 and 1 or 0
  end
end
return 0
