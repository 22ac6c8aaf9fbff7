"""Brings up the split of the Django project whose manage.py runs."""

import contextlib
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from channels.recipes.parts import SitePart
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
from channels.supervising.choices import choose_port, site_url, socket_folder, without_secrets
from channels.supervising.errors import CannotStart, Stopped
from channels.supervising.redis_choice import RedisChoice, choose_redis
from channels.supervising.supervisord import Supervisord

#: Prints the Redis servers that the project's settings name.
_ASK_HOSTS = """
import json, django
from django.conf import settings
entry = getattr(settings, "CHANNEL_LAYERS", {}).get("default")
hosts = None if entry is None else entry.get("CONFIG", {}).get("hosts")
from channels.asgi import load_backend
if entry is None:
    print(json.dumps({"backend": ""}))
else:
    backend = load_backend(entry["BACKEND"], "default")
    from channels.layers.redis.transport.addresses import parse_hosts
    is_redis = backend.__module__.startswith("channels.layers.redis")
    urls = parse_hosts(hosts) if is_redis else []
    print(json.dumps({"backend": entry["BACKEND"], "is_local": backend.is_local, "urls": urls}))
"""

#: What a project without a channel layer is told to write.
_LAYER_TO_WRITE = """
CHANNEL_LAYERS = {{
    "default": {{
        "BACKEND": "channels.layers.redis.RedisChannelLayer",
        "CONFIG": {{"hosts": [os.environ.get("REDIS_URL", "redis://localhost:6379/0")]}},
        "ROUTING": "{package}.routing.channel_routing",
    }},
}}"""


def bring_up(project: Project, choices: Choices, run_dir: Path) -> None:
    """Bring up Redis, an interface server and workers; stay until a signal; end all of them.

    `choices.port` 0: the first free one from 8000 on. Raises CannotStart.
    """
    for part in ("log", "redis"):
        (run_dir / part).mkdir(parents=True, exist_ok=True)
    (run_dir / ".gitignore").write_text("*\n")
    ending = Ending()
    another = "name another folder with --run-dir"
    with only_one(run_dir, another) as remember, socket_folder(run_dir) as sockets:
        choices = dataclasses.replace(choices, port=choose_port(choices.bind, choices.port or None))
        remember(site_url(choices.bind, choices.port))
        with contextlib.suppress(Stopped):
            _run(project, choices, run_dir, sockets, ending)
            return
        click.echo("Stopped.")


def _run(project: Project, choices: Choices, run_dir: Path, sockets: Path, ending: Ending) -> None:
    started = time.monotonic()
    redis = choose_redis(
        os.environ.get("REDIS_URL", ""),
        sockets / "redis.sock",
        run_dir / "redis",
        lambda url: ask_hosts(project, url),
    )
    env = {"DJANGO_SETTINGS_MODULE": project.settings_module}
    if redis.url:
        env["REDIS_URL"] = redis.url
    done("settings", project.settings_module)
    done("channel layer", _describe(redis))
    parts = [_server(project, choices), *workers_of(project, choices)]
    control = sockets / "supervisor.sock"
    text = supervisord_text(
        project,
        choices,
        parts,
        folder=str(run_dir).replace("%", "%%"),
        control=str(control).replace("%", "%%"),
        redis_command=redis.command,
    )
    everything = {**os.environ, **env, "PYTHONUNBUFFERED": "1"}
    url = site_url(choices.bind, choices.port)
    supervisord = Supervisord(run_dir, control, text, everything)
    script = write_manage(run_dir, project.directory / "manage.py", env)
    split = Split(supervisord, run_dir, url, ending)
    screen = _Screen(project, parts, redis, run_dir, script, url, started)
    stay_up(supervisord, split, script, lambda: screen.show(split))


def _describe(redis: RedisChoice) -> str:
    if not redis.url:
        return "the one in the settings, for which nothing is started here"
    return f"{without_secrets(redis.url)}{' (started here)' if redis.command else ''}"


def _server(project: Project, choices: Choices) -> SitePart:
    listen = ("--bind", choices.bind, "--port", str(choices.port))
    return server_of(project, choices, *listen)


def ask_hosts(project: Project, redis_url: str) -> list[str]:
    """Return the URLs of the Redis servers that the settings name if REDIS_URL is `redis_url`; none
    if their layer is not over Redis.

    Raises CannotStart if the settings can't be loaded, or name no layer between processes.
    """
    told = _ask(project, {"REDIS_URL": redis_url})
    example = _LAYER_TO_WRITE.format(package=project.settings_module.split(".")[0])
    if not told["backend"]:
        raise CannotStart(f"CHANNEL_LAYERS has no 'default': write in your settings{example}")
    if told["is_local"]:
        raise CannotStart(
            f"CHANNEL_LAYERS['default'] is {told['backend']}, which works within one process, and "
            f"the split is several: use Redis, as in{example}"
        )
    return list(told["urls"])


def _ask(project: Project, env: Mapping[str, str]) -> dict[str, Any]:
    run = subprocess.run(
        [sys.executable, "-c", _ASK_HOSTS],
        cwd=project.directory,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode:
        raise CannotStart(f"the settings can't be loaded:\n{run.stderr}")
    told: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return told


class _Screen:
    """The one screen of status that is shown once all is up."""

    def __init__(
        self,
        project: Project,
        parts: list[SitePart],
        redis: RedisChoice,
        run_dir: Path,
        script: Path,
        url: str,
        started: float,
    ) -> None:
        self._project, self._parts, self._redis = project, parts, redis
        self._run_dir, self._script, self._url, self._started = run_dir, script, url, started

    def show(self, split: Split) -> None:
        """Print it."""
        seconds = time.monotonic() - self._started
        url = click.style(self._url, bold=True, fg="cyan")
        click.echo(f"\n  Up in {seconds:.1f} s. Open {url}\n")
        pids: dict[str, list[str]] = {}
        for program in split.programs():
            pids.setdefault(program["group"], []).append(str(program["pid"]))
        for part in self._parts:
            numbers = " ".join(pids.get(part.name, []))
            click.echo(f"  {part.name:<12} {part.title}")
            click.echo(click.style(f"  {'':<12} process {numbers}", dim=True))
        click.echo(f"\n{control_lines(self._run_dir, self._script)}")
        click.echo("  Before others use it: manage.py channels_up --check")
