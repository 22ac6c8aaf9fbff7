"""The commit of a project, as real repositories have it."""

import subprocess

import pytest

from channels.startup.commit import DIGITS, find_commit


def git(folder, *args):
    """Run git there, away from the configuration of whoever runs the tests."""
    who = ("-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false")
    run = subprocess.run(
        ["git", *who, *args], cwd=folder, capture_output=True, text=True, check=True
    )
    return run.stdout.strip()


@pytest.fixture
def repository(tmp_path):
    folder = tmp_path / "site"
    (folder / "mysite").mkdir(parents=True)
    git(folder, "init", "--quiet")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", "one")
    return folder


def head(folder):
    return git(folder, "rev-parse", "HEAD")[:DIGITS]


def test_commit_is_that_of_the_repository_around_a_folder(repository):
    assert find_commit(repository / "mysite") == find_commit(repository) == head(repository)


def test_commit_is_found_where_branches_are_packed(repository):
    git(repository, "pack-refs", "--all")
    assert find_commit(repository) == head(repository)


def test_commit_is_found_without_a_branch(repository):
    git(repository, "checkout", "--quiet", "--detach")
    assert find_commit(repository) == head(repository)


def test_commit_of_a_second_work_tree_is_its_own(repository, tmp_path):
    other = tmp_path / "other"
    git(repository, "worktree", "add", "--quiet", "-b", "other", str(other))
    git(other, "commit", "--quiet", "--allow-empty", "--message", "two")
    assert find_commit(other) == head(other) != head(repository)


def test_no_commit_is_found_where_there_is_none(repository, tmp_path):
    git(tmp_path, "init", "--quiet", "empty")
    assert find_commit(tmp_path / "empty") is None
    (repository / ".git" / "HEAD").unlink()
    assert find_commit(repository) is None
