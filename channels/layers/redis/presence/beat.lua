-- Shows that an interface server lives.
--
-- KEYS[1]  its sign of life (string: time of the last beat, ms)
-- KEYS[2]  the mark that it is known (string: the number of its latest beat)
-- KEYS[3]  the sockets it holds (hash)
-- ARGV[1]  life of the sign, ms
-- ARGV[2]  life of the mark and of the sockets, ms
-- ARGV[3]  the number of this beat, from 1
-- ARGV[4]  the number of the latest beat that was answered; 0 if none was
-- returns  the number of the latest beat that the layer knew of before this one; 0 if it knew none.
--          If that is below ARGV[4], it has forgotten what happened since (it came back empty, or
--          with older data), and nothing is written

local known = tonumber(redis.call('GET', KEYS[2]) or 0)
if known < tonumber(ARGV[4]) then
  return known
end
redis.call('SET', KEYS[1], now_ms(), 'PX', ARGV[1])
redis.call('SET', KEYS[2], math.max(known, tonumber(ARGV[3])), 'PX', ARGV[2])
redis.call('PEXPIRE', KEYS[3], ARGV[2])
return known
