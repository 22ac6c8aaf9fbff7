"""The error for a reply that its author got wrong, and the one place that logs it."""

import logging

logger = logging.getLogger("interface_server")


class BadReply(ValueError):
    """A message on a reply channel that can't be obeyed; the text says what and what to do."""


def log_bad_reply(error: BadReply | str, reply_channel: str, consequence: str) -> None:
    """Log an author's mistake: on which channel, what it is, and what becomes of it."""
    logger.error("bad message on %s: %s; %s", reply_channel, error, consequence)
