"""The figures in the documentation are those of the code."""

import inspect
import re

import pytest
from daphne.cli import CommandLineInterface

from channels.handler import ViewConsumer
from channels.layers import limits
from channels.layers.acknowledgement import Acknowledgement
from channels.layers.memory import queues
from channels.layers.redis.layer import PREFIX
from channels.layers.redis.ordering import guardian, stuck
from channels.layers.redis.presence import disconnects, presence, registry
from channels.layers.redis.transport import hosts, lane
from channels.messages import CloseCode
from channels.requests.request import AsgiRequest
from interface_server import refusals
from interface_server.cli import command
from interface_server.hosts import daphne_inside, gate, uvicorn_inside
from interface_server.options import KIB, MIB, Options
from tests.docs.blocks import DOCS
from worker import flush, loop
from worker.process import Worker

OPTIONS = Options()
SERVER_CAPACITY = limits.DEFAULT_CHANNEL_CAPACITY["websocket.send.*!*"]
RETRIES = inspect.signature(Worker).parameters["message_retries"].default

#: (page, text with places for figures, the figures).
FACTS = [
    ("concepts.md", "a channel holds {} messages", limits.CAPACITY),
    ("concepts.md", "does not answer for {:.0f} s counts as dead", hosts.SHARED_TIMEOUT_S),
    ("concepts.md", "wait up to {:.0f} s for the host", disconnects.ORDER_PATIENCE_S),
    ("concepts.md", "`websocket.receive` holds {:,}", limits.FRAMES_CAPACITY),
    ("concepts.md", "to a server's sockets {:,}", SERVER_CAPACITY),
    ("concepts.md", "expiry: {} s", limits.EXPIRY_S),
    ("concepts.md", "may be {} MiB large", limits.MAX_MESSAGE_BYTES // 1024**2),
    ("concepts.md", "has taken nothing for {:.0f} s", ViewConsumer.stall_timeout_s),
    ("concepts.md", "has taken nothing for {:.0f} s", flush.RESPONSE_PATIENCE_S),
    ("concepts.md", "closed with {}", int(CloseCode.TRY_AGAIN_LATER)),
    ("concepts.md", "the worker waits up to {:.0f} s", flush.PLAIN_PATIENCE_S),
    ("concepts.md", "the worker waits up to {:.0f} s", flush.REPLY_PATIENCE_S),
    ("consumers.md", "for {:.0f} s at most", OPTIONS.websocket_connect_timeout_s),
    (
        "consumers.md",
        "after {} s, then after twice as long each time, up to {:.0f} s",
        (loop.FIRST_RETRY_S, loop.LONGEST_RETRY_S),
    ),
    (
        "consumers.md",
        "with {}, a binary one with {}",
        (int(CloseCode.INVALID_PAYLOAD), int(CloseCode.UNSUPPORTED_DATA)),
    ),
    ("consumers.md", "unknown stream with {}", int(CloseCode.UNKNOWN_STREAM)),
    ("ordering.md", "more than {:,} messages", limits.ORDERED_BACKLOG),
    ("coming-from-1x.md", "messages per channel, {}", limits.CAPACITY),
    ("coming-from-1x.md", "`websocket.receive` holds {:,}", limits.FRAMES_CAPACITY),
    ("coming-from-1x.md", "before each key, `{}`", PREFIX),
    ("coming-from-1x.md", "queue of a server's sockets holds {:,}", SERVER_CAPACITY),
    (
        "coming-from-1x.md",
        "show every {:.0f} s that they live; after {} s",
        (presence.BEAT_EVERY_S, registry.TTL_MS["servers"] // 1000),
    ),
    ("coming-from-1x.md", "the limit is {:.0f} s", OPTIONS.websocket_connect_timeout_s),
    ("coming-from-1x.md", "the layer keeps up to {:,}", limits.ORDERED_BACKLOG),
    ("operations.md", "after {:.0f} s (`--http-timeout`)", OPTIONS.http_timeout_s),
    (
        "operations.md",
        "after {:.0f} s (`--websocket-connect-timeout`)",
        OPTIONS.websocket_connect_timeout_s,
    ),
    ("operations.md", "more than {} KiB of headers", OPTIONS.max_header_bytes // 1024),
    (
        "operations.md",
        "the headers of a request or handshake | | {} KiB",
        OPTIONS.max_header_bytes // 1024,
    ),
    ("operations.md", "the first line of a request | | {} KiB", gate.MAX_LINE_BYTES // 1024),
    ("operations.md", "headers are larger than {} bytes", OPTIONS.max_header_bytes),
    ("operations.md", "once in {:.0f} s for each status", refusals.EVERY_S),
    ("deploying.md", "`daphne` {}", daphne_inside.TRIED["daphne"]),
    ("deploying.md", "with Twisted {}", daphne_inside.TRIED["twisted"]),
    ("deploying.md", "`uvicorn` {}", uvicorn_inside.TRIED["uvicorn"]),
    ("deploying.md", "with websockets {}", uvicorn_inside.TRIED["websockets"]),
    ("operations.md", "every {:.1f} s until it is back", hosts.LAST_BACKOFF_S),
    ("operations.md", "shows every {:.0f} s", presence.BEAT_EVERY_S),
    ("operations.md", "by more than its last moments ({:.0f} s)", lane.KEPT_S),
    ("operations.md", "a loss of less than {:.1f} s", presence.COUNT_OFTEN_S),
    ("operations.md", "more than {} s (SIGSTOP", registry.TTL_MS["servers"] // 1000),
    ("operations.md", "After {} s the others clean up", registry.TTL_MS["servers"] // 1000),
    ("operations.md", "is full ({0} of {0} waiting): add", limits.CAPACITY),
    ("operations.md", "more than {:,} messages waiting", limits.ORDERED_BACKLOG),
    ("operations.md", "away for {:.0f} s", OPTIONS.websocket_patience_s),
    (
        "operations.md",
        "within `--websocket-patience` ({:.0f} s;",
        OPTIONS.websocket_patience_s,
    ),
    (
        "operations.md",
        "{} KiB in memory, then a temporary file (in `TMPDIR`); "
        "{} GiB of one response, {} GiB of all",
        (
            OPTIONS.response_memory_bytes // KIB,
            OPTIONS.response_high_water_bytes // MIB // 1024,
            OPTIONS.all_response_bytes // MIB // 1024,
        ),
    ),
    (
        "operations.md",
        "or at less than {} KiB/s",
        OPTIONS.http_floor_bytes_per_s // KIB,
    ),
    (
        "operations.md",
        "{} frames and {} KiB of each; {:,} frames and {} MiB of all",
        (
            OPTIONS.window_frames,
            OPTIONS.window_bytes // KIB,
            OPTIONS.all_window_frames,
            OPTIONS.all_window_bytes // MIB,
        ),
    ),
    (
        "operations.md",
        "and {} MiB of all; each counts for {} bytes more",
        (lane.SENT_BYTES // MIB, lane.FRAME_BYTES),
    ),
    ("operations.md", "within {:.0f} to 6 s that the socket waits", stuck.STUCK_FOR_S),
    ("operations.md", "wait up to {:.0f} s for it before", hosts.READ_PATIENCE_S),
    ("operations.md", "is told after {:.0f} s that Redis", hosts.COMMAND_TIMEOUT_S),
    ("operations.md", "The last {:,} such messages", queues.DEAD_LETTERS),
    ("ordering.md", "after {} retries", {10: "ten"}[RETRIES]),
    (
        "concepts.md",
        '"timeout_s": {:.0f}, "max_deliveries": {}',
        (Acknowledgement().timeout_s, Acknowledgement().max_deliveries),
    ),
    ("reference/messages.md", "{} MiB", limits.MAX_MESSAGE_BYTES // 1024**2),
    ("reference/messages.md", "up to {} KiB", OPTIONS.inline_body_bytes // 1024),
    ("reference/http.md", "{} s", AsgiRequest.body_receive_timeout),
]


#: `daphne --help` of 1.4.2, without -h.
FLAGS_OF_DAPHNE_1_4 = (
    "-p",
    "--port",
    "-b",
    "--bind",
    "--websocket_timeout",
    "--websocket_connect_timeout",
    "-u",
    "--unix-socket",
    "--fd",
    "-e",
    "--endpoint",
    "-v",
    "--verbosity",
    "-t",
    "--http-timeout",
    "--access-log",
    "--ping-interval",
    "--ping-timeout",
    "--ws-protocol",
    "--root-path",
    "--proxy-headers",
    "--force-sync",
)


@pytest.mark.parametrize(("page", "text", "figures"), FACTS)
def test_a_figure_is_that_of_the_code(page, text, figures):
    figures = figures if isinstance(figures, tuple) else (figures,)
    written = re.sub(r"\s+", " ", (DOCS / page).read_text())
    assert text.format(*figures) in written


def test_a_lost_message_is_noticed_within_a_minute():
    assert guardian.PATIENCE_MS + guardian.QUEUED_WITHIN_MS < 60_000
    assert registry.TTL_MS["workers"] + guardian.SUSPECT_S * 1000 < 60_000
    assert registry.TTL_MS["servers"] + 2 * presence.BEAT_EVERY_S * 1000 < 60_000


def test_interface_server_takes_every_flag_of_daphne_1_4():
    known = {name for option in command.params for name in option.opts}
    assert [flag for flag in FLAGS_OF_DAPHNE_1_4 if flag not in known] == []


def test_daphne_itself_has_the_defaults_that_are_warned_of():
    parser = CommandLineInterface().parser
    assert parser.get_default("websocket_connect_timeout") == 5
    assert parser.get_default("websocket_timeout") == 24 * 60 * 60
