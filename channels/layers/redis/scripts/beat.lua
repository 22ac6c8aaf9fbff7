-- Shows that an interface server lives.
--
-- KEYS[1]  its sign of life (string: time of the last beat, ms)
-- KEYS[2]  the mark that it is known (string)
-- KEYS[3]  the sockets it holds (hash)
-- ARGV[1]  life of the sign, ms
-- ARGV[2]  life of the mark and of the sockets, ms
-- ARGV[3]  1 if it must be known already
-- returns  1, or 0 if it should have been known and was not: then the layer has forgotten it

if ARGV[3] == '1' and redis.call('EXISTS', KEYS[2]) == 0 then
  return 0
end
redis.call('SET', KEYS[1], now_ms(), 'PX', ARGV[1])
redis.call('SET', KEYS[2], 1, 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return 1
