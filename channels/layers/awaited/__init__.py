"""The face of channel layers that Channels 2 and later have: their verbs are coroutines."""
