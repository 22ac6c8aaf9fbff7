"""How log lines look, for every command: as text, or as one JSON object for each."""
