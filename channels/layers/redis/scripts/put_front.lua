-- Puts a message at the front of a queue, whatever its capacity: it was taken, and not run.
--
-- KEYS[1]  the queue
-- ARGV[1]  expiry of the message, ms
-- ARGV[2]  time to live of the queue key, ms
-- ARGV[3]  attempts made before
-- ARGV[4]  the packed message
-- returns  0

redis.call('LPUSH', KEYS[1],
  struct.pack('>BBd', 1, ARGV[3], now_ms() + tonumber(ARGV[1])) .. ARGV[4])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0
