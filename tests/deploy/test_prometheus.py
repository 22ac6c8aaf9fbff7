"""What Prometheus and Grafana are given: real rules over real figures of real processes."""

import contextlib
import json
import re
import shutil
import subprocess
import sys

import pytest
import requests
import yaml

from channels.metrics.names import METRICS
from deploy.examples import FOLDER
from tests.conftest import give_up
from tests.deploy.projects import StartedProject
from tests.deploy.test_recipes import free_hundreds
from tests.processes import Process, free_port, wait_until

RULES = FOLDER / "prometheus" / "rules.yml"
DASHBOARD = FOLDER / "prometheus" / "dashboard.json"
#: What Prometheus shows of a metric of each kind.
SUFFIXES = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
SHOWN = {name + suffix: it for name, it in METRICS.items() for suffix in SUFFIXES[it.kind]}


def find_program(name):
    path = shutil.which(name)
    if path is None:
        give_up(f"no {name}: install prometheus")
    return path


def queries():
    """Yield (where, query) of every rule and panel."""
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            yield pytest.param(rule["expr"], id=rule["alert"])
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        for target in panel["targets"]:
            yield pytest.param(target["expr"], id=f"{panel['title']} {target['refId']}")


@pytest.mark.parametrize("query", list(queries()))
def test_query_asks_for_metrics_and_labels_that_there_are(query):
    names = set(re.findall(r"\bchannels_\w+", query))
    assert names <= set(SHOWN) or query.startswith("up{")
    known = {label for name in names for label in SHOWN[name].labels}
    known |= {"le", "job", "instance", "part"}
    used = [
        label for labels in re.findall(r"by \(([^)]*)\)", query) for label in labels.split(", ")
    ]
    used += re.findall(r"[{,](\w+)=", query)
    assert set(used) - {""} <= known


def test_every_metric_is_on_the_dashboard():
    text = DASHBOARD.read_text()
    assert [name for name in METRICS if name not in text] == []


def test_every_alert_says_what_is_and_what_to_do():
    for group in yaml.safe_load(RULES.read_text())["groups"]:
        for rule in group["rules"]:
            assert {"summary", "description"} == set(rule["annotations"]), rule["alert"]


#: Alert -> series that make it fire, and how it is to be labelled.
SYMPTOMS = {
    "ChannelsNoWorker": (
        'channels_channel_workers{channel="http.request"}',
        "0x10",
        {"channel": "http.request", "severity": "critical"},
    ),
    "ChannelsMessagesWait": (
        'channels_channel_oldest_message_seconds{channel="mail"}',
        "9x10",
        {"channel": "mail", "severity": "warning"},
    ),
    "ChannelsMessagesLost": (
        'channels_messages_lost_total{channel="mail",reason="full"}',
        "0+5x10",
        {"channel": "mail", "reason": "full", "severity": "warning"},
    ),
    "ChannelsRequestsRefused": (
        'channels_requests_refused_total{reason="channel full"}',
        "0+5x10",
        {"reason": "channel full", "severity": "warning"},
    ),
    "ChannelsDeadLetters": (
        'channels_messages_dead_lettered_total{channel="mail"}',
        "0+1x10",
        {"channel": "mail", "severity": "warning"},
    ),
}


@pytest.mark.parametrize("alert", SYMPTOMS)
def test_alert_fires_for_its_symptom_and_not_without(alert, tmp_path):
    promtool = find_program("promtool")
    series, values, labels = SYMPTOMS[alert]
    quiet = "1x10" if alert == "ChannelsNoWorker" else "0x10"

    def make_test(values, expected):
        return {
            "interval": "1m",
            "input_series": [{"series": series, "values": values}],
            "promql_expr_test": [],
            "alert_rule_test": [
                {"eval_time": "5m", "alertname": alert, "exp_alerts": expected},
            ],
        }

    rules = tmp_path / "rules.yml"
    text = yaml.safe_load(RULES.read_text())
    for group in text["groups"]:  # only the labels are compared
        for rule in group["rules"]:
            rule["annotations"] = {}
    rules.write_text(yaml.safe_dump(text))
    test = {
        "rule_files": [str(rules)],
        "evaluation_interval": "1m",
        "tests": [make_test(values, [{"exp_labels": labels}]), make_test(quiet, [])],
    }
    (tmp_path / "test.yml").write_text(yaml.safe_dump(test))
    run = subprocess.run(
        [promtool, "test", "rules", tmp_path / "test.yml"], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.fixture
def start(tmp_path):
    started = []

    def start(command, **options):
        started.append(Process(command, tmp_path / f"{len(started)}.log", **options))
        return started[-1]

    yield start
    for process in reversed(started):
        process.stop(limit_s=60)


def test_prometheus_finds_every_process_and_calls_when_the_workers_are_stopped(
    start, tmp_path, redis_server
):
    prometheus = find_program("prometheus")
    project = StartedProject(tmp_path / "mysite")
    port, figures, web = free_port(), free_hundreds(), free_port()
    options = [f"--port={port}", f"--metrics-port={figures}"]
    project.manage("channels_deploy", "supervisord", *options)
    project.manage("channels_deploy", "prometheus", f"--metrics-port={figures}")
    folder = project.directory / "deploy"
    conf = folder / "supervisord" / "supervisord.conf"
    env = {**project.env, "REDIS_URL": redis_server.url}
    supervisord = start([sys.executable, "-m", "supervisor.supervisord", "-n", "-c", conf], env=env)
    # As written, but for how long a test can wait.
    settings = folder / "prometheus" / "prometheus.yml"
    settings.write_text(settings.read_text().replace("15s", "1s"))
    rules = folder / "prometheus" / "rules.yml"
    rules.write_text(rules.read_text().replace("for: 1m", "for: 1s"))
    start(
        [
            prometheus,
            f"--config.file={settings}",
            f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address=127.0.0.1:{web}",
        ]
    )

    def ask(path):
        with contextlib.suppress(requests.ConnectionError):
            answer = requests.get(f"http://127.0.0.1:{web}/api/v1/{path}", timeout=10)
            if answer.ok:  # 503 while Prometheus starts
                return answer.json()["data"]
        return {}

    def targets():
        found = ask("targets").get("activeTargets", [])
        return {target["labels"]["instance"]: target["health"] for target in found}

    wanted = [figures, figures + 100, figures + 101, figures + 200]
    up = {f"127.0.0.1:{number}": "up" for number in wanted}
    wait_until(lambda: targets() == up, limit_s=60, what=lambda: (ask("targets"), supervisord.log))

    def alerts():
        found = ask("alerts").get("alerts", [])
        return {
            (alert["labels"]["alertname"], alert["labels"].get("channel"))
            for alert in found
            if alert["state"] == "firing"
        }

    no_worker = ("ChannelsNoWorker", "http.request")
    wait_until(lambda: no_worker not in alerts(), limit_s=60, what=alerts)
    control = [sys.executable, "-m", "supervisor.supervisorctl", "-c", conf]
    subprocess.run([*control, "stop", "worker:*"], check=True, timeout=60)
    wait_until(lambda: no_worker in alerts(), limit_s=60, what=alerts)
    subprocess.run([*control, "start", "worker:*"], check=True, timeout=60)
    wait_until(lambda: no_worker not in alerts(), limit_s=60, what=alerts)
