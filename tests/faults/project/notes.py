"""Where consumers and views note down what they do."""

import functools

from django.conf import settings

from tests.faults.ledger import LedgerWriter


@functools.cache
def _writer():
    return LedgerWriter(settings.DIRECTORY / "ledger")


def note(event, **facts):
    """Add a record to the site's ledger."""
    _writer().note(event, **facts)
