-- Puts a message that was taken back into an acknowledged channel, whatever its capacity.
--
-- KEYS[1]  the queue (see part_stream.lua)
-- KEYS[2]  the stream
-- ARGV[1]  expiry of the message, ms
-- ARGV[2]  time to live of the keys, ms
-- ARGV[3]  attempts made before
-- ARGV[4]  the packed message
-- returns  0

add(KEYS[1], KEYS[2],
  {m = ARGV[4], a = ARGV[3], d = 0, x = now_ms() + tonumber(ARGV[1])}, ARGV[2])
return 0
