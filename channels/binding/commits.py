"""What a binding has to tell its groups, sent once the database has really changed."""

import logging

from django.db import connections, transaction

from channels.channel import Group
from channels.exceptions import LayerUnavailable

logger = logging.getLogger("django.channels")


class Announcement:
    """One message for some groups, about one change of a model instance.

    Args:
        label: what changed, for the log.
        group_names: the groups to tell.
        message: the message, a dict.
    """

    def __init__(self, label, group_names, message):
        self.label, self.group_names, self.message = label, group_names, message

    def __call__(self):
        """Send it. An unreachable layer is logged, not raised: the change itself has been saved."""
        try:
            for name in self.group_names:
                Group(name).send(self.message)
        except LayerUnavailable as error:
            logger.error("%s is saved, but its groups don't hear of it: %s", self.label, error)


def announce(announcement, using):
    """Call `announcement` when the transaction on database `using` commits; now, if there is none.

    The transaction that a TestCase wraps around a test never commits, so it doesn't count as one.
    """
    if is_in_transaction(connections[using]):
        transaction.on_commit(announcement, using=using)
    else:
        announcement()


def is_in_transaction(connection):
    """Whether what is saved now can still be rolled back, by anyone but a TestCase at its end."""
    if any(not block._from_testcase for block in connection.atomic_blocks):
        return True
    return not connection.in_atomic_block and not connection.get_autocommit()


def make_test_announcements():
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
