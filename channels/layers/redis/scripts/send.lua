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

if KEYS[3] then
  local state = redis.call('HGET', KEYS[3], ARGV[6])
  if state == 'gone' then
    return -1
  elseif state == 'hold' then
    return -2
  end
end
local now = now_ms()
local length, expired = length_if_full(KEYS[1], KEYS[2], tonumber(ARGV[1]), now)
if length == 0 then
  redis.call('RPUSH', KEYS[1],
    struct.pack('>BBd', ARGV[4], 0, now + tonumber(ARGV[2])) .. ARGV[5])
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  if KEYS[2] then
    count_sent(KEYS[2], 1, now)
  end
end
return expired > 0 and {length, expired} or length
