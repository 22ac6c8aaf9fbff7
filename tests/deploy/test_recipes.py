"""Each recipe, for a project that startproject has just made, does what it is for."""

import asyncio
import configparser
import contextlib
import http.client
import importlib.resources
import json
import os
import random
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys

import pytest
import requests
import yaml
from websockets.asyncio.client import connect as async_connect
from websockets.sync.client import connect

from tests.conftest import give_up
from tests.deploy.projects import StartedProject
from tests.processes import (
    Nginx,
    Process,
    can_connect,
    find_nginx,
    free_port,
    make_certificate,
    wait_until,
)

SHARD = "--shard=thumbs:2x8=thumbnails"


@pytest.fixture
def project(tmp_path):
    return StartedProject(tmp_path / "mysite")


@pytest.fixture
def start(project, tmp_path):
    """Start a command in the project's folder; all that was started ends with the test."""
    started = []

    def start(*command, cwd=project.directory, **env):
        log = tmp_path / f"{len(started)}.log"
        env = {**project.env, **env}
        started.append(Process(command, log, cwd=cwd, env=env))
        return started[-1]

    yield start
    for process in reversed(started):
        process.stop(limit_s=60)


def free_hundreds(count=4):
    """Return a multiple of 100 from which on the first ports of so many hundreds are free."""
    starts = list(range(10_000, 20_000, 100 * count))
    random.shuffle(starts)
    return next(
        start
        for start in starts
        if not any(
            can_connect(("127.0.0.1", start + 100 * n + m)) for n in range(count) for m in (0, 1)
        )
    )


def get(url):
    """The status of a page, or 0 while nothing answers."""
    with contextlib.suppress(requests.ConnectionError):
        return requests.get(url, timeout=10).status_code
    return 0


def test_supervisord_runs_the_recipe(project, start, redis_server):
    port = free_port()
    figures = free_hundreds()
    project.manage(
        "channels_deploy", "supervisord", SHARD, f"--port={port}", f"--metrics-port={figures}"
    )
    conf = project.directory / "deploy" / "supervisord" / "supervisord.conf"
    supervisord = start(
        sys.executable,
        "-m",
        "supervisor.supervisord",
        "-n",
        "-c",
        conf,
        cwd="/",
        REDIS_URL=redis_server.url,
    )
    wait_until(lambda: get(f"http://127.0.0.1:{port}/") == 200, what=lambda: supervisord)

    status = json.loads(
        project.manage("channels_status", "--json", REDIS_URL=redis_server.url).stdout
    )
    assert len(status["workers"]) == 2 + 2 + 1
    assert {worker["restarted_by"] for worker in status["workers"]} == {"supervisord"}
    ports = [figures, *(figures + 100 * group + n for group in (1, 2) for n in (0, 1))]
    for where in (*ports, figures + 300):
        wait_until(lambda where=where: get(f"http://127.0.0.1:{where}/-/ready") == 200)
    taken = sorted(str(worker["channels"]) for worker in status["workers"])
    assert taken[-3:] == ["['mail']", "['thumbnails']", "['thumbnails']"]
    with connect(f"ws://127.0.0.1:{port}/") as websocket:
        control = [sys.executable, "-m", "supervisor.supervisorctl", "-c", conf]
        subprocess.run([*control, "restart", "worker:*"], check=True, timeout=60)
        websocket.send("still here")
        assert websocket.recv(timeout=20) == "still here"


