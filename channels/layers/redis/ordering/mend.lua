-- Brings on a socket that has been waiting for too long: the message that may run is handed out
-- again if it is parked; if it is lost, the socket is given up.
--
-- KEYS     see part_order.lua
-- ARGV[1]  the client
-- ARGV[2]  the time of its last event, as it was when that was looked up; "" gives it up in any case
-- ARGV[3]  life of these keys, ms
-- returns  false: nothing was to be done; {-1, a message}: it may run;
--          {number of messages dropped, the disconnect if that was parked}: given up;
--          then the order of the message that was waited for

local client, since = ARGV[1], ARGV[2]
local state = redis.call('HMGET', KEYS[1], 'next', 'broken', 'bye')
local next_order, broken, bye = state[1], state[2], state[3]

if since ~= '' and (running_in(client) or redis.call('ZSCORE', KEYS[3], client) ~= since) then
  return false
end
if broken == 'over' or not next_order then
  redis.call('ZREM', KEYS[3], client)
  return false
end
local turn
local waiting = redis.call('HGET', KEYS[1], 'p' .. (broken and (bye or '') or next_order))
if waiting and (broken or since ~= '') then
  redis.call('ZADD', KEYS[3], now_ms(), client)
  turn = {-1, waiting, next_order}
else
  local dropped, goodbye = give_up(client)
  turn = {dropped, goodbye, next_order}
end
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
return turn
