"""Which lines the code can log: the texts of its log calls and errors, with what is put in."""

import ast
import functools
import re

from tests.processes import REPOSITORY

ROOMS = ("channels", "interface_server", "routing", "worker")
_PLACEHOLDER = re.compile(r"%(?:\.\d+)?[sdrfgx]")
#: Texts shorter than this would match nearly anything.
_SHORTEST = 12
#: A value that is longer is a text itself, such as that of an error, or a list of names.
_LONGEST_VALUE = 64
_NAMES = re.compile(r"[\w.!-]+(, [\w.!-]+)*")


def is_written(line):
    """Whether some text in the code gives `line` once its values are put in."""
    matches = (pattern.fullmatch(line) for pattern in _patterns())
    return any(match and all(map(_is_value, match.groups())) for match in matches)


def _is_value(text):
    return len(text) <= _LONGEST_VALUE or bool(_NAMES.fullmatch(text)) or is_written(text)


@functools.cache
def _patterns():
    """The texts of the code as regular expressions."""
    found = set()
    for room in ROOMS:
        for path in (REPOSITORY / room).rglob("*.py"):
            found |= {_to_pattern(text) for text in _texts(ast.parse(path.read_text()))}
    return [re.compile(pattern) for pattern in found - {None}]


def _texts(tree):
    """Yield each text: a list of literal parts, with None for what an f-string puts in."""
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield [
                getattr(part, "value", None) if isinstance(part, ast.Constant) else None
                for part in node.values
            ]
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield [node.value]


def _to_pattern(parts):
    if sum(len(part) for part in parts if part) < _SHORTEST:
        return None
    return "".join(
        "(.+)" if part is None else "(.+)".join(map(re.escape, _PLACEHOLDER.split(part)))
        for part in parts
    )
