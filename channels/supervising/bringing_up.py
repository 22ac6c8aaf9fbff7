"""Brings up what supervisord runs, waits for a page, stays until a signal, takes all of it down."""

import contextlib
import fcntl
import os
import shlex
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType

import click

from channels.supervising.errors import CannotStart, Stopped
from channels.supervising.supervisord import Program, Supervisord, tail

#: Seconds until every process must run and the site must answer.
START_LIMIT_S = 60
#: States of supervisord's programs that mean "it ended, or never began".
FAILED = ("BACKOFF", "FATAL", "EXITED", "UNKNOWN")
#: What the interface server answers while no worker does.
UNANSWERED = (502, 503, 504)
#: A proxy of the environment can't reach the site: it would look for it on its own machine.
_WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Ending:
    """Whether a signal has asked for the end. Nothing is interrupted: whoever waits, asks."""

    def __init__(self) -> None:
        self.is_asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self.is_asked = True

    def sleep(self, seconds: float = 0.1) -> None:
        """Sleep; raise Stopped if the end is asked for."""
        deadline = time.monotonic() + seconds
        while not self.is_asked and time.monotonic() < deadline:
            time.sleep(min(0.1, seconds))
        if self.is_asked:
            raise Stopped


@contextlib.contextmanager
def only_one(run_dir: Path, how_else: str) -> Iterator[Callable[[str], None]]:
    """Hold the folder's lock; give a function that writes the site's URL into it.

    `how_else` ends the error that a second start gets: "name another folder in RUN_DIR". Raises
    CannotStart.
    """
    with open(run_dir / "lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise CannotStart(
                f"it runs already, at {lock.read().strip() or 'an unknown URL'}: stop it there "
                f"with Ctrl-C, or {how_else}"
            ) from None

        def remember(url: str) -> None:
            lock.truncate(0)
            lock.write(url)
            lock.flush()

        yield remember


class Split:
    """What is brought up: its supervisord, its folder, its URL."""

    def __init__(self, supervisord: Supervisord, run_dir: Path, url: str, ending: Ending) -> None:
        self._supervisord, self._run_dir = supervisord, run_dir
        self._url, self._ending = url, ending

    def _log(self, program: str) -> Path:
        return self._run_dir / "log" / f"{program}.log"

    def programs(self) -> list[Program]:
        """Return what runs or should."""
        return [p for p in self._supervisord.programs() if p["statename"] != "STOPPED"]

    def wait_for_programs(self) -> None:
        """Wait until every program runs, and say so for each. Raises CannotStart, Stopped."""
        deadline = time.monotonic() + START_LIMIT_S
        seen: set[str] = set()
        while True:
            programs = self.programs()
            for program in programs:
                self._fail_if_ended(program)
                if program["statename"] == "RUNNING" and program["name"] not in seen:
                    seen.add(program["name"])
                    done(program["name"], f"process {program['pid']}")
            if programs and len(seen) == len(programs):
                return
            if not self._supervisord.is_running:
                raise CannotStart(f"supervisord ended at once:\n{self._supervisord.output}")
            if time.monotonic() > deadline:
                raise CannotStart(f"not all run after {START_LIMIT_S} s: see {self._log('*')}")
            self._ending.sleep()

    def _fail_if_ended(self, program: Program) -> None:
        """Raise CannotStart, with the end of its log, if a program has ended."""
        if program["statename"] in FAILED:
            log = self._log(program["name"])
            raise CannotStart(
                f"{program['name']} did not start "
                f"({program['spawnerr'] or program['description']}); the end of {log}:\n{tail(log)}"
            )

    def wait_for_site(self) -> None:
        """Wait until a page comes through the split. Raises CannotStart, Stopped."""
        deadline = time.monotonic() + START_LIMIT_S
        answer = "nothing"
        while time.monotonic() < deadline:
            for program in self.programs():
                self._fail_if_ended(program)
            status, answer = _ask(self._url)
            if status and status not in UNANSWERED:
                return done("a page", f"{self._url} answers ({answer})")
            self._ending.sleep()
        log = self._log("worker-00")
        raise CannotStart(
            f"{self._url} gave no page in {START_LIMIT_S} s ({answer}); the end of {log}:\n"
            f"{tail(log)}"
        )

    def watch(self) -> None:
        """Stay until Stopped is raised; say so when a program is given up. Raises CannotStart."""
        known: set[str] = set()
        while self._supervisord.is_running:
            fatal = {p["name"] for p in self.programs() if p["statename"] == "FATAL"}
            for name in fatal - known:
                log = self._log(name)
                click.secho(
                    f"{name} ends again and again; the end of {log}:\n{tail(log)}", fg="red"
                )
            known = fatal
            self._ending.sleep(1)
        raise CannotStart(f"supervisord has ended:\n{self._supervisord.output}")


def _ask(url: str) -> tuple[int, str]:
    """Get a page: (its status, or 0 if there is none; what came, in words)."""
    try:
        with _WITHOUT_PROXY.open(url, timeout=2) as response:
            return response.status, f"{response.status} {response.reason}"
    except urllib.error.HTTPError as error:
        with error:
            return error.code, f"{error.code} {error.reason}"
    except OSError as error:
        return 0, str(error)


def write_manage(run_dir: Path, manage: Path, env: Mapping[str, str]) -> Path:
    """Write a script that runs manage.py for the site that is up; return its path.

    A shell needs the site's Redis and database to meet its people.
    """
    settings = "".join(f"export {name}={shlex.quote(value)}\n" for name, value in env.items())
    command = shlex.join([sys.executable, str(manage)])
    script = run_dir / "manage"
    script.write_text(f'#!/bin/sh\n{settings}exec {command} "$@"\n')
    script.chmod(0o755)
    return script


def done(what: str, detail: object) -> None:
    """Show a step that is done."""
    click.echo(f"  {click.style('✓', fg='green')} {what:<14} {click.style(str(detail), dim=True)}")


def shown(path: Path) -> str:
    """Return `path` as one would type it here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def control_lines(run_dir: Path, script: Path) -> str:
    """Return the lines that say where the logs are and how to control what runs."""
    control = f"{shown(Path(sys.executable).parent / 'supervisorctl')} -c "
    control += shown(run_dir / "supervisord.conf")
    return f"""\
  Logs     {shown(run_dir / "log")}/
  Control  {control} status
           {control} restart 'worker:*'    (no socket closes)
  Manage   {shown(script)} channels_status, {shown(script)} shell
  Stop     Ctrl-C
"""


def stay_up(
    supervisord: Supervisord, split: Split, script: Path, welcome: Callable[[], None]
) -> None:
    """Wait until all is up, show `welcome`, stay until Stopped is raised, take everything down."""
    try:
        split.wait_for_programs()
        split.wait_for_site()
        welcome()
        split.watch()
    except Stopped:
        click.echo("\nStopping: workers finish what they run…")
        raise
    finally:
        script.unlink(missing_ok=True)
        if not supervisord.stop():
            click.echo("What did not end in time was killed.")
