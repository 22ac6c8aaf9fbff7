"""The Django part that every contender runs: the same settings, views, model and template."""
