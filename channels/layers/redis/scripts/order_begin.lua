-- Says whether a message of an ordered socket may run now, and parks it if it is early.
--
-- KEYS[1]  the socket's order (hash: next, running, broken, parked, p<order> -> parked message,
--          bye: the order of the disconnect, if that is parked)
-- KEYS[2]  ordered messages that run now in this server's sockets (hash: client -> owner and order)
-- ARGV[1]  order of the message
-- ARGV[2]  the client
-- ARGV[3]  the worker that asks
-- ARGV[4]  how many messages may be parked
-- ARGV[5]  1 if the message is the socket's disconnect
-- ARGV[6]  life of these keys, ms
-- ARGV[7]  the message to park; absent on the first call, which then only answers "early"
-- returns  "run", "early", "parked", "stale", or, when the socket is given up, {number of messages
--          dropped with it, the disconnect if that was parked}

local order = tonumber(ARGV[1])
local next_order = tonumber(redis.call('HGET', KEYS[1], 'next'))
local broken = redis.call('HGET', KEYS[1], 'broken')
local turn

if broken == 'over' or (broken and ARGV[5] ~= '1') then
  return 'stale'
end
if broken then
  redis.call('HSET', KEYS[1], 'broken', 'over')
  return 'run'
end
if not next_order then
  next_order = order
  redis.call('HSET', KEYS[1], 'next', order)
end
if order < next_order then
  return 'stale'
end
if order == next_order then
  if redis.call('HGET', KEYS[1], 'running') == ARGV[1] then
    return 'stale'
  end
  redis.call('HSET', KEYS[1], 'running', order)
  redis.call('HSET', KEYS[2], ARGV[2], ARGV[3] .. ' ' .. ARGV[1])
  turn = 'run'
elseif not ARGV[7] then
  return 'early'
elseif redis.call('HINCRBY', KEYS[1], 'parked', 1) > tonumber(ARGV[4]) and ARGV[5] ~= '1' then
  local bye = redis.call('HGET', KEYS[1], 'bye')
  local dropped = tonumber(redis.call('HGET', KEYS[1], 'parked'))
  turn = {dropped - (bye and 1 or 0), bye and redis.call('HGET', KEYS[1], 'p' .. bye)}
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'next', next_order, 'broken', 'yes')
  redis.call('HDEL', KEYS[2], ARGV[2])
else
  redis.call('HSET', KEYS[1], 'p' .. ARGV[1], ARGV[7])
  if ARGV[5] == '1' then
    redis.call('HSET', KEYS[1], 'bye', ARGV[1])
  end
  turn = 'parked'
end
redis.call('PEXPIRE', KEYS[1], ARGV[6])
redis.call('PEXPIRE', KEYS[2], ARGV[6])
return turn
