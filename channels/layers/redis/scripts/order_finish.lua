-- Ends an ordered message and says which one waits for that. Asked again, it says so again until
-- somebody has begun that one.
--
-- KEYS     see part_ordering.lua
-- ARGV[1]  order of the message that has ended
-- ARGV[2]  the client
-- ARGV[3]  "done": the next one may run; "retry": this one may run again;
--          "dead": as "done", if what runs is still as ARGV[4] says
-- ARGV[4]  only with "dead": owner, order and channel
-- returns  the parked message that is next, or false; for "dead" {1, that}, or {} if it ran no more

local order, client, how = ARGV[1], ARGV[2], ARGV[3]
local state = redis.call('HMGET', KEYS[1], 'next', 'parked', 'broken')
local next_order, parked, broken = tonumber(state[1]), state[2], state[3]
local running = running_in(client)

if how == 'dead' then
  if redis.call('HGET', KEYS[2], client) ~= ARGV[4] then
    return {}
  end
elseif not running and how == 'done' and next_order == tonumber(order) and not broken then
  -- it ran without asking (see turns.py), and word of that got lost
elseif running ~= order then
  local ended_before = how == 'done' and not running and not broken and next_order == order + 1
  return ended_before and parked and redis.call('HGET', KEYS[1], 'p' .. next_order)
end

redis.call('HDEL', KEYS[2], client)
if parked and parked ~= '0' then
  redis.call('ZADD', KEYS[3], now_ms(), client)
end
if how == 'retry' then
  if broken then
    redis.call('HSET', KEYS[1], 'broken', 'yes')
  end
  return false
end
local freed = false
if not broken then
  next_order = redis.call('HINCRBY', KEYS[1], 'next', 1)
  freed = parked and redis.call('HGET', KEYS[1], 'p' .. next_order)
end
return how == 'dead' and {1, freed} or freed
