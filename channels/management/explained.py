"""What our errors explain needs no traceback, which would only push it off the screen."""

import contextlib
import sys
from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """End the process with the text of an ImproperlyConfigured that is raised inside.

    For what a command imports: Django shows a CommandError in one line once a command runs, but
    whatever keeps its module from being imported with all the frames in between.
    """
    try:
        yield
    except ImproperlyConfigured as error:
        sys.exit(f"{type(error).__name__}: {error}")
