"""Logging for the commands, at its Channels 1.x import path."""

import logging

#: Where all of it goes: the standard error output.
handler = logging.StreamHandler()
handler.setFormatter(logging.Formatter("%(asctime)s - %(levelname)s - %(module)s - %(message)s"))

#: The loggers of the server that hosts the application.
SERVER_LOGGERS = ("daphne.ws_protocol", "daphne.http_protocol", "daphne.server")


def setup_logger(name, verbosity=1):
    """Show what the logger `name` and the server's loggers say; return the former.

    `verbosity`: a command's; above 1 it shows debug messages too. Calling it again changes the
    level, and shows nothing twice.
    """
    level = logging.DEBUG if verbosity > 1 else logging.INFO
    for logger in map(logging.getLogger, (name, *SERVER_LOGGERS)):
        logger.setLevel(level)
        logger.addHandler(handler)
    logger = logging.getLogger(name)
    logger.propagate = False
    return logger