def test_nginx_of_the_recipe_speaks_tls_and_hands_on_pages_and_sockets(
    project, start, redis_server, tmp_path
):
    if find_nginx() is None:
        give_up("no nginx: install it")
    port = free_port()
    project.manage("collectstatic", "--noinput")
    project.manage("channels_deploy", "nginx", "--output", tmp_path)
    certificate, key = make_certificate(tmp_path)
    folder = tmp_path / "nginx"
    folder.mkdir()
    text = (tmp_path / "mysite.conf").read_text()
    start(
        sys.executable,
        "manage.py",
        "channels_up",
        f"--port={port}",
        REDIS_URL=redis_server.url,
    ).wait_for_log("Open http")
    nginx = Nginx(folder, f"127.0.0.1:{port}", text=text, certificate=certificate, key=key)
    try:
        trust = ssl.create_default_context(cafile=certificate)
        names = {"Host": "www.example.org"}
        plain = requests.get(
            f"http://127.0.0.1:{nginx.plain_port}/x", headers=names, allow_redirects=False
        )
        assert plain.headers["Location"] == "https://www.example.org/x"
        for path, expected in (("/", 200), ("/static/admin/css/base.css", 200), ("/-/live", 404)):
            assert get_over_tls(nginx.port, path, trust) == expected
        assert asyncio.run(echo_over_tls(nginx.port, "over TLS", trust)) == "over TLS"
    finally:
        nginx.stop()


async def echo_over_tls(port, text, trust):
    """What a socket of www.example.org answers, whose certificate is checked.

    Not with the client that has a thread: two threads on one TLS connection get stuck at times.
    """
    address = {"host": "127.0.0.1", "port": port, "ssl": trust}
    async with async_connect("wss://www.example.org/", **address) as websocket:
        await websocket.send(text)
        return await asyncio.wait_for(websocket.recv(), 20)


def get_over_tls(port, path, trust):
    """The status of a page of www.example.org, whose certificate is checked."""
    connection = http.client.HTTPSConnection("www.example.org", port, context=trust)
    raw = socket.create_connection(("127.0.0.1", port), 10)
    connection.sock = trust.wrap_socket(raw, server_hostname="www.example.org")
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status


