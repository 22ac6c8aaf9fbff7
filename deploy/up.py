"""Brings up the split on this machine and stays with it: `./start`, or `python -m deploy.up`."""

import contextlib
import fcntl
import os
import shlex
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import click

from deploy.setting_up import (
    check_redis,
    choose_port,
    find_redis_server,
    lan_address,
    socket_folder,
)
from deploy.supervision import Supervisord, tail

ROOT = Path(__file__).resolve().parent.parent

#: Seconds until every process must run and the site must answer.
START_LIMIT_S = 60
#: States of supervisord's programs that mean "it ended, or never began".
FAILED = ("BACKOFF", "FATAL", "EXITED", "UNKNOWN")
#: A proxy of the environment can't reach the site: it would look for it on its own machine.
_WITHOUT_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Stopped(Exception):
    """A signal asked for the end."""


class StartFailed(click.ClickException):
    """Something didn't come up; the message shows why."""


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--workers",
    default=2,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Workers for pages and sockets; one more runs the background channels.",
)
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Where the site answers.  [default: 8000, or the next free one]",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="The address to listen on; 0.0.0.0 lets your network in.",
)
@click.option(
    "--server",
    default="daphne",
    show_default=True,
    type=click.Choice(["daphne", "uvicorn"]),
    help="What hosts the interface server.",
)
def main(workers, port, host, server):
    """Bring up the split: Redis, an interface server, workers. Ctrl-C stops all of it.

    REDIS_URL in the environment names a Redis to use; without it, one is started. Data and logs
    go to .run/ (RUN_DIR in the environment names another folder).
    """
    run_dir = Path(os.environ.get("RUN_DIR") or ROOT / ".run").absolute()
    for part in ("log", "redis", "media"):
        (run_dir / part).mkdir(parents=True, exist_ok=True)
    ending = Ending()
    with only_one(run_dir) as remember, socket_folder(run_dir) as sockets:
        values = plan(
            run_dir,
            Path(sockets),
            workers=workers,
            server=server,
            host=host,
            port=choose_port(host, port),
        )
        remember(site_url(values))
        try:
            run(run_dir, values, ending)
        except Stopped:
            click.echo("Stopped.")


class Ending:
    """Whether a signal has asked for the end. Nothing is interrupted: whoever waits, asks."""

    def __init__(self):
        self.is_asked = False
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
            signal.signal(number, self._ask)

    def _ask(self, number, frame):
        self.is_asked = True

    def sleep(self, seconds=0.1):
        """Sleep; raise Stopped if the end is asked for."""
        deadline = time.monotonic() + seconds
        while not self.is_asked and time.monotonic() < deadline:
            time.sleep(min(0.1, seconds))
        if self.is_asked:
            raise Stopped


@contextlib.contextmanager
def only_one(run_dir):
    """Hold the folder's lock; give a function that writes the site's URL into it."""
    with open(run_dir / "lock", "a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise click.ClickException(
                f"it runs already, at {lock.read().strip() or 'an unknown URL'}: stop it there "
                "with Ctrl-C, or name another folder in RUN_DIR"
            ) from None

        def remember(url):
            lock.truncate(0)
            lock.write(url)
            lock.flush()

        yield remember


def plan(run_dir, sockets, *, workers, server, host, port):
    """Return the values that the configuration and the environment of the processes need."""
    redis_url = os.environ.get("REDIS_URL", "")
    if redis_url:
        check_redis(redis_url)
    return {
        "RUN_DIR": run_dir,
        "PROJECT_DIR": ROOT,
        "PYTHON_BIN": Path(sys.executable).parent,
        "BIND": host,
        "PORT": port,
        "SERVER": server,
        "WORKERS": workers,
        "SUPERVISOR_SOCKET": sockets / "supervisor.sock",
        "REDIS_SOCKET": sockets / "redis.sock",
        "REDIS_SERVER": "redis-server" if redis_url else find_redis_server(),
        "REDIS_AUTOSTART": "false" if redis_url else "true",
        "REDIS_URL": redis_url or f"unix://{sockets / 'redis.sock'}",
        "ALLOWED_HOSTS": os.environ.get("ALLOWED_HOSTS") or allowed_hosts(host),
    }


def allowed_hosts(host):
    """Return ALLOWED_HOSTS for a site that listens on `host`, comma-separated."""
    names = {"localhost", "127.0.0.1", "[::1]"}
    names.add(lan_address() if host in ("0.0.0.0", "::") else in_url(host))
    return ",".join(sorted(names))


def site_url(values):
    """Return the URL that a browser on this machine opens."""
    host = {"0.0.0.0": lan_address(), "::": "::1"}.get(values["BIND"], values["BIND"])
    return f"http://{in_url(host)}:{values['PORT']}/"


