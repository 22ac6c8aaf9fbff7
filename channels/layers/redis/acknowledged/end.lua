-- Ends the ownership of a message of an acknowledged channel.
--
-- KEYS[1]  the queue (see part_stream.lua)
-- KEYS[2]  the stream
-- KEYS[3]  the delayed messages
-- KEYS[4]  the dead letters
-- KEYS[5]  the counts
-- ARGV[1]  id of the entry
-- ARGV[2]  "done"; "back": it waits again, as it was; "retry": it waits again, after a delay;
--          "dead": it becomes a dead letter
-- ARGV[3]  time to live of the keys, ms
-- ARGV[4]  "retry": expiry of the message, ms; "dead": the reason
-- ARGV[5]  "retry": delay, ms
-- ARGV[6]  "retry": a unique id, 12 bytes
-- returns  1, or 0 if it was not owned any more

local how = ARGV[2]
local item = how ~= 'done' and redis.call('XRANGE', KEYS[2], ARGV[1], ARGV[1])[1]
if not let_go(KEYS[2], ARGV[1]) then
  return 0
end
if not item then
  return 1
end
local entry = parse(item)
if how == 'dead' then
  bury(KEYS[4], KEYS[5], entry.m, entry.a, ARGV[4])
elseif how == 'back' then
  add(KEYS[1], KEYS[2], entry, ARGV[3], 'LPUSH')
else
  entry.a, entry.d = math.min(entry.a + 1, 255), 0
  if tonumber(ARGV[5]) > 0 then
    postpone(KEYS[3], KEYS[1], ARGV[5],
      ARGV[6] .. struct.pack('>BB', 1, entry.a) .. entry.m, ARGV[3])
  else
    entry.x = now_ms() + tonumber(ARGV[4])
    add(KEYS[1], KEYS[2], entry, ARGV[3])
  end
end
return 1
