"""Which processes live, what an interface server keeps here, and who cleans up after it."""
