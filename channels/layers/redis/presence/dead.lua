-- Lists the processes of one kind that have shown no sign of life for too long.
--
-- KEYS[1]  the registry (sorted set: id -> time of the last beat, ms)
-- ARGV[1]  age at which a process counts as dead, ms
-- returns  their ids

return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now_ms() - tonumber(ARGV[1]))
