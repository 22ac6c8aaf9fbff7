-- Says whether a message of an ordered socket may run now, and parks it if it is early.
--
-- KEYS     see part_order.lua; and KEYS[4], the socket's session
-- ARGV[1]  order of the message
-- ARGV[2]  the client
-- ARGV[3]  the worker that asks
-- ARGV[4]  how many messages may be parked
-- ARGV[5]  the channel of the message
-- ARGV[6]  life of these keys, ms; the session's too, as what a closed socket left may wait for long
-- ARGV[7]  the message to park; absent on the first call, which then only answers "early"
-- returns  "run", "early", "parked", "stale", or, when the socket is given up, {number of messages
--          dropped with it, the disconnect if that was parked}

local order, client, channel = tonumber(ARGV[1]), ARGV[2], ARGV[5]
local state = redis.call('HMGET', KEYS[1], 'next', 'parked', 'broken')
local next_order, parked, broken = tonumber(state[1]), state[2], state[3]
local is_bye = channel == 'websocket.disconnect'
local turn

if broken == 'over' or (broken and not is_bye) then
  return 'stale'
end
if not next_order then
  next_order = math.min(order, 1) -- an unordered connect is 0
  redis.call('HSET', KEYS[1], 'next', next_order)
end
if running_in(client) == ARGV[1] or (order < next_order and not broken) then
  return 'stale'
end
if order == next_order or broken then
  if broken then
    redis.call('HSET', KEYS[1], 'broken', 'over')
  end
  redis.call('HSET', KEYS[2], client, ARGV[3] .. ' ' .. ARGV[1] .. ' ' .. channel)
  if parked then
    unpark(client, 'p' .. order)
  end
  turn = 'run'
elseif not ARGV[7] then
  return 'early'
elseif redis.call('HSETNX', KEYS[1], 'p' .. order, ARGV[7]) == 0 then
  return 'stale'
elseif redis.call('HINCRBY', KEYS[1], 'parked', 1) > tonumber(ARGV[4]) and not is_bye then
  turn = {give_up(client)}
else
  if is_bye then
    redis.call('HSET', KEYS[1], 'bye', order)
  end
  redis.call('ZADD', KEYS[3], 'NX', now_ms(), client)
  redis.call('PEXPIRE', KEYS[3], ARGV[6])
  turn = 'parked'
end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
redis.call('PEXPIRE', KEYS[4], ARGV[6])
return turn
