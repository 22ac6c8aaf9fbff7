-- Notes on the group's side that a process (or a plain channel) has members in it.
--
-- KEYS[1]  the group's queues (sorted set: queue -> time of the last group_add, ms)
-- ARGV[1]  the queue
-- ARGV[2]  life of the membership, ms
-- returns  0

redis.call('ZADD', KEYS[1], now_ms(), ARGV[1])
redis.call('PEXPIRE', KEYS[1], tonumber(ARGV[2]) + 60000)
return 0
