-- Dead letters kept per channel.
local DEAD_LETTERS = 1000

-- Keeps a message among the dead letters (a stream); the oldest go when there are too many.
local function bury(dead, counts, message, attempts, reason)
  redis.call('XADD', dead, '*', 'm', message, 'a', attempts, 'r', reason)
  redis.call('HINCRBY', counts, 'dead', 1)
  local dropped = redis.call('XTRIM', dead, 'MAXLEN', DEAD_LETTERS)
  if dropped > 0 then
    redis.call('HINCRBY', counts, 'dropped', dropped)
  end
  redis.call('PEXPIRE', counts, COUNTS_TTL_MS)
end

