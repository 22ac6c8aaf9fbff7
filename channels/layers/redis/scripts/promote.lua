-- Moves delayed messages that are due to their queues, as far as these have room.
--
-- KEYS     for each channel: the queue, its delayed messages, its counts
-- ARGV     for each channel: capacity, expiry in ms, time to live of the queue key in ms
-- returns  milliseconds until the next one is due, over all channels; -1 if none is waiting

local delayed_keys = {}
for first = 2, #KEYS, 3 do
  delayed_keys[#delayed_keys + 1] = KEYS[first]
end
if #delayed_keys == 0 or redis.call('EXISTS', unpack(delayed_keys)) == 0 then
  return -1 -- as it nearly always is
end

local now = now_ms()
local next_due = -1

for first = 1, #KEYS, 3 do
  local queue, delayed, counts = KEYS[first], KEYS[first + 1], KEYS[first + 2]
  local room = tonumber(ARGV[first]) - redis.call('LLEN', queue)
  if room > 0 then
    local due = redis.call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, math.min(room, 100))
    for _, member in ipairs(due) do
      redis.call('ZREM', delayed, member)
      redis.call('RPUSH', queue,
        string.sub(member, 13, 14) .. struct.pack('>d', now + tonumber(ARGV[first + 1]))
        .. string.sub(member, 15))
    end
    if #due > 0 then
      redis.call('PEXPIRE', queue, ARGV[first + 2])
      redis.call('HINCRBY', counts, 'sent', #due)
      redis.call('HSETNX', counts, 'since', now)
      redis.call('PEXPIRE', counts, COUNTS_TTL_MS)
    end
  end
  local head = redis.call('ZRANGE', delayed, 0, 0, 'WITHSCORES')
  if head[2] then
    local wait = math.max(tonumber(head[2]) - now, 10)
    if next_due < 0 or wait < next_due then
      next_due = wait
    end
  end
end
return next_due
