-- Puts a numbered batch of messages at the end of a queue, as many of them as there is room for;
-- one that was put there before is not put there again.
--
-- KEYS[1]   the queue (list of envelopes)
-- KEYS[2]   the queue's counts (hash)
-- KEYS[3]   the sender's latest batch (string: its number; and how many of it were taken, if not all)
-- ARGV[1-4] as in send.lua
-- ARGV[5]   life of KEYS[3], ms
-- ARGV[6]   the number of the batch
-- ARGV[7]   the number of the one before it, which this Redis must know of
-- ARGV[8…]  what follows the head of each envelope
-- returns   how many were taken, if no message was found to have expired and all of them, or else
--           {how many were taken, length of the queue, messages found to have expired};
--           {-1, number of the latest batch that is known, 0}: those behind it are lost, and this
--           one was not taken

local count = #ARGV - 7
local latest = redis.call('SET', KEYS[3], ARGV[6], 'PX', ARGV[5], 'GET')
if latest ~= ARGV[7] then  -- nearly always it is the one before
  local known, known_taken = latest and tonumber(latest) or 0, count
  if latest and known == 0 then
    known, known_taken = string.match(latest, '(%d+) (%d+)')
    known, known_taken = tonumber(known), tonumber(known_taken)
  end
  if known >= tonumber(ARGV[6]) or known < tonumber(ARGV[7]) then
    if latest then
      redis.call('SET', KEYS[3], latest, 'PX', ARGV[5])
    else
      redis.call('DEL', KEYS[3])
    end
    return known < tonumber(ARGV[7]) and {-1, known, 0} or {known_taken, 0, 0}
  end
end
if count == 0 then
  return 0
end

local now = now_ms()
local capacity, expired = tonumber(ARGV[1]), 0
local length = redis.call('LLEN', KEYS[1])
if length + count > capacity then
  expired = drop_expired(KEYS[1], KEYS[2], now)
  length = redis.call('LLEN', KEYS[1])
end
local taken = count
if length + count > capacity then
  taken = math.max(capacity - length, 0)
  redis.call('HINCRBY', KEYS[2], 'full', count - taken)
  redis.call('SET', KEYS[3], ARGV[6] .. ' ' .. taken, 'PX', ARGV[5])
end
if taken > 0 then
  local head = make_envelope(ARGV[4], 0, now + tonumber(ARGV[2]), '')
  local envelopes = {}
  for i = 1, taken do
    envelopes[i] = head .. ARGV[i + 7]
  end
  redis.call('RPUSH', KEYS[1], unpack(envelopes))
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
  count_sent(KEYS[2], taken, now)
end
if taken == count and expired == 0 then
  return taken
end
return {taken, length, expired}
