-- Whether what `send` returned says that the message was refused; not if its client has gone.
local function is_refused(reply)
  local refusal = type(reply) == 'table' and reply[1] or reply
  return refusal > 0 or refusal == -2
end

-- Puts one message at the end of a queue: `keys`, `args` and what it returns are as in send.lua.
local function send(keys, args)
  if keys[3] then
    local state = redis.call('HGET', keys[3], args[6])
    if state == 'gone' then
      return -1
    elseif state == 'hold' then
      return -2
    end
  end
  local now = now_ms()
  local length, expired = length_if_full(keys[1], keys[2], tonumber(args[1]), now)
  if length == 0 then
    redis.call('RPUSH', keys[1],
      make_envelope(args[4], 0, now + tonumber(args[2]), args[5]))
    redis.call('PEXPIRE', keys[1], args[3])
    if keys[2] then
      count_sent(keys[2], 1, now)
    end
  end
  return expired > 0 and {length, expired} or length
end

