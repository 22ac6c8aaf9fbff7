"""What can be seen of the layer: statistics, status, and dead letters."""
