-- Ends an ordered message and sets free the one that waits for it.
--
-- KEYS[1]  the socket's order (see order_begin.lua)
-- KEYS[2]  ordered messages that run now in this server's sockets
-- ARGV[1]  order of the message that has ended
-- ARGV[2]  the client
-- ARGV[3]  "done": the next one may run; "retry": this one may run again
-- returns  the parked message that is next, or false

if redis.call('HGET', KEYS[1], 'running') ~= ARGV[1] then
  return false
end
redis.call('HDEL', KEYS[1], 'running')
redis.call('HDEL', KEYS[2], ARGV[2])
if ARGV[3] == 'retry' then
  return false
end
local next_order = redis.call('HINCRBY', KEYS[1], 'next', 1)
local parked = redis.call('HGET', KEYS[1], 'p' .. next_order)
if parked then
  redis.call('HDEL', KEYS[1], 'p' .. next_order)
  redis.call('HINCRBY', KEYS[1], 'parked', -1)
end
return parked
