-- Lists the live members of a group in one process.
--
-- KEYS[1]  the group's members in this process (sorted set: local part -> time it expires, ms)
-- KEYS[2]  the process's sign of life
-- ARGV[1]  1 if the process is an interface server: without its sign of life, it has no members
-- returns  the local parts

if redis.call('EXISTS', KEYS[2]) == 0 then
  if ARGV[1] == '1' then
    return {}
  end
  redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now_ms())
end
return redis.call('ZRANGE', KEYS[1], 0, -1)
