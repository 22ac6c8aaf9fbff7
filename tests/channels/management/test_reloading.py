"""The autoreloader and modules that go while it lists them."""

import pytest
from django.utils import autoreload

from channels.management.reloading import bear_modules_that_go


@pytest.fixture
def fail_times(monkeypatch):
    """Let listing the modules fail so often, as when a module goes meanwhile."""

    def fail_times(count):
        failures = [KeyError("site_consumers")] * count

        def list_files():
            if failures:
                raise failures.pop()
            return frozenset(["a file"])

        monkeypatch.setattr(autoreload, "iter_all_python_module_files", list_files)
        bear_modules_that_go()

    return fail_times


def test_modules_are_listed_again_if_one_has_gone_meanwhile(fail_times):
    fail_times(3)
    assert autoreload.iter_all_python_module_files() == {"a file"}


def test_a_failure_that_stays_is_told(fail_times):
    fail_times(1000)
    with pytest.raises(KeyError):
        autoreload.iter_all_python_module_files()


def test_it_is_done_once(fail_times):
    fail_times(0)
    once = autoreload.iter_all_python_module_files
    bear_modules_that_go()
    assert autoreload.iter_all_python_module_files is once
