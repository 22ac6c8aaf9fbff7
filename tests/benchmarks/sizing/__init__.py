"""How large a site may be on each layer: `python -m tests.benchmarks.sizing`.

Measured at the layer itself, without an interface server: what messages cost its engine in time and
memory, and how that grows with sockets, groups, workers, channels and the nodes of a cluster.
"""
