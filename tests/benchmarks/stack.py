"""A contender's processes, with a Redis and a database of their own, from start to end."""

import contextlib
import http.client
import itertools
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil

from tests.benchmarks.contenders import PROJECTS
from tests.benchmarks.engines import Engines
from tests.benchmarks.usage import Usage
from tests.processes import REPOSITORY, Process, RedisServer, free_port, wait_until

START_LIMIT_S = 30
#: Seconds that processes get to end after SIGTERM.
STOP_LIMIT_S = 2
#: Between two pieces of work: the CPU that all processes may use, as a share of one core, before
#: the next one begins, the seconds over which that is measured, and how long it is waited for.
CALM_SHARE, CALM_OVER_S, CALM_LIMIT_S = 0.25, 0.1, 3.0
#: What the database holds: the page's table, and the one that sessions in the database need.
_SCHEMA = """
CREATE TABLE entry (id integer PRIMARY KEY, title varchar(100), text text);
CREATE TABLE django_session (session_key varchar(40) PRIMARY KEY, session_data text NOT NULL,
                             expire_date datetime NOT NULL);
"""


class BenchmarkError(Exception):
    """A contender did not start, or a load did not end well; says what its processes wrote."""


class Stack:
    """Starts a contender's Redis, server and workers; `with` ends them all.

    Args:
        contender: a Contender.
        python: the interpreter of its environment.
        engines: the Engines that have its engine, if that is not Redis; by default it starts its
            own.
        code: the checkout whose code runs, if `python` is the interpreter that runs this.
    """

    def __init__(self, contender, python, engines=None, code=REPOSITORY):
        self.contender, self._code = contender, code
        self.port = free_port()
        self._python = python
        self._directory = Path(tempfile.mkdtemp(prefix="benchmark-"))
        self.redis = RedisServer({"appendonly": "no"})
        self._engines, self._engine = engines, None
        self.processes = {"server": [], "worker": []}
        self._numbers = itertools.count()
        self._exits = contextlib.ExitStack()

    def __enter__(self):
        try:
            self._start()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _start(self):
        self._exits.callback(shutil.rmtree, self._directory, ignore_errors=True)
        self._exits.enter_context(self.redis)
        engines = self._engines or self._exits.enter_context(Engines())
        self._engine = engines.find(self.contender.engine)
        self._make_database()
        contender = self.contender
        if contender.server:
            self._spawn("server", contender.server)
        for _ in range(contender.workers):
            self._spawn("worker", contender.worker)
        if contender.workers:
            self._wait(self._workers_listen, "its workers to ask Redis")
        if contender.server:
            self._wait(self._answers, "its server to answer")

    def __exit__(self, *exc_info):
        """End the server first: it has disconnects to hand over while the workers are there."""
        with contextlib.ExitStack() as exits:
            exits.push(self._exits)
            for process in self.processes["worker"]:
                exits.callback(process.stop, limit_s=STOP_LIMIT_S)
            for process in self.processes["worker"]:
                exits.callback(process.send_signal, signal.SIGTERM)
            for process in self.processes["server"]:
                exits.callback(process.stop, limit_s=STOP_LIMIT_S)

    def _make_database(self):
        with contextlib.closing(sqlite3.connect(self._directory / "db")) as database, database:
            database.executescript(_SCHEMA)
            text = "Some words that make up a line of text. " * 3
            rows = [(f"Entry {number}", text) for number in range(50)]
            database.executemany("INSERT INTO entry (title, text) VALUES (?, ?)", rows)

    @property
    def env(self):
        """The environment variables of its processes."""
        project = PROJECTS / self.contender.project
        path = [str(project), str(PROJECTS / "shared")]
        if self._python == sys.executable:
            path.append(str(self._code))
        env = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONUNBUFFERED": "1",
            "BENCH_DATABASE": str(self._directory / "db"),
            "BENCH_REDIS_PORT": str(self.redis.port),
            "BENCH_ENGINE": self.contender.engine,
            "BENCH_PREFIX": f"bench{self.port}.",
            **({"BENCH_ENGINE_URL": self._engine.url} if self._engine else {}),
        }
        env.pop("DJANGO_SETTINGS_MODULE", None)
        if self.contender.has_settings:
            env["DJANGO_SETTINGS_MODULE"] = "settings"
        return env

    def fill_in(self, command, **more):
        """Return `command` with its placeholders filled in."""
        known = {
            "python": self._python,
            "bin": str(Path(self._python).parent),
            "port": self.port,
            "application": self.contender.application,
            **more,
        }
        return [part.format(**known) for part in command]

    def _spawn(self, role, command):
        log = self._directory / f"{role}-{next(self._numbers)}.log"
        project = PROJECTS / self.contender.project
        process = Process(self.fill_in(command), log, cwd=project, env=self.env)
        self.processes[role].append(process)

    def _wait(self, condition, what):
        try:
            wait_until(lambda: self._alive() and condition(), limit_s=START_LIMIT_S, what=what)
        except AssertionError as error:
            raise BenchmarkError(f"{self.contender.name}: {error}\n{self.logs}") from error

    def _alive(self):
        for process in self.processes["server"] + self.processes["worker"]:
            if not process.is_running:
                raise BenchmarkError(f"{self.contender.name}: {process}")
        return True

    def _answers(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        failures = (OSError, http.client.HTTPException)
        with contextlib.closing(connection), contextlib.suppress(*failures):
            connection.request("GET", "/small/")
            response = connection.getresponse()
            return response.status == 200 and response.read() == b"Hello, world!"
        return False

    def _workers_listen(self):
        if self.contender.engine != "redis":
            return True  # who serves a page has a worker that does
        return all(self._asks_redis(process.pid) for process in self.processes["worker"])

    def _asks_redis(self, pid):
        connections = psutil.Process(pid).net_connections("tcp")
        return any(c.raddr and c.raddr.port == self.redis.port for c in connections)

    @property
    def logs(self):
        """What its processes have written."""
        every = self.processes["server"] + self.processes["worker"]
        return "\n".join(f"{process}" for process in every)

    def usage(self):
        """Return the Usage of its processes, by role."""
        pids = {role: [process.pid for process in all_] for role, all_ in self.processes.items()}
        # Whatever carries the messages; with the local layer, the processes do.
        engine = self.redis if self.contender.engine == "redis" else self._engine
        pids["redis"] = engine.pids if engine else []
        return Usage(pids)

    def settle(self):
        """Wait until what the last work left to do (disconnects, above all) is done."""
        usage, deadline = self.usage(), time.perf_counter() + CALM_LIMIT_S
        used, is_calm = sum(usage.cpu_s().values()), False
        while not is_calm and time.perf_counter() < deadline:
            time.sleep(CALM_OVER_S)
            before, used = used, sum(usage.cpu_s().values())
            is_calm = used - before < CALM_SHARE * CALM_OVER_S

    def load(self, job, limit_s):
        """Run the load generator with `job`; return its result, with the CPU time of each role.

        Raises BenchmarkError.
        """
        before, start = self.usage().cpu_s(), time.perf_counter()
        done = self._run_generator({"port": self.port, **job}, limit_s)
        seconds, after = time.perf_counter() - start, self.usage().cpu_s()
        if done.returncode:
            raise BenchmarkError(f"the load generator failed: {done.stderr[-500:]}\n{self.logs}")
        result = json.loads(done.stdout.splitlines()[-1])
        result["cpu_s"] = {role: after[role] - before[role] for role in after}
        result["wall_s"] = seconds
        return result

    @contextlib.contextmanager
    def converse(self, job):
        """Give the load generator a job that goes on in steps; yields the Conversation."""
        generator = subprocess.Popen(
            generator_command(),
            cwd=REPOSITORY,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        with generator:
            try:
                conversation = Conversation(generator, self)
                conversation.tell(json.dumps({"port": self.port, **job}))
                yield conversation
            finally:
                generator.kill()

    def restart_worker(self, place, limit_s):
        """Tell one of the workers to stop, and start another one once it has ended, as a deploy
        does."""
        workers = self.processes["worker"]
        workers[place].stop(limit_s=limit_s)
        self._spawn("worker", self.contender.worker)
        workers[place] = workers.pop()
        self._wait(lambda: self._asks_redis(workers[place].pid), "the new worker to ask Redis")

    @staticmethod
    def _run_generator(job, limit_s):
        try:
            return subprocess.run(
                generator_command(),
                cwd=REPOSITORY,
                input=json.dumps(job) + "\n",
                text=True,
                capture_output=True,
                timeout=limit_s,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise BenchmarkError(f"the load did not end in {limit_s} s: {job}") from None

    def run_producer(self, seconds, limit_s):
        """Run the contender's producer; return what it prints. Raises BenchmarkError."""
        command = self.fill_in(self.contender.producer, seconds=seconds)
        done = subprocess.run(
            command,
            cwd=PROJECTS / self.contender.project,
            env=self.env,
            text=True,
            capture_output=True,
            timeout=limit_s,
            check=False,
        )
        if done.returncode:
            raise BenchmarkError(f"the producer failed: {done.stderr[-500:]}\n{self.logs}")
        return json.loads(done.stdout)


def generator_command():
    """Return the command of the load generator."""
    return [sys.executable, "-m", "tests.benchmarks.load"]


class Conversation:
    """The load generator, as it works step by step."""

    def __init__(self, process, stack):
        self._process, self._stack = process, stack

    def tell(self, line="go on"):
        """Let it go on."""
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def hear(self):
        """Return what it says next, an object of JSON. Raises BenchmarkError."""
        line = self._process.stdout.readline()
        if not line:
            error = self._process.stderr.read()[-500:]
            raise BenchmarkError(f"the load generator failed: {error}\n{self._stack.logs}")
        return json.loads(line)

    def expect(self, key, value):
        """Raise BenchmarkError unless it says next that `key` is `value`."""
        heard = self.hear()
        if heard.get(key) != value:
            raise BenchmarkError(f"{key} should be {value}: {heard}\n{self._stack.logs}")
