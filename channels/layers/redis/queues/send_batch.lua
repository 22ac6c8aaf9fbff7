-- Puts a numbered batch of messages at the end of a queue, as many of them as there is room for;
-- one that was put there before is not put there again.
--
-- KEYS[1]   the queue (list of envelopes)
-- KEYS[2]   the queue's counts (hash)
-- KEYS[3]   the sender's latest batch (string: its number, and how many of it were taken)
-- ARGV[1-4] as in send.lua
-- ARGV[5]   the number of the batch
-- ARGV[6]   the number of the one before it, which this Redis must know of
-- ARGV[7]   life of KEYS[3], ms
-- ARGV[8…]  what follows the head of each envelope
-- returns   {how many were taken, length of the queue, messages found to have expired};
--           {-1, number of the latest batch that is known, 0}: those behind it are lost, and this
--           one was not taken

local number = tonumber(ARGV[5])
local known, taken = 0, 0
local latest = redis.call('GET', KEYS[3])
if latest then
  known, taken = string.match(latest, '(%d+) (%d+)')
  known, taken = tonumber(known), tonumber(taken)
end
if known >= number then
  return {taken, 0, 0}
elseif known < tonumber(ARGV[6]) then
  return {-1, known, 0}
end
local count = #ARGV - 7
local now = now_ms()
local length = redis.call('LLEN', KEYS[1])
local room = tonumber(ARGV[1]) - length
local expired = 0
if room < count then
  expired = drop_expired(KEYS[1], KEYS[2], now)
  length = redis.call('LLEN', KEYS[1])
  room = tonumber(ARGV[1]) - length
end
taken = math.max(math.min(count, room), 0)
if taken < count then
  redis.call('HINCRBY', KEYS[2], 'full', count - taken)
end
if taken > 0 then
  local head = struct.pack('>BBd', ARGV[4], 0, now + tonumber(ARGV[2]))
  local envelopes = {}
  for i = 1, taken do
    envelopes[i] = head .. ARGV[i + 7]
  end
  redis.call('RPUSH', KEYS[1], unpack(envelopes))
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  count_sent(KEYS[2], taken, now)
end
redis.call('SET', KEYS[3], number .. ' ' .. taken, 'PX', ARGV[7])
return {taken, length, expired}
