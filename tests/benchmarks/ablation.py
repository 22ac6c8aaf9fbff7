"""What each shortcut for speed is worth: `python -m tests.benchmarks.ablation`.

Each is switched off from outside, as the product has no switch for it; the same load runs with it
and without it, in turns, on a Redis of its own. What an operator pays is the CPU time of server,
worker and Redis together; what a client waits for is the time that passes. Both are medians, and so
are the round trips to Redis that somebody waits for, which hardly depend on the machine. A shortcut
that saves less than 5 % of all of them is not worth its lines.
"""

import contextlib
import dataclasses
import functools
import multiprocessing
import resource
import statistics
import time
from collections.abc import Callable

import click
import django
from django.conf import settings

from tests.benchmarks import profile
from tests.processes import RedisServer

#: Below this share of all figures, a shortcut has to go.
WORTH = 0.05


@dataclasses.dataclass(frozen=True)
class Shortcut:
    """A shortcut, the loads that it was made for, and what switches it off."""

    name: str
    loads: tuple[str, ...]
    without: Callable[[], contextlib.AbstractContextManager[None]]


@dataclasses.dataclass(frozen=True)
class Figures:
    """What one message costs."""

    cpu_us: float
    wall_us: float
    trips: float


@contextlib.contextmanager
def _replaced(owner, name, new):
    old = getattr(owner, name)
    setattr(owner, name, functools.wraps(old)(new))
    try:
        yield
    finally:
        setattr(owner, name, old)


class Trips:
    """Counts the round trips to Redis that somebody waits for, in this process and its children."""

    def __init__(self):
        self._count = multiprocessing.get_context("fork").Value("L", 0)

    def install(self):
        from channels.layers.redis.transport.aio_connection import AsyncConnection
        from channels.layers.redis.transport.sync_connection import Connection

        for owner, names in (
            (Connection, ("exchange", "exchange_and_pop", "read_popped")),
            (AsyncConnection, ("exchange",)),
        ):
            for name in names:
                setattr(owner, name, self._counted(getattr(owner, name)))

    def _counted(self, function):
        @functools.wraps(function)
        def counted(*args, **kwargs):
            with self._count:
                self._count.value += 1
            return function(*args, **kwargs)

        return counted

    @property
    def count(self):
        return self._count.value


# -- what is switched off ------------------------------------------------------------------------


def without_known_turns():
    from channels.layers.redis.reader import RedisReader

    return _replaced(RedisReader, "_has_turn", lambda *args: False)


@contextlib.contextmanager
def without_writing_ahead():
    """What is written ahead is waited for at once."""
    from channels.layers.redis.transport.sync_connection import Ahead, Connection

    def write_ahead(connection, commands):
        ahead = Ahead(connection, len(commands))
        ahead.replies = connection.exchange(commands)
        return ahead

    with _replaced(Connection, "write_ahead", write_ahead), without_skipped_replies():
        yield


def without_skipped_replies():
    """Redis answers that a message was noted as begun, too."""
    from channels.layers.redis.transport.sync_connection import Connection

    return _replaced(Connection, "write_only", lambda self, command: self.write_ahead([command]))


def without_foreseen_sessions():
    from channels.layers.redis.reader import RedisReader

    return _replaced(RedisReader, "foresee_session", lambda *args: None)


def without_rush():
    from channels.layers.redis.presence.replies import Rush

    return _replaced(Rush, "note", lambda *args: 0.0)


def without_wait():
    """A worker asks for a message, and waits for one in a round trip of its own."""
    from channels.layers.redis.reader import Batches

    return _replaced(Batches, "_may_wait", lambda *args: False)


def without_drain_beside_receive():
    """A server waits for a reply, and asks for the others in a round trip of its own."""
    from channels.layers.redis.transport.aio_connection import AsyncConnection

    exchange = AsyncConnection.exchange

    async def one_after_the_other(connection, commands, block_s=0.0):
        if len(commands) == 2 and commands[0][0] == "BLPOP":
            return [
                *await exchange(connection, commands[:1], block_s),
                *await exchange(connection, commands[1:], block_s),
            ]
        return await exchange(connection, commands, block_s)

    return _replaced(AsyncConnection, "exchange", one_after_the_other)


def without_writing_at_once():
    """Each frame to a client is written by a task."""
    from interface_server.frames.writer import FrameWriter

    return _replaced(FrameWriter, "_is_written_now", lambda *args: False)


