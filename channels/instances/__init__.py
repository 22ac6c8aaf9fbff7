"""What an instance of a class consumer runs on: where its events come from, and which handler each
of them goes to."""
