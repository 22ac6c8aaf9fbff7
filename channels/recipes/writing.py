"""Makes the files of each recipe from the templates."""

import dataclasses
import json
import os
import shlex
import tempfile
import zlib
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from django.template import Context, Engine

from channels.recipes.dashboard import make_dashboard
from channels.recipes.parts import Shard, SitePart, plan_server, plan_workers
from channels.recipes.project import Project

TEMPLATES = Path(__file__).with_name("templates")
#: Where a container's project lies.
IN_CONTAINER = "/srv/site"
#: The path of a Unix socket has at most 107 bytes; this leaves room for what supervisord adds.
LONGEST_SOCKET_FOLDER = 70

_engine = Engine(dirs=[str(TEMPLATES)], autoescape=False)


@dataclasses.dataclass(frozen=True)
class Choices:
    """What the person who asks for a recipe has chosen.

    Attributes:
        workers: how many workers take pages and sockets.
        shards: channels that have workers of their own.
        server: what hosts the interface server: "daphne" or "uvicorn".
        bind, port: where it listens, unless it is in a container.
        user: the system user that runs the processes.
        domain: the name of the site.
        certificate, key: nginx's TLS files; by default those that certbot makes for the domain.
        output: the folder that the files go to.
        metrics_port: where the server shows its figures; each group of workers begins a hundred
            above the one before it. A multiple of 100; 0: nobody shows any.
    """

    workers: int = 2
    shards: tuple[Shard, ...] = ()
    server: str = "daphne"
    bind: str = "127.0.0.1"
    port: int = 8000
    user: str = "site"
    domain: str = "www.example.org"
    certificate: str = ""
    key: str = ""
    output: Path = Path()
    metrics_port: int = 9400


def write(kind: str, project: Project, choices: Choices) -> dict[str, str]:
    """Return the files of a recipe: their names -> their text. `kind` is one of RECIPES."""
    return RECIPES[kind](project, choices)


def render(template: str, project: Project, choices: Choices, **values: Any) -> str:
    """Return a template of ours with the values put in."""
    context = {"project": project, "choices": choices, **values}
    # Numbers as they are: with a locale, port 8000 would read "8,000".
    text: str = _engine.get_template(template).render(
        Context(context, autoescape=False, use_l10n=False, use_tz=False)
    )
    return text


def workers_of(project: Project, choices: Choices) -> list[SitePart]:
    """Return the parts that run the project's code."""
    return plan_workers(
        choices.shards,
        workers=choices.workers,
        own_channels=project.own_channels,
        has_delay=project.has_delay,
    )


def server_of(project: Project, choices: Choices, *listen: str) -> SitePart:
    """Return the interface server, which listens as `listen` says."""
    return plan_server(("--server", choices.server, *listen), project.asgi)


def _programs(
    parts: Iterable[SitePart],
    choices: Choices,
    quote: Callable[[str], str],
    python_bin: str,
    number: str = "",
) -> list[dict[str, Any]]:
    """What templates are given of each part: its fields, and its command line.

    `number` is how two digits of a process's number are written in the command line of a group;
    without it, each process has its first port to itself, as in a container of its own.
    """
    programs = []
    base = choices.metrics_port
    for part in parts:
        shows = bool(base) and part.kind != "delay"
        flag, words = "", command_of(part, python_bin)
        if shows:
            where = f"{base // 100}{number}" if number and part.kind == "worker" else base
            flag = f" --metrics 127.0.0.1:{where}" if number else ""
            words += [] if number else ["--metrics", f"0.0.0.0:{choices.metrics_port}"]
        programs.append(
            {
                **dataclasses.asdict(part),
                "command": " ".join(map(quote, words)) + flag,
                "words": [json.dumps(word) for word in words],
                "is_server": part.kind == "server",
                "shows_metrics": shows,
                "first_port": base if number else choices.metrics_port,
                "ports": [base + n for n in range(part.processes)] if shows else [],
            }
        )
        base += 100 if shows else 0
    return programs


