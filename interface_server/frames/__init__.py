"""The frames of sockets on their way to the workers: how many may wait, where, and for how long."""
