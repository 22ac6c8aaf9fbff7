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
  local due = take_due(delayed, tonumber(ARGV[first]) - redis.call('LLEN', queue), now)
  for _, member in ipairs(due) do
    redis.call('RPUSH', queue,
      make_envelope(string.byte(member, 13), string.byte(member, 14),
        now + tonumber(ARGV[first + 1]), string.sub(member, 15)))
  end
  if #due > 0 then
    redis.call('PEXPIRE', queue, ARGV[first + 2])
  end
  count_sent(counts, #due, now)
  next_due = sooner(next_due, delayed, now)
end
return next_due
