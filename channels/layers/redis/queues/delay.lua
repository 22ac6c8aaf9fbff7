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

postpone(KEYS[1], KEYS[2], ARGV[1], ARGV[2] .. struct.pack('>BB', ARGV[3], ARGV[4]) .. ARGV[5],
  ARGV[6])
return 0
