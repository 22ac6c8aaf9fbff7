"""Brings up the demo's split on this machine and stays with it: `./start`."""

import dataclasses
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import click

from channels.recipes.project import Project
from channels.recipes.writing import Choices, server_of, supervisord_text, workers_of
from channels.supervising.bringing_up import (
    Ending,
    Split,
    control_lines,
    done,
    only_one,
    stay_up,
    write_manage,
)
from channels.supervising.choices import (
    check_redis,
    choose_port,
    in_url,
    lan_address,
    site_url,
    socket_folder,
)
from channels.supervising.errors import CannotStart, Stopped
from channels.supervising.redis_choice import on_socket, start_redis
from channels.supervising.supervisord import Supervisord

ROOT = Path(__file__).resolve().parent.parent

#: The demo, as `find_project` would describe it: nothing of it is loaded here.
DEMO = Project(
    name="demo",
    directory=ROOT,
    settings_module="project.settings",
    python_bin=Path(sys.executable).parent,
    asgi="project.asgi:channel_layer",
    own_channels=("its own",),
)


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
@click.option(
    "--layer",
    default="redis",
    show_default=True,
    type=click.Choice(["redis", "local"]),
    help="What carries messages: Redis, or files on this machine, with no server.",
)
def main(workers: int, port: int | None, host: str, server: str, layer: str) -> None:
    """Bring up the split: Redis, an interface server, workers. Ctrl-C stops all of it.

    REDIS_URL in the environment names a Redis to use; without it, one is started. Data and logs
    go to .run/ (RUN_DIR in the environment names another folder).
    """
    run_dir = Path(os.environ.get("RUN_DIR") or ROOT / ".run").absolute()
    for part in ("log", "redis", "media"):
        (run_dir / part).mkdir(parents=True, exist_ok=True)
    ending = Ending()
    try:
        with (
            only_one(run_dir, "name another folder in RUN_DIR") as remember,
            socket_folder(run_dir) as sockets,
        ):
            choices = Choices(
                workers, server=server, bind=host, port=choose_port(host, port), metrics_port=0
            )
            remember(site_url(host, choices.port))
            run(run_dir, sockets, choices, ending, layer)
    except Stopped:
        click.echo("Stopped.")
    except CannotStart as error:
        raise click.ClickException(str(error)) from error


def allowed_hosts(host: str) -> str:
    """Return ALLOWED_HOSTS for a site that listens on `host`, comma-separated."""
    names = {"localhost", "127.0.0.1", "[::1]"}
    names.add(lan_address() if host in ("0.0.0.0", "::") else in_url(host))
    return ",".join(sorted(names))


def run(run_dir: Path, sockets: Path, choices: Choices, ending: Ending, layer: str) -> None:
    """Bring everything up, stay until Stopped is raised, take everything down."""
    started = time.monotonic()
    is_local = layer == "local"
    redis_url, redis_command = ("", "") if is_local else choose_redis(run_dir, sockets)
    settings = {
        "DJANGO_SETTINGS_MODULE": os.environ.get("DJANGO_SETTINGS_MODULE", "project.settings"),
        "RUN_DIR": str(run_dir),
        "REDIS_URL": redis_url,
        "LAYER_FOLDER": str(sockets / "layer") if is_local else "",
        "ALLOWED_HOSTS": os.environ.get("ALLOWED_HOSTS") or allowed_hosts(choices.bind),
    }
    env = {**os.environ, **settings, "PYTHONUNBUFFERED": "1"}
    people = prepare_database(env, ending)
    done("database", run_dir / "db.sqlite3")
    control = sockets / "supervisor.sock"
    text = configuration(run_dir, control, redis_command, choices, settings)
    supervisord = Supervisord(run_dir, control, text, env)
    script = write_manage(run_dir, ROOT / "manage.py", settings)
    url = site_url(choices.bind, choices.port)

    def welcome() -> None:
        seconds = time.monotonic() - started
        click.echo(f"\n  Up in {seconds:.1f} s. Open {click.style(url, bold=True, fg='cyan')}\n")
        click.echo(f"  {people}\n{control_lines(run_dir, script)}")

    stay_up(supervisord, Split(supervisord, run_dir, url, ending), script, welcome)


def choose_redis(run_dir: Path, sockets: Path) -> tuple[str, str]:
    """Return the URL of the demo's Redis, and what starts it ("" if REDIS_URL names one)."""
    if named := os.environ.get("REDIS_URL"):
        check_redis(named)
        return named, ""
    path = sockets / "redis.sock"
    return f"unix://{path}", start_redis(on_socket(path), run_dir / "redis")


def configuration(
    run_dir: Path, control: Path, redis_command: str, choices: Choices, settings: Mapping[str, str]
) -> str:
    """Return what supervisord is to run."""
    listen = ("--bind", choices.bind, "--port", str(choices.port))
    return supervisord_text(
        dataclasses.replace(DEMO, settings_module=settings["DJANGO_SETTINGS_MODULE"]),
        choices,
        [server_of(DEMO, choices, *listen), *workers_of(DEMO, choices)],
        folder=str(run_dir).replace("%", "%%"),
        control=str(control).replace("%", "%%"),
        redis_command=redis_command,
    )


def prepare_database(env: Mapping[str, str], ending: Ending) -> str:
    """Migrate, and make the demo's people and rooms; return the people, to be shown."""
    manage(env, ending, "migrate", "--verbosity=0")
    return manage(env, ending, "demo").strip()


def manage(env: Mapping[str, str], ending: Ending, *args: str) -> str:
    """Run a management command; return what it wrote. Raises CannotStart, Stopped."""
    command = [sys.executable, "manage.py", *args]
    run = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    ending.sleep(0)
    if run.returncode:
        raise CannotStart(f"manage.py {' '.join(args)} failed:\n{run.stdout}{run.stderr}")
    return run.stdout


if __name__ == "__main__":
    main(prog_name="./start")
