"""Every public name of Channels 1.1.8 imports from its old path, or is known to be gone."""

import importlib

import pytest

from tests.channels.old_names import GONE, MEMBERS, NAMES

IMPORTS = [(module, name) for module, names in NAMES.items() for name in names.split()]
ATTRIBUTES = [(owner, name) for owner, names in MEMBERS.items() for name in names.split()]


def find(path):
    """Return the object at a dotted path; raises ImportError or AttributeError."""
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)


@pytest.mark.parametrize("module", NAMES)
def test_every_module_imports(module):
    if module not in GONE:
        assert importlib.import_module(module).__name__ == module


@pytest.mark.parametrize(("module", "name"), IMPORTS)
def test_every_name_imports(module, name):
    if f"{module}.{name}" not in GONE:
        assert find(f"{module}.{name}") is not None


@pytest.mark.parametrize(("owner", "name"), ATTRIBUTES)
def test_every_class_has_its_attributes(owner, name):
    if owner in GONE or f"{owner}.{name}" in GONE:
        return
    made = find(owner)
    assert hasattr(made, name) or name in getattr(made, "__annotations__", {})


@pytest.mark.parametrize("path", GONE)
def test_what_is_listed_as_gone_is_gone(path):
    owner, _, name = path.rpartition(".")
    with pytest.raises((ImportError, AttributeError)):
        if path in NAMES:
            importlib.import_module(path)
        getattr(find(owner), name) if owner in MEMBERS else find(path)


def test_nothing_is_gone_without_a_reason_and_nothing_unknown_is():
    known = {f"{owner}.{name}" for owner, name in (*IMPORTS, *ATTRIBUTES)} | {*NAMES}
    assert GONE.keys() <= known
    assert all(GONE.values())
