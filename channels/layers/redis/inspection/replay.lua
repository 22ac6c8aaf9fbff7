-- Sends a dead letter again, whatever the capacity of its channel.
--
-- KEYS[1]  the dead letters (see bury.lua)
-- KEYS[2]  the queue
-- KEYS[3]  the counts
-- KEYS[4]  only if the channel is acknowledged: its stream (see acknowledged/part_stream.lua)
-- ARGV[1]  id of the letter
-- ARGV[2]  expiry of the message, ms
-- ARGV[3]  time to live of the queue, ms
-- ARGV[4]  the packed message
-- ARGV[5]  kind of the envelope, without KEYS[4]
-- ARGV[6]  what follows the envelope's head, without KEYS[4]
-- returns  1, or 0 if the letter is not there any more

if redis.call('XDEL', KEYS[1], ARGV[1]) == 0 then
  return 0
end
if redis.call('XLEN', KEYS[1]) == 0 then
  redis.call('DEL', KEYS[1])
end
local now = now_ms()
local expires = now + tonumber(ARGV[2])
if KEYS[4] then
  add(KEYS[2], KEYS[4], {m = ARGV[4], a = 0, d = 0, x = expires}, ARGV[3])
else
  redis.call('RPUSH', KEYS[2], make_envelope(ARGV[5], 0, expires, ARGV[6]))
  redis.call('PEXPIRE', KEYS[2], ARGV[3])
end
count_sent(KEYS[3], 1, now)
return 1
