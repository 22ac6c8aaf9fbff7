"""The load generator: one thread, one selector, requests made beforehand, little parsing.

It runs as a process of its own, `python -m tests.benchmarks.load`, takes one job as JSON on its
input and prints the result as JSON, its own CPU time included.
"""
