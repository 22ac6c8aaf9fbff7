"""From a plan to Redis and back: hosts, connections, and the two drivers that run plans."""
