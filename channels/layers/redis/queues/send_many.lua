-- Puts several messages at the end of a queue, if there is room for all of them.
--
-- KEYS[1]   the queue (list of envelopes)
-- KEYS[2]   the queue's counts (hash); absent for a single-reader queue, whose counts are not kept
-- ARGV[1-4] as in send.lua
-- ARGV[5…]  what follows the head of each envelope
-- returns   1 sent; 0 there may be no room: none was sent, each is to be sent with send.lua

local count = #ARGV - 4
if redis.call('LLEN', KEYS[1]) + count > tonumber(ARGV[1]) then
  return 0
end
local now = now_ms()
local head = make_envelope(ARGV[4], 0, now + tonumber(ARGV[2]), '')
local envelopes = {}
for i = 1, count do
  envelopes[i] = head .. ARGV[i + 4]
end
redis.call('RPUSH', KEYS[1], unpack(envelopes))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
if KEYS[2] then
  count_sent(KEYS[2], count, now)
end
return 1
