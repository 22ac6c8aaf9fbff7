"""Which worker hosts which socket, and what that means for its frames and messages."""
