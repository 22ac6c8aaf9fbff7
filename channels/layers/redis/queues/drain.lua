-- Takes many messages at once from the queues of one process, oldest first.
--
-- KEYS     the queues
-- ARGV[1]  messages to take at most, from each queue
-- ARGV[2]  bytes to take at most, from each queue (passed by at most one message)
-- returns  {number of expired messages per queue ..., envelopes ...}

local now = now_ms()
local most_messages, most_bytes = tonumber(ARGV[1]), tonumber(ARGV[2])
local result = {}

for index, queue in ipairs(KEYS) do
  result[index] = 0
end
for index, queue in ipairs(KEYS) do
  local messages, bytes = 0, 0
  local envelope = redis.call('LPOP', queue)
  while envelope do
    if string.byte(envelope) ~= 0 then
      if not has_expired(envelope, now) then
        result[#result + 1] = envelope
        messages = messages + 1
        bytes = bytes + #envelope
      else
        result[index] = result[index] + 1
      end
    end
    local is_enough = messages >= most_messages or bytes >= most_bytes
    envelope = not is_enough and take_another(queue)
  end
end
return result
