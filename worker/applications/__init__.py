"""The host of ASGI applications: runs class consumers, one instance for each socket."""
