-- Puts one message for all members of a group in one process into the process's queue.
--
-- KEYS[1]  the queue
-- KEYS[2]  its counts (hash)
-- KEYS[3]  the group's members in this process (sorted set: local part -> time it expires, ms)
-- KEYS[4]  the mark that the process is known: while it is there, memberships of sockets do not
--          expire, and a process that lives may have been unable to show it, as Redis was away
-- ARGV[1]  capacity of the queue
-- ARGV[2]  expiry of the message, ms
-- ARGV[3]  time to live of the queue key, ms
-- ARGV[4]  the packed message
-- ARGV[5]  whose the queue is: "sockets", "requests", or "" if it is no interface server's
-- returns  number of members the message goes to; -1 - n if the queue is full, with n waiting

local now = now_ms()
if ARGV[5] ~= '' and redis.call('EXISTS', KEYS[4]) == 0 then
  return 0
end
if ARGV[5] ~= 'sockets' then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
end
local members = redis.call('ZRANGE', KEYS[3], 0, -1)
if #members == 0 then
  return 0
end
local length = length_if_full(KEYS[1], KEYS[2], tonumber(ARGV[1]), now)
if length > 0 then
  redis.call('HINCRBY', KEYS[2], 'dropped', #members)
  return -1 - length
end

local kind, names = 1, ''
if members[1] ~= '' or #members > 1 then
  names = table.concat(members, ' ')
  names = struct.pack('>I4', #names) .. names
  kind = 2
end
redis.call('RPUSH', KEYS[1], make_envelope(kind, 0, now + tonumber(ARGV[2]), names .. ARGV[4]))
redis.call('PEXPIRE', KEYS[1], ARGV[3])
count_sent(KEYS[2], 1, now)
return #members
