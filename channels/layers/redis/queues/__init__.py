"""Messages in queues: sent, received, delayed and put back."""