def command_of(part: SitePart, python_bin: str) -> list[str]:
    """Return the command line of a part; programs are looked for on the PATH if `python_bin` is
    empty."""
    folder = f"{python_bin}/" if python_bin else ""
    if part.kind == "server":
        return [f"{folder}interface-server", *part.arguments]
    return [f"{folder}python", "manage.py", *part.arguments]


def _behind_proxy(choices: Choices) -> tuple[str, ...]:
    return ("--bind", choices.bind, "--port", str(choices.port), "--proxy-headers")


def _in_container() -> tuple[str, ...]:
    # The address of the proxy in front is not known: it is the network of the containers.
    networks = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    trust = [word for network in networks for word in ("--trusted-proxy", network)]
    return ("--bind", "0.0.0.0", "--port", "8000", "--proxy-headers", *trust)


# -- supervisord ------------------------------------------------------------------------------


def quote_for_supervisord(word: str) -> str:
    """Quote a word of a command line; supervisord takes % for the begin of a name."""
    return shlex.quote(word).replace("%", "%%") if not _is_plain(word) else word


def _is_plain(word: str) -> bool:
    """Whether a word means itself without quotes; supervisord expands no globs."""
    return bool(word) and not set(word) & set(" \t'\"\\;%$#`&|<>()")


def supervisord_text(
    project: Project,
    choices: Choices,
    parts: Iterable[SitePart],
    *,
    folder: str,
    control: str,
    redis_command: str = "",
) -> str:
    """Return a configuration of supervisord that runs `parts`.

    Args:
        folder: where logs go, and supervisord's own files.
        control: the Unix socket that supervisorctl uses.
        redis_command: what starts a Redis; "" if one is there already.
    """
    bin_folder = str(project.python_bin)
    return render(
        "supervisord.conf",
        project,
        choices,
        programs=_programs(parts, choices, quote_for_supervisord, bin_folder, "%(process_num)02d"),
        folder=folder,
        control=control,
        redis_command=redis_command,
        python=quote_for_supervisord(f"{bin_folder}/python"),
        directory=str(project.directory).replace("%", "%%"),
    )


def _write_supervisord(project: Project, choices: Choices) -> dict[str, str]:
    parts = [
        server_of(project, choices, *_behind_proxy(choices)),
        *workers_of(project, choices),
    ]
    text = supervisord_text(
        project, choices, parts, folder="%(here)s", control=_control_socket(choices.output)
    )
    return {"supervisord.conf": text, "log/.gitignore": "*\n!.gitignore\n"}


def _control_socket(output: Path) -> str:
    """Where supervisorctl asks: beside the configuration, if a socket's path may be that long."""
    folder = str(output.absolute())
    if len(folder.encode()) <= LONGEST_SOCKET_FOLDER:
        return "%(here)s/supervisor.sock"
    mark = zlib.crc32(folder.encode())
    return f"{tempfile.gettempdir()}/supervisor-{mark:08x}.sock"


# -- systemd ----------------------------------------------------------------------------------


def quote_for_systemd(word: str) -> str:
    """Quote a word of ExecStart (systemd.service(5), "Command lines")."""
    word = word.replace("%", "%%").replace("$", "$$")
    if _is_plain(word.replace("%%", "").replace("$$", "")):
        return word
    return '"' + word.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _write_systemd(project: Project, choices: Choices) -> dict[str, str]:
    parts = [
        server_of(project, choices, *_behind_proxy(choices)),
        *workers_of(project, choices),
    ]
    programs = _programs(parts, choices, quote_for_systemd, str(project.python_bin), "%i")
    for program in programs:
        program["is_template"] = program["kind"] == "worker"
        at = "@" if program["is_template"] else ""
        program["file"] = f"{project.name}-{program['name']}{at}.service"
        program["running"] = program["file"].replace("@", "@*")
        count = program["processes"]
        numbers = [f"{n:02}" for n in range(count)] if program["is_template"] else [""]
        program["instances"] = [
            program["file"].replace(".service", f"{n}.service") for n in numbers
        ]
    written = {
        program["file"]: render("unit.service", project, choices, program=program)
        for program in programs
    }
    for name, template in ((f"{project.name}.target", "unit.target"), ("site.env", "site.env")):
        written[name] = render(template, project, choices, programs=programs)
    return {**written, "README.md": render("systemd.md", project, choices, programs=programs)}


