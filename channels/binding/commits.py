"""What a binding has to tell its groups, sent once the database has really changed."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from django.db import connections, transaction

from channels.channel import Group
from channels.exceptions import LayerUnavailable

if TYPE_CHECKING:
    from django.db.backends.base.base import BaseDatabaseWrapper

    from channels.messages import Content

logger = logging.getLogger("django.channels")


class Announcement:
    """One message for some groups, about one change of a model instance.

    Args:
        label: what changed, for the log.
        group_names: the groups to tell.
        message: the message, a dict.
    """

    def __init__(self, label: str, group_names: Sequence[str], message: Content) -> None:
        self.label, self.group_names, self.message = label, group_names, message

    def __call__(self) -> None:
        """Send it. An unreachable layer is logged, not raised: the change itself has been saved."""
        try:
            for name in self.group_names:
                Group(name).send(self.message)
        except LayerUnavailable as error:
            logger.error("%s is saved, but its groups don't hear of it: %s", self.label, error)


def announce(announcement: Announcement, using: str) -> None:
    """Call `announcement` when the transaction on database `using` commits; now, if there is none.

    The transaction that a TestCase wraps around a test never commits, so it doesn't count as one.
    """
    if is_in_transaction(connections[using]):
        transaction.on_commit(announcement, using=using)
    else:
        announcement()


def is_in_transaction(connection: BaseDatabaseWrapper) -> bool:
    """Whether what is saved now can still be rolled back, by anyone but a TestCase at its end."""
    blocks: list[Any] = connection.atomic_blocks
    if any(not block._from_testcase for block in blocks):
        return True
    return not connection.in_atomic_block and not connection.get_autocommit()


def make_test_announcements() -> None:
    """Call what blocks inside a TestCase's transaction have left to be called when they commit."""
    for connection in connections.all(initialized_only=True):
        if is_in_transaction(connection):
            continue
        waiting, connection.run_on_commit = connection.run_on_commit, []
        for entry in waiting:
            callback = entry[1]
            if isinstance(callback, Announcement):
                callback()
            else:
                connection.run_on_commit.append(entry)
