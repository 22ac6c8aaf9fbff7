-- Puts one message at the end of a queue, unless it was put there before: by its sender, who does not
-- know that it arrived, or by somebody else who has made up for it.
--
-- KEYS[1]   the queue (list of envelopes)
-- KEYS[2]   the queue's counts (hash)
-- KEYS[3]   what was sent so lately (sorted set: name -> when it may be forgotten, ms)
-- ARGV[1-5] as in send.lua
-- ARGV[6]   the name of the message
-- ARGV[7]   for how long the name is kept, ms
-- returns   as send.lua; 0 too if it was sent before

local now = now_ms()
redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
if redis.call('ZSCORE', KEYS[3], ARGV[6]) then
  return 0
end
local result = send({KEYS[1], KEYS[2]}, ARGV)
if result == 0 or type(result) == 'table' and result[1] == 0 then
  local kept_ms = tonumber(ARGV[7])
  redis.call('ZADD', KEYS[3], now + kept_ms, ARGV[6])
  if redis.call('PTTL', KEYS[3]) < kept_ms then
    redis.call('PEXPIRE', KEYS[3], kept_ms)
  end
end
return result
