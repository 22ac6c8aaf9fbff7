-- Sends the one reply of an ordered message and then ends it, if the reply was not refused.
--
-- KEYS[1-3]  see part_order.lua
-- KEYS[4-6]  as KEYS[1-3] of queues/send.lua
-- ARGV[1]    order of the message that has ended
-- ARGV[2]    the client
-- ARGV[3-7]  as ARGV[1-5] of queues/send.lua
-- returns    {what queues/send.lua returns, what finish.lua does}; without the second if the message
--            has not ended. The first is -4, and nothing is sent, if it had ended before: here, and the
--            answer got lost; or it was ended for its worker, which was taken for dead, and the
--            answers to later ones may be with the client

local state = redis.call('HMGET', KEYS[1], 'next', 'parked', 'broken')
local next_order = tonumber(state[1])
if next_order and tonumber(ARGV[1]) < next_order then
  return {-4, finish(ARGV[1], ARGV[2], 'done', nil, state)}
end
local reply = send(
  {KEYS[4], KEYS[5], KEYS[6]}, {ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7], ARGV[2]})
if is_refused(reply) then
  return {reply}
end
return {reply, finish(ARGV[1], ARGV[2], 'done', nil, state)}
