-- What several scripts share: put in front of each when it is loaded.
-- An envelope is: kind (1 byte), attempts (1 byte), time it expires in ms (8-byte double), the rest.
-- Kind 0 is no message: it only wakes a reader that waits.

-- Counts that nobody adds to are forgotten after a week.
local COUNTS_TTL_MS = 604800000

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Returns 0 if the queue has room, after dropping expired messages at its head; or else its length.
local function length_if_full(queue, counts, capacity, now)
  if redis.call('LLEN', queue) < capacity then
    return 0
  end
  local expired = 0
  local head = redis.call('LINDEX', queue, 0)
  while head and struct.unpack('>d', head, 3) <= now do
    redis.call('LPOP', queue)
    if string.byte(head) ~= 0 then
      expired = expired + 1
    end
    head = redis.call('LINDEX', queue, 0)
  end
  if expired > 0 and counts then
    redis.call('HINCRBY', counts, 'expired', expired)
  end
  local length = redis.call('LLEN', queue)
  if length < capacity then
    return 0
  end
  if counts then
    redis.call('HINCRBY', counts, 'full', 1)
  end
  return math.max(length, 1)
end

local function put(queue, counts, ttl, envelope, now)
  redis.call('RPUSH', queue, envelope)
  redis.call('PEXPIRE', queue, ttl)
  if counts then
    if redis.call('HINCRBY', counts, 'sent', 1) == 1 then
      redis.call('HSET', counts, 'since', now)
    end
    redis.call('PEXPIRE', counts, COUNTS_TTL_MS)
  end
end

