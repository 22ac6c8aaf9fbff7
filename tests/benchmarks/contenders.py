"""Who runs: for each contender its project, its environment, its commands and its work."""

from dataclasses import dataclass, replace
from pathlib import Path

PROJECTS = Path(__file__).resolve().parent / "projects"

HTTP = ("http-1", "http-32", "template-32", "response-1mib", "upload-1mib")
ECHO = ("echo-1", "echo-50", "echo-500")
GROUPS = ("group-100", "group-1000")
IN_PROCESS = ("http-32", "echo-50", "group-1000", "memory")
#: The contenders and the work of --classes.
CLASSES = (
    *("channels4-uvicorn", "channels4-uvicorn-sync", "channels4-daphne"),
    *("in-process", "split", "classic-uvicorn-2w"),
)
CLASSES_WORK = (
    *("http-32", "echo-50", "group-1000", "direct-1000"),
    *("sleep-50", "memory", "restart-2000"),
)
CLASSIC_ONLY = ("ordered-50", "session-50")

_CLASSIC_SERVER = ("{python}", "-c", "from interface_server.cli import main; main()")
_HELLO_WORK = ("http-1", "http-32", "response-1mib", "upload-1mib", *ECHO, "storm-2000", "memory")
#: Rounds for what is no rival, but a point of reference.
_REFERENCE_ROUNDS = 3
#: The contenders of --quick.
QUICK = (
    "classic-uvicorn-1w",
    "classic-uvicorn-2w",
    "channels4-uvicorn",
    "channels4-uvicorn-sync",
    "gunicorn-2w",
    "channels1-1w",
    "channels1-2w",
    "hello-uvicorn",
    "bare-socket",
    "redis",
)

#: How each host server is told to serve {application} on {port} of 127.0.0.1, quietly.
HOST_COMMANDS = {
    "uvicorn": (
        "{python}",
        "-m",
        "uvicorn",
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "--log-level",
        "warning",
        "--no-access-log",
        "{application}",
    ),
    "daphne": (
        "{python}",
        "-m",
        "daphne",
        "-v",
        "0",
        "-b",
        "127.0.0.1",
        "-p",
        "{port}",
        "{application}",
    ),
    "hypercorn": (
        "{python}",
        "-m",
        "hypercorn",
        "--log-level",
        "warning",
        "-b",
        "127.0.0.1:{port}",
        "{application}",
    ),
    "granian": (
        "{python}",
        "-m",
        "granian",
        "--interface",
        "asgi",
        "--log-level",
        "warning",
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "{application}",
    ),
}


@dataclass(frozen=True)
class Contender:
    """One set of processes that is measured.

    Args:
        name, label: for the command line, and for people.
        environment: the name of its environment (see environments.py).
        project: its folder in `projects/`.
        work: the names of the work it takes part in.
        server: the command of its server, with {python}, {port} and {application}; () for none.
        application: what the server serves.
        worker: the command of one worker, and `workers` of them.
        producer: the command that sends to its background channel, with {seconds}.
        prefix: the first part of its WebSocket paths.
        rounds: takes part in that many rounds at most, unless it is named on the command line; None
            for all.
        engine: what carries its messages; a key of LAYERS in its settings.
    """

    name: str
    label: str
    environment: str
    project: str
    work: tuple[str, ...]
    server: tuple[str, ...] = ()
    application: str = "application:application"
    worker: tuple[str, ...] = ()
    workers: int = 0
    producer: tuple[str, ...] = ()
    prefix: str = "ws"
    rounds: int | None = None
    engine: str = "redis"

    @property
    def has_settings(self):
        """Whether it runs Django."""
        return (PROJECTS / self.project / "settings.py").exists()


_CLASSIC = Contender(
    name="classic",
    label="Channels Classic",
    environment="classic",
    project="channels_classic",
    work=(),
    application="classic.asgi:channel_layer",
    worker=("{python}", "-m", "django", "runworker", "--threads", "1", "-v", "0"),
    producer=("{python}", "-m", "classic.produce", "{seconds}"),
)


def _classic(host, workers, work):
    command = HOST_COMMANDS[host]
    if host in ("daphne", "uvicorn"):
        flags = ("--server", host, "-b", "127.0.0.1", "-p", "{port}", "-v", "0")
        command = (*_CLASSIC_SERVER, *flags, "{application}")
    plural = "s" if workers > 1 else ""
    return replace(
        _CLASSIC,
        name=f"classic-{host}-{workers}w",
        server=command,
        work=work,
        workers=workers,
        label=f"Channels Classic, {host}, {workers} worker{plural}",
    )


def _hello(host, work):
    return Contender(
        name=f"hello-{host}",
        label=f"bare hello on {host}",
        environment="hello",
        project="hello",
        work=work,
        server=HOST_COMMANDS[host],
        rounds=_REFERENCE_ROUNDS,
    )


def _other_engines(engine):
    """This project on another channel layer than Redis, beside which it is to be read."""
    work = {1: ("echo-50", "group-1000"), 2: ("http-1", "http-32"), 4: ("idle",)}
    return [
        replace(
            _classic("uvicorn", workers, some),
            name=f"{engine}-uvicorn-{workers}w",
            label=f"Channels Classic, {engine} layer, {workers} worker{'s' * (workers > 1)}",
            engine=engine,
            rounds=_REFERENCE_ROUNDS,
        )
        for workers, some in work.items()
    ]


def _channels_4(host):
    both = Contender(
        name=f"channels4-{host}",
        label=f"Channels 4, {host}",
        environment="channels4",
        project="channels4",
        server=HOST_COMMANDS[host],
        work=(*HTTP, *ECHO, *GROUPS, "storm-2000", "idle", "memory"),
    )
    sync = replace(
        both,
        name=f"channels4-{host}-sync",
        label=f"Channels 4, {host}, sync consumer",
        work=(*ECHO, "group-1000", "sleep-50"),
        prefix="sync",
    )
    return both, sync


