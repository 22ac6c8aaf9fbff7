"""A project's own top-level `routing` or `worker` must not be mistaken for ours."""

import pathlib
import subprocess
import sys
import types

import pytest
from django.core.exceptions import ImproperlyConfigured

from channels.startup.rooms import ROOMS, find_room_problem, load_room

ROOT = pathlib.Path(__file__).parent.parent.parent.parent


def run_python(folder, code):
    """Run `code` in `folder` as a project would, our rooms behind it on the path; return stderr."""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    return done.stderr


@pytest.mark.parametrize("name", ROOMS)
def test_our_rooms_are_found(name):
    assert find_room_problem(name) is None
    assert load_room(name).__name__ == name


@pytest.mark.parametrize("name", ROOMS)
def test_a_module_of_the_projects_own_is_named_with_its_file(name, tmp_path, monkeypatch):
    path = tmp_path / f"{name}.py"
    monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    monkeypatch.setattr(sys.modules[name], "__file__", str(path), raising=False)
    with pytest.raises(ImproperlyConfigured) as caught:
        load_room(name)
    assert str(caught.value).startswith(f"{path} is in the way of the module {name!r}")
    assert "rename it" in str(caught.value)


def test_a_project_that_imports_the_front_door_hears_of_its_own_file(tmp_path):
    (tmp_path / "routing.py").write_text("channel_routing = []")
    errors = run_python(tmp_path, "import channels.routing")
    assert f"ImproperlyConfigured: {tmp_path / 'routing.py'} is in the way" in errors


def test_a_routing_file_that_itself_asks_for_route_hears_of_itself(tmp_path):
    (tmp_path / "routing.py").write_text("from channels.routing import route")
    errors = run_python(tmp_path, "import routing")
    assert f"ImproperlyConfigured: {tmp_path / 'routing.py'} is in the way" in errors
    assert "circular" not in errors


def test_a_package_of_the_projects_own_is_named_too(tmp_path):
    (tmp_path / "routing").mkdir()
    (tmp_path / "routing" / "__init__.py").write_text("")
    errors = run_python(tmp_path, "import channels.routing")
    assert f"{tmp_path / 'routing' / '__init__.py'} is in the way" in errors


def test_a_folder_without_python_in_it_is_not_in_the_way(tmp_path):
    (tmp_path / "routing").mkdir()
    assert run_python(tmp_path, "import channels.routing") == ""


def test_a_room_that_is_not_there_at_all_is_reported():
    assert "is not installed" in find_room_problem("a_room_that_nobody_built")
