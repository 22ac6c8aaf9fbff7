"""The ways to run a program of Channels 2 and later: in process, under each host server, and on the
split. What is served, and what a client sees, is the same in all of them."""

from pathlib import Path

from tests.processes import Split, free_port
from tests.processes.split import Server


def _uvicorn(port, asgi):
    return ("uvicorn", "--host", "127.0.0.1", "--port", port, asgi)


def _daphne(port, asgi):
    return ("daphne", "-b", "127.0.0.1", "-p", port, asgi)


def _gunicorn(port, asgi):
    worker = ("--workers", "2", "--worker-class", "uvicorn.workers.UvicornWorker")
    return ("gunicorn", asgi, *worker, "--bind", f"127.0.0.1:{port}")


def _hypercorn(port, asgi):
    return ("hypercorn", "--bind", f"127.0.0.1:{port}", asgi)


def _granian(port, asgi):
    return ("granian", "--interface", "asgi", "--host", "127.0.0.1", "--port", port, asgi)


#: Host server -> the command that serves an application in process.
HOSTS = {
    "daphne": _daphne,
    "uvicorn": _uvicorn,
    "gunicorn": _gunicorn,
    "hypercorn": _hypercorn,
    "granian": _granian,
}
#: Those that every acceptance test runs in.
WAYS = ("daphne", "uvicorn", "gunicorn", "runserver", "split")
#: All of them.
ALL_WAYS = (*HOSTS, "runserver", "split")


class Running:
    """A project that is being served.

    Attributes:
        split: its processes, and its management commands.
        url, ws_url: where it is served, without a slash at their end.
        way: one of ALL_WAYS.
    """

    def __init__(self, split, server, way):
        self.split, self.way = split, way
        self.url, self.ws_url = server.url, server.ws_url

    def shell(self, text):
        """Run lines in `manage.py shell`, as if they were typed there; return what they print."""
        return self.split.manage("shell", "--no-startup", "-i", "python", text=text)

    @property
    def logs(self):
        return self.split.logs


def run(directory, way, *, settings, asgi, redis_url):
    """Serve the project in `directory` in one of the ways; return it, Running.

    Args:
        settings: the settings module.
        asgi: the application, as "module:name".
    """
    split = Split(
        directory, settings=settings, asgi="channels.asgi:channel_layer", redis_url=redis_url
    )
    try:
        return Running(split, _start(split, way, asgi), way)
    except BaseException:
        print(split.logs)
        split.__exit__(None, None, None)
        raise


def _start(split, way, asgi):
    if way == "split":
        server = split.start_server()
        split.start_worker("--threads", "4")
        return server
    port = free_port()
    if way == "runserver":
        command = (split.python, "manage.py", "runserver", str(port), "--noreload")
    else:
        program, *args = HOSTS[way](port, asgi)
        command = (_find(split, program), *map(str, args))
    server = split._start(Server, command, way)
    server.port = port
    split.servers.append(server)
    server.wait_until_connectable(("127.0.0.1", port))
    return server


def _find(split, program):
    beside = Path(split.python).parent / program
    return str(beside) if beside.exists() else program
