-- Lists the processes of one kind that have shown a sign of life lately.
--
-- KEYS[1]  the registry (sorted set: id -> time of the last beat, ms)
-- ARGV[1]  age at which a process counts as dead, ms
-- returns  {id, age of its last beat in ms, ...}

local now = now_ms()
local found = redis.call('ZRANGEBYSCORE', KEYS[1], now - tonumber(ARGV[1]), now + 60000,
  'WITHSCORES')
for index = 2, #found, 2 do
  found[index] = math.max(now - tonumber(found[index]), 0)
end
return found
