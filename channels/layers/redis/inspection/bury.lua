-- Keeps a message among the dead letters of its channel.
--
-- KEYS[1]  the dead letters (stream: entries with m, the packed message; a, attempts; r, the reason)
-- KEYS[2]  the counts
-- ARGV[1]  the packed message
-- ARGV[2]  attempts made before
-- ARGV[3]  the reason
-- returns  0

bury(KEYS[1], KEYS[2], ARGV[1], ARGV[2], ARGV[3])
return 0
