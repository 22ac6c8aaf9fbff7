-- Counts messages as sent. The life of the counts begins anew with each of the first ones, and then
-- with each 16th: that costs as much as the counting.
local function count_sent(counts, number, now)
  if number == 0 then
    return
  end
  local sent = redis.call('HINCRBY', counts, 'sent', number)
  if sent == number then
    redis.call('HSET', counts, 'since', now)
  end
  if sent < 1000 or sent % 16 < number then
    redis.call('PEXPIRE', counts, COUNTS_TTL_MS)
  end
end

