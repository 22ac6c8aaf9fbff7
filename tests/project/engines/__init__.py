"""The demo's tutorials on the layers that need not be one Redis, as whole processes."""
