-- As send.lua, for a message that must not overtake others of the same pipeline.
--
-- KEYS     as of send.lua; and the mark of the row (see part_rows.lua)
-- ARGV     as of send.lua; and the place in the row
-- returns  as send.lua; or -3, held back

local mark, place = KEYS[#KEYS], ARGV[#ARGV]
if is_held_back(mark, place) then
  return -3
end
local reply = send(#KEYS == 2 and {KEYS[1]} or KEYS, ARGV)
if place ~= 'last' and is_refused(reply) then
  redis.call('SET', mark, '', 'PX', MARK_TTL_MS)
end
return reply
