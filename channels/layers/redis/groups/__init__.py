"""Who is in a group, and what is sent to all of them."""
