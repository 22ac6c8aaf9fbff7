"""Traces: one leads from a request through its consumer and a group send to the frames.

`hooks.py` is what the rest of the package calls; `spans.py` makes spans of OpenTelemetry;
`starting.py` sends them to a collector. Off by default.
"""
