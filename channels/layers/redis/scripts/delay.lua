-- Keeps a message until it is due, and wakes a reader that waits, so that it learns of it.
--
-- KEYS[1]  the queue's delayed messages (sorted set: member -> time it is due, ms)
-- KEYS[2]  the queue
-- ARGV[1]  delay, ms
-- ARGV[2]  a unique id, 12 bytes
-- ARGV[3]  kind of the envelope
-- ARGV[4]  attempts made before
-- ARGV[5]  what follows the envelope's head
-- ARGV[6]  time to live of the queue key, ms
-- returns  0

local now = now_ms()
local due = now + tonumber(ARGV[1])
local live = tonumber(ARGV[1]) + tonumber(ARGV[6])

redis.call('ZADD', KEYS[1], due, ARGV[2] .. struct.pack('>BB', ARGV[3], ARGV[4]) .. ARGV[5])
if redis.call('PTTL', KEYS[1]) < live then
  redis.call('PEXPIRE', KEYS[1], live)
end
if redis.call('LLEN', KEYS[2]) == 0 then
  redis.call('RPUSH', KEYS[2], struct.pack('>BBd', 0, 0, now + 10000))
  redis.call('PEXPIRE', KEYS[2], 10000)
end
return 0
