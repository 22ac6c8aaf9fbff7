"""The fenced blocks of the documentation, with the tests that stand in comments beside them."""

import dataclasses
import re

from tests.processes import REPOSITORY

DOCS = REPOSITORY / "docs"

#: Pages that a run of benchmarks or faults writes: they hold figures, no code to try.
GENERATED = ("performance.md", "benchmarks.md", "evidence.md")

#: A fence at the beginning of a line, or a comment that readers do not see.
_BLOCK = re.compile(
    r"^```(?P<language>[\w-]*)\n(?P<code>.*?)^```$"
    r"|^<!-- (?P<kind>setup|test)\n(?P<hidden>.*?)^-->$",
    re.MULTILINE | re.DOTALL,
)
#: A file that MkDocs puts into a block.
_SNIPPET = re.compile(r'^--8<-- "(.+)"$', re.MULTILINE)


@dataclasses.dataclass(frozen=True)
class Block:
    """A block of a page. `language` is "test" for a hidden one, which is Python."""

    page: str
    line: int
    language: str
    code: str

    def __str__(self):
        return f"{self.page}:{self.line}"


def pages():
    """Return the paths of the pages that are written by hand, README.md last."""
    written = [path for path in sorted(DOCS.rglob("*.md")) if path.name not in GENERATED]
    return [*written, REPOSITORY / "README.md"]


def read_blocks(path):
    """Return the Blocks of a page, in order."""
    text = path.read_text()
    page = str(path.relative_to(REPOSITORY))
    blocks = []
    for found in _BLOCK.finditer(text):
        line = text.count("\n", 0, found.start()) + 2  # of the first line inside
        if found["kind"]:
            blocks.append(Block(page, line, "test", found["hidden"]))
        else:
            blocks.append(Block(page, line, found["language"], _with_files(found["code"])))
    return blocks


def _with_files(code):
    """Return the code of a block with the files of the repository that it asks for."""
    return _SNIPPET.sub(lambda found: (REPOSITORY / found[1]).read_text(), code)


def blocks_in(*languages):
    """Return the Blocks of all pages that are in one of `languages`."""
    return [block for path in pages() for block in read_blocks(path) if block.language in languages]