# -- nginx ------------------------------------------------------------------------------------


def _write_nginx(project: Project, choices: Choices) -> dict[str, str]:
    host = f"[{choices.bind}]" if ":" in choices.bind else choices.bind
    upstream = f"{host}:{choices.port}"
    made_by_certbot = f"/etc/letsencrypt/live/{choices.domain}"
    text = render(
        "nginx.conf",
        project,
        choices,
        upstream=upstream,
        variable=project.name.replace("-", "_"),
        certificate=choices.certificate or f"{made_by_certbot}/fullchain.pem",
        key=choices.key or f"{made_by_certbot}/privkey.pem",
    )
    return {f"{project.name}.conf": text}


# -- containers -------------------------------------------------------------------------------


def _containers(project: Project, choices: Choices) -> list[dict[str, Any]]:
    parts = [server_of(project, choices, *_in_container()), *workers_of(project, choices)]
    return _programs(parts, choices, shlex.quote, "")


def _write_containers(project: Project, choices: Choices, *templates: str) -> dict[str, str]:
    """The Dockerfile, and what else is made of `templates`."""
    output, directory = choices.output.absolute(), project.directory.absolute()
    values = {
        "programs": _containers(project, choices),
        "at": IN_CONTAINER,
        # Relative, so that the files mean the same in another checkout.
        "build_context": os.path.relpath(directory, output),
        "dockerfile": os.path.relpath(output / "Dockerfile", directory),
    }
    return {
        "Dockerfile": render("Dockerfile", project, choices, **values),
        "Dockerfile.dockerignore": render("dockerignore", project, choices),
        **{name: render(name, project, choices, **values) for name in templates},
    }


def _write_docker(project: Project, choices: Choices) -> dict[str, str]:
    return _write_containers(project, choices)


def _write_compose(project: Project, choices: Choices) -> dict[str, str]:
    return _write_containers(project, choices, "compose.yaml")


def _write_kubernetes(project: Project, choices: Choices) -> dict[str, str]:
    return _write_containers(project, choices, "kubernetes.yaml")


# -- Procfile ---------------------------------------------------------------------------------


def _write_procfile(project: Project, choices: Choices) -> dict[str, str]:
    listen = ("--bind", "0.0.0.0", "--proxy-headers", "--health-path", "/-")
    parts = [server_of(project, choices, *listen), *workers_of(project, choices)]
    # Several of one kind may run on one machine, which would all want the same port.
    programs = _programs(parts, dataclasses.replace(choices, metrics_port=0), shlex.quote, "")
    return {"Procfile": render("Procfile", project, choices, programs=programs)}


# -- Prometheus -------------------------------------------------------------------------------


def _write_prometheus(project: Project, choices: Choices) -> dict[str, str]:
    parts = [server_of(project, choices), *workers_of(project, choices)]
    programs = _programs(parts, choices, shlex.quote, "", "%i")
    return {
        "prometheus.yml": render("prometheus.yml", project, choices, programs=programs),
        "rules.yml": render("rules.yml", project, choices),
        "dashboard.json": make_dashboard(project.name),
    }


#: Recipe -> what makes its files.
RECIPES: dict[str, Callable[[Project, Choices], dict[str, str]]] = {
    "supervisord": _write_supervisord,
    "systemd": _write_systemd,
    "nginx": _write_nginx,
    "docker": _write_docker,
    "compose": _write_compose,
    "procfile": _write_procfile,
    "kubernetes": _write_kubernetes,
    "prometheus": _write_prometheus,
}
