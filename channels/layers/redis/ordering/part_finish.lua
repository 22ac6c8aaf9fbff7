-- Ends message `order` of a socket: see finish.lua, also for what it returns. The keys are as
-- in part_order.lua. `state`: what the socket's order says just now, if that was read already.
local function finish(order, client, how, entry, state)
  state = state or redis.call('HMGET', KEYS[1], 'next', 'parked', 'broken')
  local next_order, parked, broken = tonumber(state[1]), state[2], state[3]
  local running = running_in(client)

  if how == 'dead' then
    if redis.call('HGET', KEYS[2], client) ~= entry then
      return {}
    end
  elseif not running and how == 'done' and next_order == tonumber(order) and not broken then
    -- it ran without asking (see reader.py), and the note of that got lost
  elseif running ~= order then
    local ended_before = how == 'done' and not running and not broken and next_order == order + 1
    return ended_before and parked and redis.call('HGET', KEYS[1], 'p' .. next_order)
  elseif how == 'retry' and entry and not is_run_by(client, entry) then
    return false -- it has begun again elsewhere
  end

  redis.call('HDEL', KEYS[2], client)
  if parked and parked ~= '0' then
    redis.call('ZADD', KEYS[3], now_ms(), client)
    if how ~= 'retry' then
      unpark(client, 'p' .. order) -- a copy of what ran without asking: nobody waits for it
    end
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
end