SHORTCUTS = (
    Shortcut("known turns", ("ordered",), without_known_turns),
    Shortcut("writing ahead", ("ordered", "session"), without_writing_ahead),
    Shortcut("skipped replies", ("ordered", "session"), without_skipped_replies),
    Shortcut("foreseen sessions", ("session",), without_foreseen_sessions),
    Shortcut("the rush controller", ("50 clients",), without_rush),
    Shortcut("Wait with its callback", ("1 client", "50 clients"), without_wait),
    Shortcut("drain beside receive", ("1 client", "50 clients"), without_drain_beside_receive),
    Shortcut("frames written at once", ("1 client", "50 clients"), without_writing_at_once),
)


# -- loads ----------------------------------------------------------------------------------------


class Watch:
    """The CPU time of this thread, and the time, while something runs."""

    def __enter__(self):
        self._cpu_s, self._time_s = time.thread_time(), time.perf_counter()
        return self

    def __exit__(self, *error):
        self.cpu_s = time.thread_time() - self._cpu_s
        self.wall_s = time.perf_counter() - self._time_s


def run_load(load, layer, messages):
    """Run one; return its Watch."""
    if load in ("ordered", "session"):
        return profile.profile_worker(layer, load, messages, Watch())
    count = int(load.split()[0])
    return profile.profile_server(layer, "echo", messages, Watch(), clients=count)


def measure(load, make_layer, redis, messages, trips):
    """The Figures of one run of a load."""
    with redis.client() as client:
        layer = make_layer()
        layer.flush()
        before, children_s, trips_before = client.info(), _children_s(), trips.count
        watch = run_load(load, layer, messages)
        after = client.info()
        layer.close()
    cpu_s = watch.cpu_s + _children_s() - children_s + _cpu_s(after) - _cpu_s(before)
    return Figures(
        cpu_s / messages * 1e6,
        watch.wall_s / messages * 1e6,
        (trips.count - trips_before) / messages,
    )


def _children_s():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _cpu_s(info):
    return info["used_cpu_user"] + info["used_cpu_sys"]


def compare(shortcut, load, run, rounds):
    """(Figures with it, Figures without it), in turns."""
    found = {True: [], False: []}
    for turn in range(rounds):
        for is_on in (True, False) if turn % 2 else (False, True):
            with contextlib.nullcontext() if is_on else shortcut.without():
                found[is_on].append(run(load))
    return _median(found[True]), _median(found[False])


def _median(figures):
    names = [field.name for field in dataclasses.fields(Figures)]
    return Figures(*(statistics.median(getattr(one, name) for one in figures) for name in names))


def saved(with_it, without_it):
    """The shares of each figure that a shortcut saves, as text, and the largest of them."""
    pairs = list(zip(dataclasses.astuple(with_it), dataclasses.astuple(without_it), strict=True))
    shares = [1 - there / missing for there, missing in pairs]
    texts = [f"{missing:.2f} → {there:.2f}" for there, missing in pairs]
    return texts, shares, max(shares)


@click.command()
@click.option("--messages", default=4_000, show_default=True, help="How many in each run.")
@click.option("--rounds", default=5, show_default=True, help="How many runs with, and without.")
@click.option("--only", default="", help="A part of the name of one shortcut.")
def main(messages, rounds, only):
    """Print what each shortcut saves of a message, as a Markdown table."""
    settings.configure(
        SECRET_KEY="only for this", USE_TZ=True, ALLOWED_HOSTS=["*"], LOGGING_CONFIG=None
    )
    django.setup()
    from channels.layers.redis import RedisChannelLayer

    trips = Trips()
    trips.install()
    with RedisServer({"appendonly": "no"}) as redis:

        def make_layer():
            room = {"*": messages + 1}  # nobody takes the replies of a worker alone
            return RedisChannelLayer(hosts=[redis.tcp_url], channel_capacity=room)

        def run(load):
            return measure(load, make_layer, redis, messages, trips)

        click.echo("| shortcut | load | CPU, µs | time, µs | round trips | saved | verdict |")
        click.echo("| --- | --- | ---: | ---: | ---: | ---: | --- |")
        for shortcut in SHORTCUTS:
            for load in shortcut.loads if only in shortcut.name else ():
                run(load)  # warm
                texts, shares, most = saved(*compare(shortcut, load, run, rounds))
                shown = ", ".join(f"{share:+.0%}" for share in shares)
                verdict = "stays" if most >= WORTH else "goes"
                click.echo(
                    f"| {shortcut.name} | {load} | {' | '.join(texts)} | {shown} | {verdict} |"
                )


if __name__ == "__main__":
    main()
