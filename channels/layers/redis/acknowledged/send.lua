-- Puts one message into an acknowledged channel, unless that is full.
--
-- KEYS[1]  the queue (list of tokens, see part_stream.lua)
-- KEYS[2]  the stream
-- KEYS[3]  the counts
-- ARGV[1]  capacity: messages that may wait
-- ARGV[2]  expiry of the message, ms
-- ARGV[3]  time to live of the keys, ms
-- ARGV[4]  the packed message
-- returns  as queues/send.lua

local now = now_ms()
local length, expired = length_if_full(KEYS[1], KEYS[3], tonumber(ARGV[1]), now)
if length == 0 then
  add(KEYS[1], KEYS[2], {m = ARGV[4], a = 0, d = 0, x = now + tonumber(ARGV[2])}, ARGV[3])
  count_sent(KEYS[3], 1, now)
end
return expired > 0 and {length, expired} or length
