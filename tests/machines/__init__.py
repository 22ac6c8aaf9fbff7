"""The split on several machines: each in a Linux network namespace of its own."""
