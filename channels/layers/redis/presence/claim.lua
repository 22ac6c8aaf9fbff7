-- Makes the caller the one that cleans up after a dead process, for a while.
--
-- KEYS[1]  the registry (sorted set: id -> time of the last beat, ms; or, of a dead one that is
--          cleaned up after, minus the time when that began: it does not count as living)
-- ARGV[1]  the dead process's id
-- ARGV[2]  age at which a process counts as dead, and who cleans up after it as gone, ms
-- returns  1 if the caller is the one, or else 0

local now = now_ms()
local beat = redis.call('ZSCORE', KEYS[1], ARGV[1])
if beat and math.abs(tonumber(beat)) <= now - tonumber(ARGV[2]) then
  redis.call('ZADD', KEYS[1], -now, ARGV[1])
  return 1
end
return 0
