"""Logging for the commands, at its Channels 1.x import path."""

import logging
from collections.abc import Iterable

from django.utils.log import RequireDebugFalse, RequireDebugTrue

from channels.logs.formats import make_formatter

#: Where all of it goes: the standard error output.
handler = logging.StreamHandler()
handler.setFormatter(make_formatter("text"))

#: What is shown of a process that runs consumers, or hands their messages on.
LOGGERS = ("django.channels", "channels.layers", "channels.sessions", "django.security.channels")
#: The loggers of the server that hosts the application.
SERVER_LOGGERS = ("daphne.ws_protocol", "daphne.http_protocol", "daphne.server")


def setup_loggers(
    verbosity: int = 1, also: Iterable[str] = (), log_format: str = "text"
) -> logging.Logger:
    """Show what happens in a command's process; return the logger `django.channels`.

    `verbosity`: as for `setup_logger`. `also`: names of more loggers. `log_format`: "text" or
    "json".
    """
    handler.setFormatter(make_formatter(log_format))
    for name in (*LOGGERS, *also):
        setup_logger(name, verbosity)
    return logging.getLogger("django.channels")


def setup_logger(name: str, verbosity: int = 1) -> logging.Logger:
    """Show what the logger `name` and the server's loggers say; return the former.

    What LOGGING in the settings has a handler for is left to that. `verbosity`: a command's; above
    1 debug messages are shown too. Calling it again shows nothing twice.
    """
    for logger in map(logging.getLogger, (name, *SERVER_LOGGERS)):
        _show(logger, verbosity)
    return logging.getLogger(name)


def _show(logger: logging.Logger, verbosity: int) -> None:
    if verbosity > 1:
        logger.setLevel(logging.DEBUG)
    if _has_handler(logger):
        return
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    logger.propagate = False  # else Django's own handler shows it again under DEBUG


def _has_handler(logger: logging.Logger) -> bool:
    """Whether what `logger` says goes to a handler, other than Django's own of `django`."""
    found: logging.Logger | None = logger
    while found is not None:
        if not all(_is_djangos(one, found) for one in found.handlers):
            return True
        found = found.parent if found.propagate else None
    return False


def _is_djangos(handler: logging.Handler, logger: logging.Logger) -> bool:
    # Django's DEFAULT_LOGGING: a console under DEBUG, mails to ADMINS without.
    return logger.name == "django" and any(
        isinstance(one, (RequireDebugTrue, RequireDebugFalse)) for one in handler.filters
    )
