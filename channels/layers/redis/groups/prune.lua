-- Forgets a queue of a group that was found to have no members, unless one was added just now.
--
-- KEYS[1]  the group's queues (sorted set: queue -> time of the last group_add, ms)
-- ARGV[1]  the queue
-- ARGV[2]  age that the last group_add must have, ms
-- ARGV[3]  instead of an age: the time, in ms, that the last group_add must be older than
-- returns  1 if it was forgotten, or else 0

local added = redis.call('ZSCORE', KEYS[1], ARGV[1])
if added and tonumber(added) < (tonumber(ARGV[3]) or now_ms() - tonumber(ARGV[2])) then
  return redis.call('ZREM', KEYS[1], ARGV[1])
end
return 0
