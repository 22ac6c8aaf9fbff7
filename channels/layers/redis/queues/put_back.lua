-- Puts a message that was taken back into its queue, whatever the queue's capacity.
--
-- KEYS[1]  the queue
-- ARGV[1]  expiry of the message, ms
-- ARGV[2]  time to live of the queue key, ms
-- ARGV[3]  attempts made before
-- ARGV[4]  kind of the envelope
-- ARGV[5]  what follows the envelope's head
-- ARGV[6]  "LPUSH" to the front, "RPUSH" to the end
-- returns  0

redis.call(ARGV[6], KEYS[1],
  make_envelope(ARGV[4], ARGV[3], now_ms() + tonumber(ARGV[1]), ARGV[5]))
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 0
