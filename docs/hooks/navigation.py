"""Leaves out of the navigation the pages that are not there: figures that a run has to make."""

from pathlib import Path

#: Pages that a checkout may lack.
OPTIONAL = ("performance.md", "benchmarks.md", "evidence.md")


def on_config(config):
    """Called by MkDocs with its configuration."""
    docs = Path(config.docs_dir)
    missing = {name for name in OPTIONAL if not (docs / name).exists()}
    config.nav = [_without(entry, missing) for entry in config.nav]
    return config


def _without(entry, missing):
    """Return an entry of the navigation without the pages in `missing`, at any depth."""
    if not isinstance(entry, dict):
        return entry
    return {
        title: [_without(one, missing) for one in below if one not in missing]
        if isinstance(below, list)
        else below
        for title, below in entry.items()
    }
