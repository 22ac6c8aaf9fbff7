-- What several scripts share: put in front of each when it is loaded.
-- An envelope is: kind (1 byte), attempts (1 byte), time it expires in ms (8-byte double), the rest.
-- Kind 0 is no message: it only wakes a reader that waits.
local function make_envelope(kind, attempts, expires, rest)
  return struct.pack('>BBd', kind, attempts, expires) .. rest
end

-- Counts that nobody adds to are forgotten after a week.
local COUNTS_TTL_MS = 604800000

-- Bytes that are too short to be an envelope do not expire: who reads them finds that out.
local function has_expired(envelope, now)
  return #envelope >= 10 and struct.unpack('>d', envelope, 3) <= now
end

-- Takes another message of a queue that one was taken of just now; nil if there is none. While the
-- slot of the queue moves to another node of a cluster, Redis refuses a queue that is empty by now.
local function take_another(queue)
  local envelope = redis.pcall('LPOP', queue)
  return type(envelope) == 'string' and envelope or nil
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

