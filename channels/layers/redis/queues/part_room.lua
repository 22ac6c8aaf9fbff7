-- Drops the messages at the head of a queue that have expired; returns their number.
local function drop_expired(queue, counts, now)
  local expired = 0
  local head = redis.call('LINDEX', queue, 0)
  while head and has_expired(head, now) do
    redis.call('LPOP', queue)
    if string.byte(head) ~= 0 then
      expired = expired + 1
    end
    head = redis.call('LINDEX', queue, 0)
  end
  if expired > 0 and counts then
    redis.call('HINCRBY', counts, 'expired', expired)
  end
  return expired
end

-- Returns 0 if the queue has room, after dropping expired messages at its head, or else its length;
-- and the number of the messages dropped.
local function length_if_full(queue, counts, capacity, now)
  if redis.call('LLEN', queue) < capacity then
    return 0, 0
  end
  local expired = drop_expired(queue, counts, now)
  local length = redis.call('LLEN', queue)
  if length < capacity then
    return 0, expired
  end
  if counts then
    redis.call('HINCRBY', counts, 'full', 1)
  end
  return math.max(length, 1), expired
end
