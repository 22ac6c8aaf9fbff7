-- Puts one message at the end of a queue, unless the queue is full or its client has gone.
--
-- KEYS[1]  the queue (list of envelopes)
-- KEYS[2]  the queue's counts (hash); absent for a single-reader queue, whose counts are not kept
-- KEYS[3]  only for a "!" channel: states of the process's clients (hash: client -> "gone" | "hold")
-- ARGV[1]  capacity: messages the queue holds
-- ARGV[2]  expiry of the message, ms
-- ARGV[3]  time to live of the queue key, ms
-- ARGV[4]  kind of the envelope
-- ARGV[5]  what follows the envelope's head
-- ARGV[6]  only with KEYS[3]: the client
-- returns  0 sent; n > 0 full, with n waiting; -1 the client has gone; -2 the client is held;
--          if messages were found to have expired: {0 or n, number of these}

return send(KEYS, ARGV)
