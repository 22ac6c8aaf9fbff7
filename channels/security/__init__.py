"""Who may open a socket."""
