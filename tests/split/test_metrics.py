"""Figures and health of real processes."""

import requests
from prometheus_client.parser import text_string_to_metric_families

from tests.processes import free_port, wait_until
from tests.split.conftest import ask, open_socket


def read(port):
    """Return what a process shows: name -> the sum over its labels."""
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    figures = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            figures[sample.name] = figures.get(sample.name, 0) + sample.value
    return figures


def health(port, which="ready"):
    answer = requests.get(f"http://127.0.0.1:{port}/-/{which}", timeout=10)
    return answer.status_code, answer.text.strip()


def test_server_and_worker_show_what_passed_through_them(site):
    server_port, worker_port = free_port(), free_port()
    server = site.start_server("--metrics", server_port)
    site.start_worker("--metrics", f"127.0.0.1:{worker_port}")
    for _ in range(3):
        assert requests.get(f"{server.url}/", timeout=20).status_code < 500
    with open_socket(server) as websocket:
        ask(websocket)
        assert read(server_port)["channels_sockets_open"] == 1
    wait_until(lambda: read(server_port).get("channels_sockets_closed_total") == 1)

    shown, worked = read(server_port), read(worker_port)
    assert shown["channels_requests_opened_total"] == 3
    assert shown["channels_request_first_byte_seconds_count"] == 3
    assert shown["channels_requests_open"] == 0
    assert shown["channels_messages_sent_total"] >= 5
    assert shown["channels_engine_round_trip_seconds_count"] > 0
    assert worked["channels_messages_received_total"] >= 5
    assert worked["channels_consumer_run_seconds_count"] >= 5
    assert 0 <= worked["channels_message_wait_seconds_sum"] < 60
    assert worked["channels_worker_threads"] == 1


def test_ready_says_what_keeps_a_server_from_its_work(site, redis_server):
    port, worker_port = free_port(), free_port()
    server = site.start_server("--metrics", port, "--need-workers", "--health-path", "/health")
    assert health(port) == (503, "no worker takes http.request")
    assert health(port, "live") == (200, "ok")
    worker = site.start_worker("--metrics", worker_port)
    wait_until(lambda: health(port) == (200, "ok"), what=lambda: health(port))
    wait_until(lambda: health(worker_port) == (200, "ok"))
    answer = requests.get(f"{server.url}/health/ready", timeout=10)
    assert (answer.status_code, answer.text) == (200, "ok\n")

    redis_server.stop()
    wait_until(lambda: health(port)[0] == 503 and "reached" in health(port)[1])
    wait_until(lambda: health(worker_port)[0] == 503 and "reached" in health(worker_port)[1])
    assert health(worker_port, "live") == (200, "ok")
    assert read(port)["channels_engine_up"] == 0
    redis_server.start()
    wait_until(lambda: health(port) == (200, "ok"), what=lambda: health(port))
    assert read(port)["channels_engine_connections_lost_total"] > 0
    worker.stop()
    wait_until(lambda: health(port) == (503, "no worker takes http.request"))


def test_refusal_is_told_with_its_reason(site, redis_server):
    port = free_port()
    server = site.start_server("--metrics", port)
    redis_server.stop()
    assert requests.get(server.url, timeout=20).status_code == 503
    text = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10).text
    assert 'channels_requests_refused_total{reason="engine away"} 1.0' in text


def test_port_of_metrics_that_is_taken_ends_the_command_with_a_reason(site):
    port = free_port()
    site.start_server("--metrics", port)
    worker = site.start_worker("--metrics", port, wait=False)
    assert worker.wait() == 1
    assert f"can't listen on {port} for --metrics" in worker.log
    assert "Traceback" not in worker.log


def test_another_host_server_shows_metrics_where_the_environment_says(site):
    port, shown = free_port(), free_port()
    uvicorn = [site.python, "-m", "uvicorn", "channels.asgi:channel_layer", "--port", port]
    address = f"CHANNELS_METRICS=127.0.0.1:{shown}"
    first = site.start_command("env", address, *uvicorn, name="uvicorn")
    first.wait_until_connectable(("127.0.0.1", port))
    site.start_worker()
    assert requests.get(f"http://127.0.0.1:{port}/", timeout=20).status_code < 500
    assert read(shown)["channels_requests_opened_total"] == 1
    assert health(shown) == (200, "ok")
    uvicorn[-1] = free_port()
    second = site.start_command("env", address, *uvicorn, name="uvicorn")
    second.wait_for_log(f"{address} has no effect in this process: can't listen")
