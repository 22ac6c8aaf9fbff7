-- Keeps the registry of processes of one kind.
--
-- KEYS[1]  the registry (sorted set: id -> time of the last beat, ms)
-- KEYS[2]  what is known of each (hash: id -> packed facts)
-- ARGV[1]  the id
-- ARGV[2]  the packed facts
-- ARGV[3]  age at which another process counts as dead, ms
-- returns  the ids of the dead ones

local now = now_ms()
-- An entry from the future would never be dead; if it is a living one, it comes again.
redis.call('ZREMRANGEBYSCORE', KEYS[1], '(' .. now + 60000, '+inf')
redis.call('ZADD', KEYS[1], now, ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now - tonumber(ARGV[3]))
