"""The formats of `--log-format`."""

import datetime
import json
import logging
from typing import Any

from channels.tracing import hooks

#: As in Channels 1.x.
TEXT = "%(asctime)s - %(levelname)s - %(module)s - %(message)s"
#: What --log-format takes.
FORMATS = ("text", "json")

#: What every LogRecord has: all else was put there by `extra`.
_USUAL = {*vars(logging.makeLogRecord({})), "message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One object on one line: time, level, logger, message, what `extra` gave, and the traceback.

    Values that JSON does not know are shown by their repr.
    """

    def format(self, record: logging.LogRecord) -> str:
        shown: dict[str, Any] = {
            "time": _iso(record.created),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            "process": record.process,
            "thread": record.threadName,
        }
        shown.update(hooks.tracer.ids())
        shown.update((key, value) for key, value in vars(record).items() if key not in _USUAL)
        if record.exc_info:
            shown["exception"] = self.formatException(record.exc_info)
        if record.stack_info:
            shown["stack"] = record.stack_info
        return json.dumps(shown, default=repr, ensure_ascii=False)


def _iso(seconds: float) -> str:
    time = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def make_formatter(log_format: str, text: str = TEXT) -> logging.Formatter:
    """Return the Formatter for one of FORMATS; `text` is the format of the other."""
    return JsonFormatter() if log_format == "json" else logging.Formatter(text)
