"""The page on the architecture names files that are there, and every room."""

import re

import pytest

from tests.processes import REPOSITORY

PAGE = REPOSITORY / "docs" / "architecture.md"
ROOMS = ("channels", "routing", "worker", "interface_server", "project", "deploy", "tests", "docs")

#: What stands in code on the page and looks like a path of this repository.
_PATH = re.compile(rf"`((?:{'|'.join(ROOMS)})/[\w./]*)`")
NAMED = sorted(set(_PATH.findall(PAGE.read_text())))


@pytest.mark.parametrize("path", NAMED)
def test_path_on_the_page_is_there(path):
    assert (REPOSITORY / path).exists()


def folders_with_code(room):
    return {
        f"{path.parent.relative_to(REPOSITORY)}/"
        for path in (REPOSITORY / room).glob("*/*.py")
        if path.parent.name != "__pycache__"
    }


#: Folders whose names are import paths of 1.x, or which a room's own line is about.
PUBLIC = {"binding", "delay", "generic", "management", "security", "tests"}


@pytest.mark.parametrize("room", ["channels", "interface_server", "worker"])
def test_every_folder_of_a_room_is_on_the_page(room):
    named = " ".join(NAMED)
    missing = [
        folder
        for folder in sorted(folders_with_code(room))
        if folder not in named and folder.rstrip("/").rpartition("/")[2] not in PUBLIC
    ]
    assert missing == []


def test_each_file_that_is_named_as_a_place_to_begin_says_what_it_is_for():
    for path in NAMED:
        if path.endswith(".py"):
            assert (REPOSITORY / path).read_text().startswith('"""'), path
