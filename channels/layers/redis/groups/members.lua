-- Lists the live members of a group in one process.
--
-- KEYS[1]  the group's members in this process (sorted set: local part -> time it expires, ms)
-- KEYS[2]  the mark that the process is known
-- ARGV[1]  whose the queue is: "sockets", "requests", or "" if it is no interface server's
-- returns  the local parts

if ARGV[1] ~= '' and redis.call('EXISTS', KEYS[2]) == 0 then
  return {}
end
if ARGV[1] ~= 'sockets' then
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now_ms())
end
return redis.call('ZRANGE', KEYS[1], 0, -1)
