-- What the scripts on acknowledged channels share: put in front of each when it is loaded.
-- The messages of an acknowledged channel lie in a stream, each as an entry with the fields
--   m  the packed message
--   a  attempts made before (its consumer asked for a retry)
--   d  deliveries made before (the worker that had it died)
--   x  time it expires, ms
-- The channel's queue has one token for each that waits: an envelope of kind 3 with nothing in it.
-- It wakes readers, expires with the message and counts for the capacity, but it stands for no
-- message in particular: who gets one reads what is next in the stream. What has been read is
-- pending in the one consumer group until it is acknowledged.

local GROUP, CONSUMER = 'workers', 'worker'

-- Adds a message; `side` of the queue is RPUSH, or LPUSH to wake a reader for it first.
local function add(queue, stream, entry, ttl, side)
  if redis.call('EXISTS', stream) == 0 then
    redis.call('XGROUP', 'CREATE', stream, GROUP, '0', 'MKSTREAM')
  end
  redis.call('XADD', stream, '*', 'm', entry.m, 'a', entry.a, 'd', entry.d, 'x', entry.x)
  redis.call('PEXPIRE', stream, ttl)
  redis.call(side or 'RPUSH', queue, make_envelope(3, entry.a, entry.x, ''))
  redis.call('PEXPIRE', queue, ttl)
end

local function parse(item)
  local entry = {id = item[1]}
  for index = 1, #item[2], 2 do
    entry[item[2][index]] = item[2][index + 1]
  end
  return entry
end

-- Ends the ownership of an entry; returns whether there was one.
local function let_go(stream, id)
  redis.call('XDEL', stream, id)
  return redis.call('XACK', stream, GROUP, id) == 1
end

-- Reads the next entry, which is owned from now on; or returns nil.
local function read(stream)
  local reply = redis.call('XREADGROUP', 'GROUP', GROUP, CONSUMER, 'COUNT', 1,
    'STREAMS', stream, '>')
  return reply and parse(reply[1][2][1])
end

