"""Clients: some as they should be, some that are slow, rude or gone."""
