-- Shows that a process lives.
--
-- KEYS[1]  its sign of life (string: time of the last beat, ms)
-- KEYS[2]  the sockets it holds (hash)
-- ARGV[1]  life of the sign, ms
-- ARGV[2]  1 if it must be there already
-- returns  1, or 0 if it should have been there and was not: then the layer has forgotten the process

if ARGV[2] == '1' and redis.call('EXISTS', KEYS[1]) == 0 then
  return 0
end
redis.call('SET', KEYS[1], now_ms(), 'PX', ARGV[1])
redis.call('PEXPIRE', KEYS[2], 7 * 86400000)
return 1
