"""A checker in the spirit of Jepsen: clients number what they send, consumers note what they get,
a seed breaks things at random, and afterwards the history is held against the promises.

`python -m tests.faults.checker --seed 7 --seconds 180` runs one; see README.md of this folder.
"""
