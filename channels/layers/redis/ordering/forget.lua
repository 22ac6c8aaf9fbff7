-- Lets a socket's session and order go; an ordered one leaves a mark, so that stragglers are stale.
--
-- KEYS[1]  the socket's session
-- KEYS[2]  the socket's order (see part_order.lua)
-- KEYS[3]  the sockets of its server that have parked messages (see part_order.lua)
-- ARGV[1]  life of the mark, ms
-- ARGV[2]  the client
-- returns  0

redis.call('DEL', KEYS[1])
if redis.call('DEL', KEYS[2]) == 1 then
  redis.call('HSET', KEYS[2], 'broken', 'over')
  redis.call('PEXPIRE', KEYS[2], ARGV[1])
  redis.call('ZREM', KEYS[3], ARGV[2])
end
return 0
