"""The transport: what carries messages between interface servers and workers."""
