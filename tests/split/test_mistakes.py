"""What a person gets wrong at start: a message that says what, which and what to do; exit code."""

import pytest

from tests.split.conftest import LIMIT_S


@pytest.fixture
def run(make_site):
    """Run `manage.py runworker` with arguments and environment; return (exit code, output)."""

    def run(*arguments, **env):
        process = make_site(**env).start_worker(*arguments, wait=False)
        return process.wait(LIMIT_S), process.log

    return run


@pytest.fixture
def serve(make_site):
    """Run `interface-server` with arguments and environment; return (exit code, output)."""

    def serve(*arguments, asgi=None, **env):
        site = make_site(**env)
        site.asgi = asgi or site.asgi
        process = site.start_server(*arguments, wait=False)
        return process.wait(LIMIT_S), process.log

    return serve


@pytest.mark.parametrize("more", [(), ("--skip-checks",)])
@pytest.mark.parametrize(
    ("routing", "texts"),
    [
        (
            "broken_routing.unknown_consumer",
            ["route('websocket.receive'", "ws_recieve", "did you mean 'ws_receive'?"],
        ),
        ("broken_import.channel_routing", ["broken_import", "ZeroDivisionError"]),
        ("no_such_module.channel_routing", ["there is no module", "no_such_module"]),
    ],
)
def test_broken_routing_ends_a_worker_with_1_and_the_route_in_the_message(
    run, routing, texts, more
):
    code, output = run(*more, ROUTING=f"tests.split.site.{routing}")
    assert code == 1
    assert all(text in output for text in texts), output
    assert not more or "Traceback" not in output


def test_broken_routing_does_not_concern_an_interface_server(make_site):
    site = make_site(ROUTING="tests.split.site.broken_import.channel_routing")
    assert site.start_server().is_running


@pytest.mark.parametrize(
    ("arguments", "code", "text"),
    [
        (["--no-such-flag"], 2, "unrecognized arguments: --no-such-flag"),
        (["--threads", "0"], 1, "--threads must be 1 or more, got 0"),
        (["--layer", "other"], 1, "no channel layer 'other' in CHANNEL_LAYERS (it has: 'default'"),
        (["--layer", "in memory"], 1, "lives in the memory of one process"),
        (["--only-channels", "no.*"], 1, "no channel to listen on"),
    ],
)
def test_a_wrong_argument_ends_a_worker_and_is_named(run, arguments, code, text):
    found, output = run(*arguments)
    assert (found, "Traceback" in output) == (code, False)
    assert text in output


def test_a_pattern_that_matches_no_channel_is_warned_of(site):
    worker = site.start_worker("--only-channels=http.*", "--exclude-channels=thumbnial")
    assert "--exclude-channels=thumbnial matches no channel of this project" in worker.log


@pytest.mark.parametrize(
    ("arguments", "env", "code", "text"),
    [
        (["--no-such-flag"], {}, 2, "No such option"),
        ([], {"ALIAS": "other"}, 1, "no channel layer 'other' in CHANNEL_LAYERS"),
        ([], {"asgi": "tests.split.site.asgi"}, 1, "write it as my_project.asgi:channel_layer"),
        ([], {"asgi": "tests.split.nowhere:layer"}, 1, "can't import 'tests.split.nowhere'"),
    ],
)
def test_a_wrong_argument_ends_an_interface_server_and_is_named(serve, arguments, env, code, text):
    found, output = serve(*arguments, **env)
    assert (found, "Traceback" in output) == (code, False)
    assert text in output
