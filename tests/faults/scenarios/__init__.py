"""Scenarios by theme; a scenario says which rows of `promises.py` it is for."""
