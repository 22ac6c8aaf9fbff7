"""What stands around one consumer while it runs: its order, its sessions, what it sends."""
