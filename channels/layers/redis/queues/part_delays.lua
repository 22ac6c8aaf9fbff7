-- Keeps `member` among the delayed messages, and wakes a reader that waits, so that it learns of it.
-- (A reader that finds messages looks at the delayed ones anyway; an interface server does not.)
local function postpone(delayed, queue, delay, member, ttl)
  local now, live = now_ms(), tonumber(delay) + tonumber(ttl)
  redis.call('ZADD', delayed, now + tonumber(delay), member)
  if redis.call('PTTL', delayed) < live then
    redis.call('PEXPIRE', delayed, live)
  end
  local is_empty = redis.call('LLEN', queue) == 0
  if is_empty or string.sub(queue, -1) == '!' then
    redis.call('RPUSH', queue, make_envelope(0, 0, now + 10000, ''))
  end
  if is_empty then
    redis.call('PEXPIRE', queue, 10000)
  end
end

-- Takes delayed messages that are due, as many as there is room for.
local function take_due(delayed, room, now)
  if room <= 0 then
    return {}
  end
  local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, math.min(room, 100))
  if #due > 0 then
    redis.call('ZREM', delayed, unpack(due))
  end
  return due
end

-- Returns when the next delayed message is due, in ms from now, if that is sooner; -1 is never.
local function sooner(wait, delayed, now)
  local head = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if not head[2] then
    return wait
  end
  local mine = math.max(tonumber(head[2]) - now, 10)
  return wait < 0 and mine or math.min(wait, mine)
end

