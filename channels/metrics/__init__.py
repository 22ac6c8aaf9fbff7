"""What can be seen of a process: counts and times for Prometheus, and whether it lives.

`hooks.py` is what the rest of the package calls; `counting.py` counts; `exposition.py` shows it to
Prometheus; `health.py` and `serving.py` answer who asks. Off by default.
"""
