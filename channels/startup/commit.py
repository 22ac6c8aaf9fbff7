"""The git commit of a folder, read from its files: git itself need not be installed."""

from pathlib import Path

#: Of the 40 hexadecimal digits of a commit, as many as tell it from all others of a project.
DIGITS = 10


def find_commit(folder: Path) -> str | None:
    """Return the first DIGITS of the commit that is checked out in `folder`, or above it.

    None if there is no repository, or none that can be read.
    """
    for place in (folder, *folder.parents):
        if (place / ".git").exists():
            try:
                return _read_head(place / ".git")
            except (OSError, ValueError):
                return None
    return None


def _read_head(git: Path) -> str | None:
    if git.is_file():  # of a worktree or a submodule: it names the folder
        git = git.parent / git.read_text().partition("gitdir:")[2].strip()
    head = (git / "HEAD").read_text().strip()
    commit = _read_ref(git, head[len("ref: ") :]) if head.startswith("ref: ") else head
    return commit[:DIGITS] if commit else None


def _read_ref(git: Path, name: str) -> str | None:
    """The commit that a branch stands at; branches of a worktree are kept in the repository."""
    common = git / "commondir"
    for place in (git, *([git / common.read_text().strip()] if common.exists() else [])):
        if (place / name).is_file():
            return (place / name).read_text().strip()
        packed = place / "packed-refs"
        lines = packed.read_text().splitlines() if packed.is_file() else []
        for line in lines:
            commit, _, ref = line.partition(" ")
            if ref == name:
                return commit
    return None
