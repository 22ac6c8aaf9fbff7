-- Sets how long a session lives that was just saved. That of an open socket is renewed; one that is
-- saved when its socket has closed waits for the disconnect, but not for long: that may have been.
--
-- KEYS[1]  the session
-- KEYS[2]  the sockets that the socket's process holds (hash)
-- ARGV[1]  the client
-- ARGV[2]  life of an open socket's session, ms
-- ARGV[3]  life of any other, ms, unless it lives longer anyway
-- returns  0

if redis.call('HGET', KEYS[2], ARGV[1]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
elseif redis.call('PTTL', KEYS[1]) < tonumber(ARGV[3]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return 0
