local function count_sent(counts, number, now)
  if number == 0 then
    return
  end
  if redis.call('HINCRBY', counts, 'sent', number) == number then
    redis.call('HSET', counts, 'since', now)
  end
  redis.call('PEXPIRE', counts, COUNTS_TTL_MS)
end

