-- Notes on the group's side that a process (or a plain channel) has members in it.
--
-- KEYS[1]  the group's queues (sorted set: queue -> time of the last group_add, ms)
-- ARGV[1]  the queue
-- ARGV[2]  life of the membership, ms
-- returns  0

-- To the microsecond: who leaves compares it with the time of that (see group_prune.lua).
local time = redis.call('TIME')
redis.call('ZADD', KEYS[1], string.format('%.3f', time[1] * 1000 + time[2] / 1000), ARGV[1])
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[2]) + 60000)
return 0
