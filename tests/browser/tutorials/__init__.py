"""The tutorials of the demo, in real browsers over real processes: one split for all of them."""
