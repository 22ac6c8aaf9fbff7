"""docs/evidence.md: what each promise was held to last, and what came of it."""

import collections
import datetime
import json
import platform

from tests.faults.checker import report
from tests.faults.promises import LATER, PROMISES
from tests.processes import REPOSITORY

DOCS = REPOSITORY / "docs"
PAGE = DOCS / "evidence.md"
#: What `python -m tests.machines --full` saw last.
MACHINES = REPOSITORY / "tests/machines/figures.md"

_HEAD = """\
# The evidence

How it was tried that [what is promised](reliability.md) holds.

## Broken on purpose

Each row is something that hurt the users of Channels 1.x, from its issue threads, and what must
hold here instead. `python -m tests.faults --full` starts real interface servers, workers and Redis,
breaks them (kills, pauses, cut and delayed connections, full queues, a Redis that goes away or
comes back empty, clients that are slow or vanish), and measures. Its last results are below; a
short form of every scenario runs with the test suite. Where a row says "not run", only that short
form has been run. `python -m tests.faults --full 3 14` repeats rows 3 and 14.

"""
_MACHINES = """
## Between machines

`pytest tests/machines` spreads the split over six machines, each in a network namespace of its
own, for one Redis, a Redis Cluster of three masters, and RabbitMQ. It takes the cable of a server
out for 3 s, those of a worker and of the engine for 12 s (RabbitMQ's for 3 s), loses all that goes
one way, and makes every way to the engine 100 ms longer while it loses 5 %. The sockets of the
healthy side go on, and those of the other side when it is back:

- one Redis: each frame once and in order; what Redis had just handed to the worker is sent again
  to another one;
- a cluster: no socket is closed, and no answer comes twice. With several hosts a silent one is
  given up after 2 s. What was just handed to the worker is sent again to another one;
- either of them: a frame that Redis knows to run in the worker, in the millisecond in which its
  cable goes, is lost with it if that stays out, and its socket waits until the worker counts as
  dead: 27 s in one of four runs with 60 s (8 s with `tcp-keepalive 2` in `redis.conf`);
- RabbitMQ: no socket is closed, but for what it had given to the worker that is cut off: that is
  lost, and its sockets (4 at most of 20) are closed with 1011. Who is cut off with a part of the
  state in his hands has the others wait for it: 8 s where one way was lost for 3 s.

`python -m tests.machines --full --engine ENGINE` does each of it for 10 and for 60 s, and prints a
table of what clients saw; three such runs beside one another, on two cores. A time is the longest
that any of the 10 or 20 sockets waited for an answer, from before the trouble to after it; all
sockets went on but where their code stands. 60 s is longer than `websocket_patience`: a server that
is cut off from its engine closes its sockets.

"""
_CHECKER = """
## At random

`python -m tests.faults.checker` breaks a site at random, from a seed: it kills, stops and freezes
workers and interface servers, restarts all workers one after the other while every client comes
again, takes all workers away for a while, kills, freezes (up to 90 s), pauses and wipes Redis, has
it lose its last 0.2 to 0.6 s or its scripts, and makes the network to it slow, lossy, silent or
cut. Meanwhile numbered messages go back and forth: to ordered sockets of functions, to instances
of class consumers whose state is numbers, with checkpoints and without, to clients that read
slowly, to groups and to background channels.

Afterwards the history is held against the promises: nothing twice, nothing out of order; the
seventh frame of a socket is the seventh that its instance counts, on whichever worker; one
disconnect for each socket; every request answered; nothing lost but where a fault may lose it; and
nothing left in Redis. No socket was closed for a trouble that is shorter than
`websocket_patience`: `tests/faults/checker/README.md` says which faults excuse whose closing. The
last runs:

"""


def keep(path, kept, results):
    """Put `results` over those that were kept at `path`, and write the page."""
    stamp = {
        "date": datetime.date.today().isoformat(),
        "machine": f"Python {platform.python_version()}, {platform.system()}",
    }
    kept = {**kept, **{name: {**result, **stamp} for name, result in results.items()}}
    path.write_text(json.dumps(dict(sorted(kept.items())), separators=(",", ":")) + "\n")
    write(kept)


def write(kept):
    """Write the page from kept results."""
    lines = ["| # | hurt 1.x | promise | figure | held | test |", "|---|---|---|---|---|---|"]
    for row, promise in PROMISES.items():
        mine = [result for result in kept.values() if row in result["rows"]]
        cells = [row, promise.hurt, promise.holds, *_outcome(row, mine)]
        lines.append(f"| {' | '.join(map(_cell, cells))} |")
    PAGE.write_text(_HEAD + "\n".join(lines) + "\n" + _MACHINES + MACHINES.read_text() + _checker())


def _checker():
    """The section on the checker's runs, if there are any."""
    summary = report.summary()
    return f"{_CHECKER}{summary}\n" if summary else ""


def _outcome(row, results):
    """The cells: figures, held, tests."""
    if row in LATER:
        return LATER[row], "–", "–"
    if not results:
        return "not run", "–", "–"
    tests = "<br>".join(dict.fromkeys(_test(result) for result in results))
    figures = "<br>".join(_figures(result) for result in results)
    return figures, "yes" if all(result["held"] for result in results) else "**no**", tests


def _test(result):
    module = result["module"].rpartition(".")[2]
    return f"{module}: {result['test'].replace('_', ' ')}"  # which a table can break


def _figures(result):
    counts = collections.Counter(
        text if held else f"**{text}**" for text, held in result["figures"]
    )
    texts = [text if count == 1 else f"{text} ({count} times)" for text, count in counts.items()]
    host = "" if result["host"] == "daphne" else f"{result['host']}: "
    return host + "; ".join(texts)


def _cell(value):
    return str(value).replace("|", "\\|").replace("\n", " ")
