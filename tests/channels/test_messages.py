"""The shapes of messages, the close codes, and the names of reply channels."""

import pytest

from channels.layers.names import (
    REPLY_KINDS,
    is_response,
    is_socket,
    reply_channel_name,
    split_reply_channel,
)
from channels.messages import (
    FROM_SERVERS,
    SENDABLE_CODES,
    TO_SERVERS,
    CloseCode,
    HttpRequest,
    HttpResponse,
    HttpResponseBody,
    keys_of,
)


def test_each_message_of_a_server_that_waits_for_an_answer_says_where_it_goes():
    assert all("reply_channel" in keys_of(message) for message in FROM_SERVERS.values())


def test_the_keys_of_several_messages_are_those_of_each():
    assert keys_of(HttpResponse, HttpResponseBody) == {
        "status",
        "headers",
        "content",
        "more_content",
        "closed",
    }
    assert "body_channel" in keys_of(HttpRequest)


def test_the_replies_are_those_of_the_reply_channels():
    assert set(TO_SERVERS) == set(REPLY_KINDS)


@pytest.mark.parametrize("code", [1005, 1006, 1015])
def test_a_code_that_says_what_happened_is_not_sent(code):
    assert CloseCode(code) not in SENDABLE_CODES


@pytest.mark.parametrize("code", [0, 999, 1004, 1016, 2999, 5000, "1000", None])
def test_a_code_that_rfc_6455_does_not_give_to_anyone_is_not_sent(code):
    assert code not in SENDABLE_CODES


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013, 3000, 4004, 4999])
def test_what_rfc_6455_and_applications_have_is_sent(code):
    assert code in SENDABLE_CODES


@pytest.mark.parametrize("kind", REPLY_KINDS)
def test_a_reply_channel_is_taken_apart_into_what_it_was_built_of(kind):
    name = reply_channel_name(kind, "Hk3f", "2a")
    assert name == f"{kind}.Hk3f!2a"
    assert split_reply_channel(name) == (kind, "Hk3f", "2a")
    assert is_socket(name) is (kind == "websocket.send")
    assert is_response(name) is (kind == "http.response")


@pytest.mark.parametrize("name", ["jobs", "websocket.send.x", "test!x", "http.request.body?x", ""])
def test_any_other_name_is_no_reply_channel(name):
    assert split_reply_channel(name) is None
