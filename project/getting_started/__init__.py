"""The getting-started series of Channels 1.x, a folder a step, each with a page to try it on.

The consumers and routes are those of the series. What had to change for all steps to live on one
site: each has its own names of groups and channels, and its own path (routing.py).
"""
