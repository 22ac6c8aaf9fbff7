-- Lists what runs in the sockets of one server, and those of them that have been waiting for long.
--
-- KEYS[1]  what runs (see part_order.lua)
-- KEYS[2]  the sockets that have parked messages (see part_order.lua)
-- ARGV[1]  how long counts as long, ms
-- ARGV[2]  how many of those to list at most
-- ARGV[3]  life of these keys, ms: what Redis has forgotten may have been written again without one
-- returns  {{client, owner and order and channel, ...}, {client, time of the last event, ...}, now in ms}

local now = now_ms()
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return {
  redis.call('HGETALL', KEYS[1]),
  redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now - tonumber(ARGV[1]),
    'WITHSCORES', 'LIMIT', 0, ARGV[2]),
  now,
}
