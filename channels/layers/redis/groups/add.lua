-- Makes a channel a member of a group, on the side of the channel's process, unless its client has
-- left: nobody would take that out again.
--
-- KEYS[1]  the group's members in this process (sorted set: local part -> time it expires, ms)
-- KEYS[2]  the groups this client is in (set)
-- KEYS[3]  the sockets that the process holds (hash)
-- KEYS[4]  states of the process's clients (hash: client -> "gone" | "hold")
-- ARGV[1]  the channel's local part ("" for a channel without a "!")
-- ARGV[2]  the group
-- ARGV[3]  life of the membership, ms
-- ARGV[4]  life of the keys, ms
-- ARGV[5]  whose the queue is: "sockets", "requests", or "" if it is no interface server's
-- returns  1, or 0 if the client has left

if ARGV[5] == 'sockets' then
  if not redis.call('HGET', KEYS[3], ARGV[1]) then
    return 0
  end
elseif ARGV[5] == 'requests' then
  if redis.call('HGET', KEYS[4], ARGV[1]) == 'gone' then
    return 0
  end
end
redis.call('ZADD', KEYS[1], now_ms() + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('SADD', KEYS[2], ARGV[2])
redis.call('PEXPIRE', KEYS[2], ARGV[4])
return 1
