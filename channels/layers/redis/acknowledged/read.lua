-- Reads the next message of an acknowledged channel that has not expired; expired ones become dead
-- letters.
--
-- KEYS[1]  the stream (see part_stream.lua)
-- KEYS[2]  the dead letters
-- KEYS[3]  the counts
-- ARGV[1]  1 if it is acknowledged at once
-- returns  {id of the entry, attempts, the packed message}, or false

if redis.call('EXISTS', KEYS[1]) == 0 then
  return false
end
local now = now_ms()
local entry = read(KEYS[1])
while entry and tonumber(entry.x) <= now do
  let_go(KEYS[1], entry.id)
  bury(KEYS[2], KEYS[3], entry.m, entry.a, 'it expired unread')
  entry = read(KEYS[1])
end
if not entry then
  return false
end
if ARGV[1] == '1' then
  let_go(KEYS[1], entry.id)
end
return {entry.id, tonumber(entry.a), entry.m}
