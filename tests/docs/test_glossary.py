"""The glossary leads to files that are there, and says each word once."""

import re

import pytest

from tests.docs.blocks import DOCS
from tests.processes import REPOSITORY

ROWS = re.findall(r"^\| (.+?) \| (.+) \| `(.+?)` \|$", (DOCS / "glossary.md").read_text(), re.M)


def test_each_word_stands_there_once():
    words = [word for words, _, _ in ROWS for word in words.split(", ")]
    assert len(words) > 20
    assert sorted(words) == sorted(set(words))


@pytest.mark.parametrize("path", sorted({path for _, _, path in ROWS}))
def test_the_file_is_there(path):
    assert (REPOSITORY / path).is_file()
