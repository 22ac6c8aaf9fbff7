-- Looks after an acknowledged channel: what nobody has shown to be running for too long waits again,
-- and for each message that waits there is a token.
--
-- KEYS[1]  the queue (see part_stream.lua)
-- KEYS[2]  the stream
-- KEYS[3]  the dead letters
-- KEYS[4]  the counts
-- ARGV[1]  for how long an owner may show no sign of life, ms
-- ARGV[2]  how often a message is delivered before it is given up
-- ARGV[3]  expiry of messages, ms
-- ARGV[4]  time to live of the keys, ms
-- returns  {number of messages that wait again, number of those given up}

if redis.call('EXISTS', KEYS[2]) == 0 then
  return {0, 0}
end
local now = now_ms()
local again, given_up = 0, 0
local claimed = redis.call('XAUTOCLAIM', KEYS[2], GROUP, CONSUMER, ARGV[1], '0-0', 'COUNT', 100)
for _, item in ipairs(claimed[2]) do
  if item then
    local entry = parse(item)
    let_go(KEYS[2], entry.id)
    entry.d = entry.d + 1
    if entry.d >= tonumber(ARGV[2]) then
      bury(KEYS[3], KEYS[4], entry.m, entry.a, 'its worker died, ' .. entry.d .. ' times')
      given_up = given_up + 1
    else
      entry.x = now + tonumber(ARGV[3])
      add(KEYS[1], KEYS[2], entry, ARGV[4])
      again = again + 1
    end
  end
end
if again > 0 then
  redis.call('HINCRBY', KEYS[4], 'redelivered', again)
end

local waiting = redis.call('XLEN', KEYS[2]) - redis.call('XPENDING', KEYS[2], GROUP)[1]
for _ = redis.call('LLEN', KEYS[1]) + 1, waiting do
  redis.call('RPUSH', KEYS[1], make_envelope(3, 0, now + tonumber(ARGV[3]), ''))
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return {again, given_up}
