"""Log lines as JSON."""

import json
import logging
import sys

from hypothesis import given
from hypothesis import strategies as st

from channels.logs.formats import make_formatter


def make_record(message, *args, exc_info=None, **extra):
    logger = logging.Logger("django.channels")
    return logger.makeRecord(
        logger.name, logging.ERROR, "file.py", 7, message, args, exc_info, extra=extra
    )


def test_line_is_an_object_with_what_was_told_and_its_extra():
    record = make_record("consumer %s failed", "a.b", channel="mail", waited_s=0.25)
    told = json.loads(make_formatter("json").format(record))
    assert told["message"] == "consumer a.b failed"
    assert (told["level"], told["logger"]) == ("error", "django.channels")
    assert (told["channel"], told["waited_s"]) == ("mail", 0.25)
    assert told["time"].endswith("Z")
    assert not {"args", "msg", "levelno", "exc_info"} & set(told)


def test_traceback_is_part_of_the_object():
    try:
        raise ValueError("boom")
    except ValueError:
        record = make_record("failed", exc_info=sys.exc_info())
    assert "ValueError: boom" in json.loads(make_formatter("json").format(record))["exception"]


@given(st.text(), st.dictionaries(st.text("abc", min_size=1).map("x_".__add__), st.binary()))
def test_any_text_and_any_extra_make_one_line(text, extra):
    line = make_formatter("json").format(make_record("%s", text, **extra))
    assert "\n" not in line
    told = json.loads(line)
    assert told["message"] == text
    assert all(told[key] == repr(value) for key, value in extra.items())
