-- Ends an ordered message and says which one waits for that. Asked again, it says so again until
-- somebody has begun that one.
--
-- KEYS     see part_order.lua; and KEYS[4], if the socket was sent to in the same pipeline, the
--          mark of that row (see queues/part_rows.lua)
-- ARGV[1]  order of the message that has ended
-- ARGV[2]  the client
-- ARGV[3]  "done": the next one may run; "retry": this one may run again;
--          "dead": as "done", if what runs is still as ARGV[4] says
-- ARGV[4]  with "dead": owner, order and channel; with "retry": the owner, if only what that one runs
--          may run again; with KEYS[4]: the place in the row
-- returns  the parked message that is next, or false; for "dead" {1, that}, or {} if it ran no more;
--          -3 if it was held back, and has not ended

if KEYS[4] and is_held_back(KEYS[4], ARGV[4]) then
  return -3
end
return finish(ARGV[1], ARGV[2], ARGV[3], ARGV[4])
