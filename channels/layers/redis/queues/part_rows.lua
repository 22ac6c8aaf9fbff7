-- What one pipeline does for one channel is a row: once one of it is refused, a mark says so to
-- those behind it, until the last one takes it away. It outlives the pipeline only if that broke.
-- The place in the row is "first", "more" or "last".
local MARK_TTL_MS = 60000

-- Whether one of the row was refused before.
local function is_held_back(mark, place)
  if place == 'first' then
    return false
  elseif place == 'last' then
    return redis.call('DEL', mark) == 1
  end
  return redis.call('EXISTS', mark) == 1
end

