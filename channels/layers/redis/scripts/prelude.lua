-- What several scripts share: put in front of each when it is loaded.
-- An envelope is: kind (1 byte), attempts (1 byte), time it expires in ms (8-byte double), the rest.
-- Kind 0 is no message: it only wakes a reader that waits.

-- Counts that nobody adds to are forgotten after a week.
local COUNTS_TTL_MS = 604800000

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

