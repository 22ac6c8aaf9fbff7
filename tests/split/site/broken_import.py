"""A routing.py that raises while it is imported."""

channel_routing = [1 / 0]
