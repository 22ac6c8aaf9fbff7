-- What the scripts on ordered sockets share: put in front of each when it is loaded.
-- Each has the same keys:
--
-- KEYS[1]  the socket's order, a hash:
--          next      the order that may run
--          p<order>  a parked message; that of the next one stays until it begins
--          parked    how many there are
--          bye       the order of the disconnect, if that is parked
--          broken    "yes" once the socket is given up: only its disconnect may run;
--                    "over" once that has begun: nothing may
-- KEYS[2]  what runs in the sockets of this server (hash: client -> owner, order and channel)
-- KEYS[3]  the sockets of this server that have parked messages (sorted set: client -> the last
--          time at which something happened that brings them on, ms)

-- The order that runs in a socket (a string), or nil.
local function running_in(client)
  local entry = redis.call('HGET', KEYS[2], client)
  return entry and entry:match(' (%S+) %S+$')
end

-- Whether what runs in a socket is run by `owner`.
local function is_run_by(client, owner)
  local entry = redis.call('HGET', KEYS[2], client)
  return entry and string.sub(entry, 1, #owner + 1) == owner .. ' '
end

-- The parked message `name` of a socket begins.
local function unpark(client, name)
  if redis.call('HDEL', KEYS[1], name) == 0 then
    return
  end
  if redis.call('HINCRBY', KEYS[1], 'parked', -1) == 0 then
    redis.call('ZREM', KEYS[3], client)
  else
    redis.call('ZADD', KEYS[3], now_ms(), client)
  end
end

-- Gives a socket up: drops what is parked of it, but for its disconnect. Returns the number of
-- dropped messages, and the disconnect or false: it stays parked until it begins.
local function give_up(client)
  local state = redis.call('HMGET', KEYS[1], 'next', 'parked', 'bye')
  local parked, bye = tonumber(state[2]) or 0, state[3]
  local goodbye = bye and redis.call('HGET', KEYS[1], 'p' .. bye)
  redis.call('DEL', KEYS[1])
  redis.call('HSET', KEYS[1], 'next', state[1] or 1, 'broken', 'yes')
  redis.call('HDEL', KEYS[2], client)
  if not goodbye then
    redis.call('ZREM', KEYS[3], client)
    return parked, false
  end
  redis.call('HSET', KEYS[1], 'parked', 1, 'bye', bye, 'p' .. bye, goodbye)
  redis.call('ZADD', KEYS[3], now_ms(), client)
  return parked - 1, goodbye
end

