-- Lists which message of each of some sockets may run next.
--
-- KEYS     the orders of the sockets (see part_order.lua)
-- returns  for each: the order of that message; false if the socket is not ordered; "" if it is
--          given up

local found = {}
for index, key in ipairs(KEYS) do
  local state = redis.call('HMGET', key, 'next', 'broken')
  found[index] = state[2] and '' or state[1]
end
return found
