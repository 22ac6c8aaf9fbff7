"""The chat tutorial of Channels 4, parts 1 to 4, with its own tests."""

import pytest

from tests.acceptance.channels_4.conftest import lines, running_project, write_project

WAYS_HERE = "all"


def write(directory, *overlays):
    return write_project(
        directory,
        "tutorial",
        *overlays,
        package="mysite",
        apps=["chat"],
        application="mysite.asgi.application",
    )


@pytest.fixture(scope="module", params=[(), ("tutorial_part_3",)], ids=["part_2", "part_3"])
def running(request, way, redis_url, tmp_path_factory):
    directory = write(tmp_path_factory.mktemp("tutorial"), *request.param)
    with running_project(
        directory, way, redis_url, package="mysite", asgi="mysite.asgi:application"
    ) as project:
        project.split.manage("migrate", "-v", "0")
        yield project


def test_part_1_the_pages_are_there(get):
    assert "What chat room would you like to enter?" in get("/chat/").text
    assert '"lobby"' in get("/chat/lobby/").text


def test_what_one_says_everybody_in_the_room_hears(open_socket):
    one, two = open_socket("/ws/chat/lobby/"), open_socket("/ws/chat/lobby/")
    elsewhere = open_socket("/ws/chat/attic/")
    one.send({"message": "hello"})
    assert one.hear_json() == two.hear_json() == {"message": "hello"}
    elsewhere.send({"message": "alone"})
    assert elsewhere.hear_json() == {"message": "alone"}


def test_pages_of_other_sites_are_refused(open_socket):
    with pytest.raises(Exception, match="403"):
        open_socket("/ws/chat/lobby/", origin="http://evil.example")
    open_socket("/ws/chat/lobby/", origin="http://127.0.0.1")


def test_part_2_the_layer_works_in_a_shell(running):
    said = running.shell(
        lines(
            """
            import channels.layers
            channel_layer = channels.layers.get_channel_layer()
            from asgiref.sync import async_to_sync
            async_to_sync(channel_layer.send)('test_channel', {'type': 'hello'})
            print(async_to_sync(channel_layer.receive)('test_channel'))
            """
        )
    )
    assert "{'type': 'hello'}" in said


def test_a_shell_reaches_the_room(running, open_socket):
    socket = open_socket("/ws/chat/shell/")
    socket.send({"message": "I am in"})
    socket.hear()
    running.shell(
        lines(
            """
            from asgiref.sync import async_to_sync
            from channels.layers import get_channel_layer
            async_to_sync(get_channel_layer().group_send)(
                "chat_shell", {"type": "chat.message", "message": "from a shell"})

            """
        )
    )
    assert socket.hear_json() == {"message": "from a shell"}