def _in_process(host):
    """This project, running the very program of Channels 4 as that does."""
    return [
        replace(
            one,
            name=one.name.replace("channels4", "in-process"),
            label=one.label.replace("Channels 4", "Channels Classic in process"),
            environment="classic",
            work=tuple(work for work in one.work if work in IN_PROCESS),
            rounds=_REFERENCE_ROUNDS,
        )
        for one in _channels_4(host)
    ]


def _split(workers, work, *, is_sync=False, threads=1):
    """The same program on the split, with nothing but other processes."""
    plural = "s" if workers > 1 else ""
    sync, many = ", sync consumer" * is_sync, f", {threads} threads" * (threads > 1)
    return replace(
        _CLASSIC,
        name=f"split-{workers}w{'-sync' * is_sync}{f'-{threads}t' * (threads > 1)}",
        label=f"Channels 4 on the split, uvicorn, {workers} worker{plural}{sync}{many}",
        project="channels4",
        server=(*_CLASSIC_SERVER, "--server", "uvicorn", "-b", "127.0.0.1", "-p", "{port}"),
        worker=("{python}", "-m", "django", "runworker", "--threads", str(threads), "-v", "0"),
        workers=workers,
        work=work,
        prefix="sync" if is_sync else "ws",
        rounds=_REFERENCE_ROUNDS,
    )


def _class_consumers():
    """Class consumers on the split, to be read beside Channels 4 in process."""
    return [
        _split(1, ("echo-50", "echo-500", "group-1000", "direct-1000", "memory")),
        _split(2, ("http-32", "echo-50")),
        _split(4, ("restart-2000",)),
        _split(1, ("echo-50",), is_sync=True),
        _split(1, ("sleep-50",), is_sync=True, threads=50),
    ]


def _channels_1(workers, work):
    plural = "s" if workers > 1 else ""
    return replace(
        _CLASSIC,
        name=f"channels1-{workers}w",
        label=f"Channels 1.1.8, {workers} worker{plural}",
        environment="channels1",
        project="channels1",
        work=work,
        workers=workers,
        server=("{bin}/daphne", *HOST_COMMANDS["daphne"][3:]),
    )


def _rivals():
    """This project and those it is compared with."""
    sockets = ("http-1", "http-32", *ECHO, *CLASSIC_ONLY, *GROUPS, "storm-2000", "memory")
    uvicorn, daphne = _channels_4("uvicorn"), _channels_4("daphne")
    return [
        _classic("uvicorn", 1, (*sockets, "session-write-50", "background")),
        uvicorn[0],
        _classic("uvicorn", 2, (*HTTP, "echo-50", "echo-500", "storm-2000")),
        uvicorn[1],
        _classic("daphne", 1, sockets),
        daphne[0],
        _classic("daphne", 2, (*HTTP, "echo-50")),
        daphne[1],
        Contender(
            name="gunicorn-2w",
            label="gunicorn, 2 sync workers",
            environment="gunicorn",
            project="gunicorn",
            work=HTTP,
            server=(
                "{python}",
                "-m",
                "gunicorn",
                "-w",
                "2",
                "-b",
                "127.0.0.1:{port}",
                "--log-level",
                "warning",
                "{application}",
            ),
        ),
        _channels_1(1, (*sockets[:-1], "background")),
        _channels_1(2, HTTP),
        *(_classic(host, 4, ("idle",)) for host in ("uvicorn", "daphne")),
        _channels_1(4, ("idle",)),
    ]


def _references():
    """What shows the limits: other hosts, hosts that do nothing else, a bare socket, Redis."""
    short = ("http-32", "echo-50")
    return [
        *_in_process("uvicorn"),
        *_in_process("daphne"),
        *_class_consumers(),
        *_other_engines("local"),
        *_other_engines("rabbitmq"),
        *_other_engines("cluster"),
        *(
            replace(_classic(host, 2, short), rounds=_REFERENCE_ROUNDS)
            for host in ("hypercorn", "granian")
        ),
        Contender(
            name="channels4-worker",
            label="Channels 4, runworker",
            environment="channels4",
            project="channels4",
            work=("background",),
            workers=1,
            rounds=_REFERENCE_ROUNDS,
            worker=("{python}", "-m", "django", "runworker", "bench-noop", "-v", "0"),
            producer=("{python}", "-m", "produce", "{seconds}"),
        ),
        Contender(
            name="celery",
            label="Celery, 1 worker process",
            environment="celery",
            project="celery_beside",
            work=("background",),
            workers=1,
            rounds=_REFERENCE_ROUNDS,
            worker=("{python}", "-m", "celery", "-A", "tasks", "worker", "-c", "1", "-l", "ERROR"),
            producer=("{python}", "-m", "produce", "{seconds}"),
        ),
        *(_hello(host, _HELLO_WORK) for host in ("uvicorn", "daphne")),
        *(_hello(host, short) for host in ("hypercorn", "granian")),
        Contender(
            name="bare-socket",
            label="bare socket (the load generator's ceiling)",
            environment="hello",
            project="hello",
            work=("http-1", "http-32", "echo-1", "echo-50"),
            server=("{python}", "bare_socket.py", "{port}"),
            rounds=_REFERENCE_ROUNDS,
        ),
        Contender(
            name="redis",
            label="Redis alone",
            environment="hello",
            project="hello",
            work=("redis",),
            rounds=_REFERENCE_ROUNDS,
        ),
    ]


def all_contenders():
    """Return {name: Contender}, in the order in which they take their turns."""
    return {contender.name: contender for contender in (*_rivals(), *_references())}
