"""Programs of Channels 2 to 4, as their tutorials and their readers' notes have them, unchanged."""
