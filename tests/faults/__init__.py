"""What broke Channels 1.x, done to whole processes: each row of `promises.py` has a scenario.

Real interface servers, workers and Redis are started, and broken for real: killed, paused, cut off,
filled up. pytest runs the short form of each scenario; `python -m tests.faults --full` runs them
with the numbers of the promise itself, and writes docs/evidence.md.
"""
