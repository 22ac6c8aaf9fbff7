-- Lets a socket's session and order go; an ordered one leaves a mark, so that stragglers are stale.
--
-- KEYS[1]  the socket's session
-- KEYS[2]  the socket's order (see order_begin.lua)
-- ARGV[1]  life of the mark, ms
-- returns  0

redis.call('DEL', KEYS[1])
if redis.call('DEL', KEYS[2]) == 1 then
  redis.call('HSET', KEYS[2], 'broken', 'over')
  redis.call('PEXPIRE', KEYS[2], ARGV[1])
end
return 0
