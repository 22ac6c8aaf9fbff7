"""The interface server: HTTP and WebSocket in, messages out, and replies back again."""