def in_url(host):
    """Return `host` as URLs and Host headers have it: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def run(run_dir, values, ending):
    """Bring everything up, stay until Stopped is raised, take everything down."""
    env = {**os.environ, **{name: str(value) for name, value in values.items()}}
    env["PYTHONUNBUFFERED"] = "1"
    started = time.monotonic()
    people = prepare_database(env, ending)
    done("database", run_dir / "db.sqlite3")
    supervisord = Supervisord(run_dir, values["SUPERVISOR_SOCKET"], values, env)
    try:
        wait_for_programs(supervisord, run_dir, ending)
        wait_for_site(supervisord, run_dir, site_url(values), ending)
        write_manage(run_dir, values)
        welcome(site_url(values), people, run_dir, time.monotonic() - started)
        watch(supervisord, run_dir, ending)
    except Stopped:
        click.echo("\nStopping: workers finish what they run…")
        raise
    finally:
        manage_script(run_dir).unlink(missing_ok=True)
        if not supervisord.stop():
            click.echo("What did not end in time was killed.")


def prepare_database(env, ending):
    """Migrate, and make the demo's people and rooms; return the people, to be shown."""
    manage(env, ending, "migrate", "--verbosity=0")
    return manage(env, ending, "demo").strip()


def manage(env, ending, *args):
    """Run a management command; return what it wrote. Raises StartFailed, Stopped."""
    command = [sys.executable, "manage.py", *args]
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    ending.sleep(0)
    if run.returncode:
        raise StartFailed(f"manage.py {' '.join(args)} failed:\n{run.stdout}{run.stderr}")
    return run.stdout


def manage_script(run_dir):
    """The script that runs manage.py for the site that is up."""
    return run_dir / "manage"


def write_manage(run_dir, values):
    """Write that script: a shell needs the site's Redis and database to meet its people."""
    settings = "".join(
        f"export {name}={shlex.quote(str(value))}\n"
        for name, value in {
            "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "project.settings"),
            **{name: values[name] for name in ("RUN_DIR", "REDIS_URL", "ALLOWED_HOSTS")},
        }.items()
    )
    command = shlex.join([sys.executable, str(ROOT / "manage.py")])
    script = manage_script(run_dir)
    script.write_text(f'#!/bin/sh\n{settings}exec {command} "$@"\n')
    script.chmod(0o755)


def wait_for_programs(supervisord, run_dir, ending):
    """Wait until every program runs, and say so for each. Raises StartFailed, Stopped."""
    deadline = time.monotonic() + START_LIMIT_S
    seen = set()
    while True:
        programs = [p for p in supervisord.programs() if p["statename"] != "STOPPED"]
        for program in programs:
            fail_if_ended(program, run_dir)
            if program["statename"] == "RUNNING" and program["name"] not in seen:
                seen.add(program["name"])
                done(program["name"], f"process {program['pid']}")
        if programs and len(seen) == len(programs):
            return
        if not supervisord.is_running:
            raise StartFailed(f"supervisord ended at once:\n{supervisord.output}")
        if time.monotonic() > deadline:
            raise StartFailed(f"not all run after {START_LIMIT_S} s: see {run_dir / 'log'}")
        ending.sleep()


def fail_if_ended(program, run_dir):
    """Raise StartFailed, with the end of its log, if a program has ended."""
    if program["statename"] in FAILED:
        log = run_dir / "log" / f"{program['name']}.log"
        raise StartFailed(
            f"{program['name']} did not start ({program['spawnerr'] or program['description']}); "
            f"the end of {log}:\n{tail(log)}"
        )


def wait_for_site(supervisord, run_dir, url, ending):
    """Wait until a page comes through the split. Raises StartFailed, Stopped."""
    deadline = time.monotonic() + START_LIMIT_S
    answer = "nothing"
    while time.monotonic() < deadline:
        for program in supervisord.programs():
            if program["statename"] != "STOPPED":
                fail_if_ended(program, run_dir)
        try:
            with _WITHOUT_PROXY.open(url, timeout=2):
                return done("a page", f"{url} answers")
        except urllib.error.HTTPError as error:
            with error:
                answer = f"{error.code} {error.reason}"
        except OSError as error:
            answer = error
        ending.sleep()
    log = run_dir / "log" / "worker-00.log"
    raise StartFailed(
        f"{url} gave no page in {START_LIMIT_S} s ({answer}); the end of {log}:\n{tail(log)}"
    )


def done(what, detail):
    """Show a step that is done."""
    click.echo(f"  {click.style('✓', fg='green')} {what:<14} {click.style(detail, dim=True)}")


def welcome(url, people, run_dir, seconds):
    """Show where to go."""
    program = shown(Path(sys.executable).parent / "supervisorctl")
    control = f"{program} -c {shown(run_dir / 'supervisord.conf')}"
    click.echo(f"""
  Up in {seconds:.1f} s. Open {click.style(url, bold=True, fg="cyan")}

  {people}
  Logs     {shown(run_dir / "log")}/
  Control  {control} status
           {control} restart 'worker:*'    (no socket closes)
  Manage   {shown(manage_script(run_dir))} channels_status, {shown(manage_script(run_dir))} shell
  Stop     Ctrl-C
""")


def shown(path):
    """Return `path` as one would type it here."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def watch(supervisord, run_dir, ending):
    """Stay until Stopped is raised; say so when a program is given up. Raises StartFailed."""
    known = set()
    while supervisord.is_running:
        fatal = {p["name"] for p in supervisord.programs() if p["statename"] == "FATAL"}
        for name in fatal - known:
            log = run_dir / "log" / f"{name}.log"
            click.secho(f"{name} ends again and again; the end of {log}:\n{tail(log)}", fg="red")
        known = fatal
        ending.sleep(1)
    raise StartFailed(f"supervisord has ended:\n{supervisord.output}")


if __name__ == "__main__":
    main(prog_name="./start")
