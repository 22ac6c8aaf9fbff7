"""What our errors explain needs no traceback, which would only push it off the screen."""

import contextlib
import sys
from collections.abc import Iterator

from django.core.exceptions import ImproperlyConfigured

from channels.package_checks import check_names


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """End the process with the text of an ImproperlyConfigured that is raised inside, or because
    another package lies over this one.

    For what a command imports: Django shows a CommandError in one line once a command runs, but
    whatever keeps its module from being imported with all the frames in between.
    """
    try:
        check_names()
        yield
    except ImproperlyConfigured as error:
        sys.exit(f"{type(error).__name__}: {error}")
