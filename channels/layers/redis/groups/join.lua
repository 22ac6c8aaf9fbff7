-- Notes on the group's side that a process (or a plain channel) has members in it.
--
-- KEYS[1]  the group's queues (sorted set: queue -> time of the last group_add, ms)
-- ARGV[1]  the queue
-- ARGV[2]  life of the key from now on, ms, unless it lives longer anyway
-- returns  0

-- To the microsecond: who leaves compares it with the time of that (see prune.lua).
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], string.format('%.3f', time[1] * 1000 + time[2] / 1000), ARGV[1])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
return 0
