-- Gives what a socket keeps in the layer a new term, unless the socket has closed.
--
-- KEYS[1]  the groups it is in (set)
-- KEYS[2]  the sockets that its process holds (hash)
-- KEYS[3], ...  what else it keeps
-- ARGV[1]  the client
-- ARGV[2]  life of the keys from now on, ms
-- returns  the groups

if not redis.call('HGET', KEYS[2], ARGV[1]) then
  return {}
end
for number, key in ipairs(KEYS) do
  if number ~= 2 then
    redis.call('PEXPIRE', key, ARGV[2])
  end
end
return redis.call('SMEMBERS', KEYS[1])