def test_systemd_finds_nothing_wrong_with_the_units_and_their_exposure_is_ok(project):
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        give_up("no systemd-analyze: install systemd")
    project.manage("channels_deploy", "systemd", SHARD, "--user=daemon")
    folder = project.directory / "deploy" / "systemd"
    units = sorted(folder.glob("mysite*"))
    assert len(units) == 5
    env = {**os.environ, "SYSTEMD_UNIT_PATH": f"{folder}:"}
    verify = subprocess.run(
        [analyze, "verify", "--man=no", "--generators=no", *map(str, units)],
        capture_output=True,
        text=True,
        env=env,
        timeout=60,
    )
    told = [line for line in verify.stderr.splitlines() if "mysite" in line]
    assert (verify.returncode, told) == (0, [])
    for unit in folder.glob("*.service"):
        security = subprocess.run(
            [analyze, "security", "--offline=true", "--no-pager", "--threshold=30", str(unit)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        level = re.search(r"exposure level for .*: (\S+)", security.stdout)
        assert security.returncode == 0 and float(level[1]) <= 3.0, security.stdout


def check_against(schema, value):
    import jsonschema

    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(value)] == []


def test_compose_file_is_as_the_compose_specification_says(project):
    project.manage("channels_deploy", "compose", SHARD)
    folder = project.directory / "deploy" / "compose"
    composed = yaml.safe_load((folder / "compose.yaml").read_text())
    schemas = importlib.resources.files("check_jsonschema.builtin_schemas.vendor")
    check_against(json.loads((schemas / "compose-spec.json").read_text()), composed)
    assert {"interface", "worker", "thumbs", "background", "redis", "migrate"} == {
        *composed["services"]
    }
    assert composed["services"]["thumbs"]["deploy"]["replicas"] == 2
    build = composed["services"]["worker"]["build"]
    context = (folder / build["context"]).resolve()
    assert context == project.directory.resolve()
    assert (context / build["dockerfile"]).samefile(folder / "Dockerfile")


def test_schema_finds_a_mistake_in_a_compose_file():
    schemas = importlib.resources.files("check_jsonschema.builtin_schemas.vendor")
    schema = json.loads((schemas / "compose-spec.json").read_text())
    with pytest.raises(AssertionError, match="imaeg"):
        check_against(schema, {"services": {"redis": {"imaeg": "redis"}}})


def test_kubernetes_manifests_are_as_its_schemas_say(project):
    import kubernetes_validate

    project.manage("channels_deploy", "kubernetes", SHARD, "--domain=a.example.org")
    text = (project.directory / "deploy" / "kubernetes" / "kubernetes.yaml").read_text()
    manifests = list(yaml.safe_load_all(text))
    for manifest in manifests:
        kubernetes_validate.validate(manifest, "1.29", strict=True)
    kinds = [manifest["kind"] for manifest in manifests]
    assert kinds.count("Deployment") == 4
    ingress = manifests[kinds.index("Ingress")]
    assert ingress["spec"]["rules"][0]["host"] == "a.example.org"


def test_dockerfile_copies_runs_and_starts_what_is_there(project):
    (project.directory / "requirements.txt").write_text("channels-classic\n")
    project.manage("channels_deploy", "docker")
    text = (project.directory / "deploy" / "docker" / "Dockerfile").read_text()
    steps = [line.split(" ", 1) for line in text.splitlines() if line and line[0] != "#"]
    order = "FROM WORKDIR RUN COPY RUN COPY USER ENV STOPSIGNAL EXPOSE CMD"
    assert " ".join(name for name, _ in steps) == order
    for name, rest in steps:
        if name == "COPY":
            assert (project.directory / rest.split()[0]).exists()
    assert json.loads(dict(steps)["CMD"])[0] == "interface-server"


def test_procfile_brings_up_the_split(project, start, redis_server):
    port = free_port()
    project.manage("channels_deploy", "procfile")
    text = (project.directory / "deploy" / "procfile" / "Procfile").read_text()
    lines = dict(line.split(": ", 1) for line in text.splitlines())
    assert set(lines) == {"web", "worker", "background", "release"}
    path = f"{os.path.dirname(sys.executable)}:{os.environ['PATH']}"
    env = {
        "PATH": path,
        "PORT": str(port),
        "REDIS_URL": redis_server.url,
        "DJANGO_SETTINGS_MODULE": "mysite.settings",
    }
    for command in lines.values():
        start("/bin/sh", "-c", f"exec {command}", **env)
    wait_until(lambda: get(f"http://127.0.0.1:{port}/") == 200)


def test_files_that_are_there_are_written_over_only_if_asked_for(project):
    project.manage("channels_deploy", "procfile")
    again = project.manage("channels_deploy", "procfile", check=False)
    assert again.returncode == 1 and "--force" in again.stderr
    project.manage("channels_deploy", "procfile", "--force")


def test_paths_with_odd_characters_come_through_to_supervisord(tmp_path, redis_server):
    odd = StartedProject(tmp_path / "50% of 'it'")
    odd.manage("channels_deploy", "supervisord", "--output", tmp_path)
    parser = configparser.RawConfigParser()
    parser.read(tmp_path / "supervisord.conf")
    assert parser["program:worker"]["directory"].replace("%%", "%") == str(odd.directory)


# -- channels_up ------------------------------------------------------------------------------


def test_channels_up_brings_up_a_new_project_with_a_redis_of_its_own_and_ends_all(project, start):
    import psutil

    port = free_port()
    up = start(sys.executable, "manage.py", "channels_up", SHARD, f"--port={port}")
    up.wait_for_log("Open http")
    assert get(f"http://127.0.0.1:{port}/") == 200
    family = psutil.Process(up.pid).children(recursive=True)
    commands = [" ".join(child.cmdline()) for child in family]
    parts = ("redis-server", "interface-server", "only-channels=http", "=thumbnails --threads=8")
    assert [sum(part in command for command in commands) for part in parts] == [1, 1, 2, 2]
    with connect(f"ws://127.0.0.1:{port}/") as websocket:
        websocket.send("hello")
        assert websocket.recv(timeout=20) == "hello"

    up.send_signal(signal.SIGINT)
    assert up.wait(60) == 0
    wait_until(lambda: not any(child.is_running() for child in family), what=lambda: family)


def test_channels_up_starts_a_redis_where_the_settings_say_one_should_be(tmp_path, start):
    port, redis_port = free_port(), free_port()
    fixed = StartedProject(tmp_path / "fixed")
    settings = fixed.directory / "mysite" / "settings.py"
    settings.write_text(
        re.sub(
            r'\[os.environ.get\("REDIS_URL".*\]',
            f"[('localhost', {redis_port})]",
            settings.read_text(),
        )
    )
    up = start(sys.executable, fixed.directory / "manage.py", "channels_up", f"--port={port}")
    up.wait_for_log("Open http")
    assert f"redis://localhost:{redis_port}/0 (started here)" in up.log


def test_channels_up_starts_no_server_for_the_local_layer(tmp_path, short_path, start):
    layer = {
        "BACKEND": "channels.layers.local.LocalChannelLayer",
        "CONFIG": {"folder": str(short_path / "layer")},
        "ROUTING": [],
    }
    lines = f'INSTALLED_APPS.append("channels")\nCHANNEL_LAYERS = {{"default": {layer!r}}}'
    local, port = StartedProject(tmp_path / "local", layer=f"\n{lines}\n"), free_port()
    up = start(sys.executable, local.directory / "manage.py", "channels_up", f"--port={port}")
    up.wait_for_log("Open http")
    assert "for which nothing is started here" in up.log
    assert get(f"http://127.0.0.1:{port}/") == 200


@pytest.mark.parametrize(
    ("layer", "told"),
    [
        ('INSTALLED_APPS.append("channels")', "CHANNEL_LAYERS has no 'default'"),
        (
            'INSTALLED_APPS.append("channels")\nCHANNEL_LAYERS = {"default": {"BACKEND": '
            '"asgiref.inmemory.ChannelLayer", "ROUTING": []}}',
            "works within one process",
        ),
        (
            'INSTALLED_APPS.append("channels")\nCHANNEL_LAYERS = {"default": {"BACKEND": '
            '"asgi_redis.RedisChannelLayer", "ROUTING": [], '
            '"CONFIG": {"hosts": ["redis://:secret@127.0.0.1:1/0"]}}}',
            "no Redis answers at CHANNEL_LAYERS=redis://127.0.0.1:1/0",
        ),
    ],
)
def test_channels_up_says_what_the_settings_lack(tmp_path, layer, told):
    lacking = StartedProject(tmp_path / "mysite", layer=f"\n{layer}\n")
    run = lacking.manage("channels_up", check=False)
    assert run.returncode == 1
    assert told in run.stderr and "secret" not in run.stderr


def test_check_of_a_new_project_names_each_shortcoming(project, redis_server):
    run = project.manage("channels_up", "--check", check=False, REDIS_URL=redis_server.url)
    assert run.returncode == 1
    for what in ("DEBUG is on", "SECRET_KEY", "Redis has no maxmemory", "no worker runs"):
        assert what in run.stdout


def test_check_finds_nothing_where_all_is_well(project, start, redis_server):
    with redis_server.client() as client:
        client.config_set("maxmemory", "100mb")
    settings = project.directory / "mysite" / "settings.py"
    settings.write_text(f"{settings.read_text()}\nDEBUG = False\nSECRET_KEY = {'k3' * 30!r}\n")
    env = {"REDIS_URL": redis_server.url}
    try:
        command = [sys.executable, "manage.py", "channels_up", f"--port={free_port()}"]
        command.append(f"--metrics-port={free_hundreds()}")
        start(*command, **env).wait_for_log("Open http")
        run = wait_until(
            lambda: (
                (done := project.manage("channels_up", "--check", check=False, **env)).stdout
                and "no " not in done.stdout
                and done
                or None
            )
        )
        assert run.returncode == 0, run.stdout
    finally:
        with redis_server.client() as client:
            client.config_set("maxmemory", "0")
