-- Makes a channel a member of a group, on the side of the channel's process.
--
-- KEYS[1]  the group's members in this process (sorted set: local part -> time it expires, ms)
-- KEYS[2]  the groups this client is in (set)
-- ARGV[1]  the channel's local part ("" for a channel without a "!")
-- ARGV[2]  the group
-- ARGV[3]  life of the membership, ms
-- returns  0

local now = now_ms()
local live = tonumber(ARGV[3])

redis.call('ZADD', KEYS[1], now + live, ARGV[1])
redis.call('PEXPIRE', KEYS[1], live + 60000)
redis.call('SADD', KEYS[2], ARGV[2])
redis.call('PEXPIRE', KEYS[2], live + 60000)
return 0
