"""A table of values that is edited live: a model, bound to a stream of a socket.

page -> bridge.stream("intval") -> Demultiplexer -> IntegerValueBinding -> save()
save(), by whomever -> IntegerValueBinding -> Group("binding.values") -> every page
"""
