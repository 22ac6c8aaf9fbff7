"""A clock that a test sets."""

import pytest


class Clock:
    """Called, it tells `now_s`."""

    now_s = 1_000_000.0

    def __call__(self):
        return self.now_s


@pytest.fixture
def clock():
    return Clock()
