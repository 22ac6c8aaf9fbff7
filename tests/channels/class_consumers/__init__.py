"""Class consumers, and what they stand on."""
