-- Takes the first message that has not expired from the first queue that has one.
--
-- KEYS     the queues, in the order in which they are to be tried
-- returns  {index of the queue, envelope, then index and count of each queue with expired messages};
--          index 0 and an empty envelope if there is no message, -1 if only a wake-up was found

local now = now_ms()
local result = {0, ''}

for index, queue in ipairs(KEYS) do
  local expired = 0
  local envelope = redis.call('LPOP', queue)
  while envelope do
    if string.byte(envelope) == 0 then
      result[1] = -1
    elseif not has_expired(envelope, now) then
      break
    else
      expired = expired + 1
    end
    envelope = take_another(queue)
  end
  if expired > 0 then
    result[#result + 1] = index
    result[#result + 1] = expired
  end
  if envelope then
    result[1] = index
    result[2] = envelope
    break
  end
end
return result
