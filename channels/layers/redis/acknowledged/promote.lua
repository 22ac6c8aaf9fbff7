-- Moves delayed messages of acknowledged channels that are due to where they are received.
--
-- KEYS     for each channel: the queue, the delayed messages, the counts, the stream
-- ARGV     for each channel: capacity, expiry in ms, time to live of the keys in ms
-- returns  milliseconds until the next one is due, over all channels; -1 if none is waiting

local now = now_ms()
local next_due = -1

for first = 1, #KEYS, 4 do
  local args = (first - 1) / 4 * 3
  local queue, delayed, counts = KEYS[first], KEYS[first + 1], KEYS[first + 2]
  local due = take_due(delayed, tonumber(ARGV[args + 1]) - redis.call('LLEN', queue), now)
  for _, member in ipairs(due) do
    add(queue, KEYS[first + 3], {m = string.sub(member, 15), a = string.byte(member, 14), d = 0,
      x = now + tonumber(ARGV[args + 2])}, ARGV[args + 3])
  end
  count_sent(counts, #due, now)
  next_due = sooner(next_due, delayed, now)
end
return next_due
