"""The programs in the notes of people who learned Channels 2 and later, as they wrote them down."""

import contextlib
import json

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.acceptance.channels_4.conftest import LIMIT_S, lines, running_project, write_project
from tests.processes import wait_until


def serve(site, *overlays, package, apps, application):
    """A fixture that serves a site in each of the ways."""

    @pytest.fixture(scope="module")
    def running(way, redis_url, tmp_path_factory):
        directory = write_project(
            tmp_path_factory.mktemp(site),
            site,
            *overlays,
            package=package,
            apps=apps,
            application=application,
        )
        with running_project(
            directory, way, redis_url, package=package, asgi=f"{package}.asgi:application"
        ) as project:
            project.split.manage("migrate", "--run-syncdb", "-v", "0")
            yield project

    return running


seed_000 = serve("seed_000", package="mysite", apps=["chat"], application="mysite.asgi.application")
_in_app = {"package": "app", "apps": ["MyChannels"], "application": "app.routing.application"}
seed_002 = serve("seed_002", **_in_app)
seed_002_groups = serve("seed_002", "seed_002_groups", **_in_app)
seed_002_async = serve("seed_002", "seed_002_async", **_in_app)
seed_003 = serve(
    "seed_003", package="site3", apps=["chat"], application="site3.routing.application"
)
_in_project = {
    "package": "my_project",
    "apps": ["chat"],
    "application": "my_project.routing.application",
}
seed_004 = serve("seed_004", **_in_project)
seed_004_async = serve("seed_004", "seed_004_async", **_in_project)


@pytest.fixture
def running(request, way):
    """The site that the test is marked with."""
    return request.getfixturevalue(request.node.get_closest_marker("site").args[0])


# -- 000 --------------------------------------------------------------------------------------


@pytest.mark.site("seed_000")
def test_000_what_is_said_in_public_is_heard_by_the_admin(open_socket):
    public, admin = open_socket("/chat/"), open_socket("/chat/admin/")
    public.send("hello")
    assert public.hear() == admin.hear() == "hello"


@pytest.mark.site("seed_000")
def test_000_a_shell_sends_to_a_group(running, open_socket):
    socket = open_socket("/chat/")
    socket.send("in")
    socket.hear()
    running.shell(
        lines(
            """
            from asgiref.sync import async_to_sync
            from channels.layers import get_channel_layer
            channel_layer = get_channel_layer()
            async_to_sync(channel_layer.group_send)("chat", {
                "type": "chat.message",
                "text": "Hello there!",
            })
            """
        )
    )
    assert socket.hear() == "Hello there!"


@pytest.mark.site("seed_000")
def test_000_a_shell_sends_to_the_channel_name_that_a_consumer_noted(running, open_socket):
    socket = open_socket("/noted/")
    running.shell(
        lines(
            """
            from asgiref.sync import async_to_sync
            from channels.layers import get_channel_layer
            from chat.models import Clients
            channel_layer = get_channel_layer()
            async_to_sync(channel_layer.send)(Clients.objects.get().channel_name, {
                "type": "chat.message",
                "text": "Hello there!",
            })
            """
        )
    )
    assert socket.hear() == "Hello there!"
    socket.raw.close()
    count = "from chat.models import Clients; print('count', Clients.objects.count())\n"
    wait_until(lambda: "count 0" in running.shell(count), what="the consumer's disconnect")


@pytest.mark.site("seed_000")
def test_000_a_message_sent_in_a_shell_is_received_in_it(running):
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


@pytest.mark.site("seed_000")
def test_000_a_generic_consumer_speaks_closes_and_is_in_its_groups(running, open_socket):
    socket = open_socket("/mine/", subprotocols=["subprotocol"])
    assert socket.raw.subprotocol == "subprotocol"
    running.shell(
        lines(
            """
            from asgiref.sync import async_to_sync
            from channels.layers import get_channel_layer
            async_to_sync(get_channel_layer().group_send)(
                "broadcast", {"type": "news", "text": "to all"})

            """
        )
    )
    assert socket.hear() == "to all"
    socket.send("anything")
    assert (socket.hear(), socket.hear()) == ("Hello world!", b"Hello world!")
    with pytest.raises(ConnectionClosed):
        socket.hear()


@pytest.mark.site("seed_000")
def test_000_urls_lead_to_a_long_poll_and_to_views(get):
    assert get("/longpoll/").text == "all"
    assert get("/notifications/news/").text == "news"
    assert get("/page/").text == "a page"
    assert get("/nowhere/").status_code == 404


@pytest.mark.site("seed_000")
def test_000_a_middleware_of_ones_own_finds_the_user(running, open_socket):
    running.shell(
        "from django.contrib.auth.models import User\n"
        "User.objects.get_or_create(pk=1, username='admin')\n"
    )
    assert open_socket("/query/?1").hear_json() == "admin"
    assert open_socket("/query/?999").hear_json() == "AnonymousUser"


@pytest.mark.site("seed_000")
def test_000_origins_that_are_not_listed_are_refused(open_socket):
    assert open_socket("/good/", origin="http://www.goodsite.com").hear_json() == "AnonymousUser"
    with pytest.raises(InvalidStatus) as refusal:
        open_socket("/good/", origin="http://evil.example")
    assert refusal.value.response.status_code == 403


@pytest.mark.site("seed_000")
def test_000_tasks_run_in_a_worker_for_named_channels(running, open_socket):
    worker = running.split.start_command(
        running.split.python, "manage.py", "runworker", "thumbnails-generate", "thumbnails-delete"
    )
    worker.wait_for_log("Running worker for channels")
    open_socket("/task/").send(json.dumps(123456789))
    # On the split, workers without names take these channels, too.
    wait_until(
        lambda: any("generated 123456789" in each.log for each in running.split.workers),
        what="a worker to take it",
    )
    assert worker.stop() == 0


# -- 002 --------------------------------------------------------------------------------------


@pytest.mark.site("seed_002")
def test_002_the_server_answers(open_socket):
    socket = open_socket("/ws/chat/lobby/")
    socket.send({"message": "hello"})
    assert socket.hear_json() == {"message": "from Server:hello"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.site(name))
        for name in ("seed_002_groups", "seed_002_async")
    ],
)
def test_002_members_of_a_room_hear_one_another(name, open_socket):
    one = open_socket("/ws/chat/lobby/")
    assert "加入了" in one.hear_json()["message"]
    two = open_socket("/ws/chat/lobby/")
    joined = one.hear_json()["message"]
    assert two.hear_json()["message"] == joined
    two.send({"message": "你好"})
    said = one.hear_json()["message"]
    assert said == two.hear_json()["message"]
    channel = joined.removeprefix("Server: ").removesuffix("加入了.")
    assert said == f"{channel}说: 你好"


# -- 003 --------------------------------------------------------------------------------------


@pytest.mark.site("seed_003")
@pytest.mark.parametrize("path", ["/chat/", "/chat/admin/", "/single/chat/"])
def test_003_an_instance_keeps_a_name(open_socket, path):
    socket = open_socket(path)
    assert socket.hear() == "[Welcome Anonymous!]"
    socket.send("/name Ann")
    assert socket.hear() == "[set your username to Ann]"
    socket.send("hello")
    assert socket.hear() == "Ann: hello"


@pytest.mark.site("seed_003")
def test_003_a_consumer_without_a_generic_base_answers_after_a_while(open_socket):
    socket = open_socket("/ping/")
    socket.send("ping")
    assert socket.hear() == "pong"


@pytest.mark.site("seed_003")
def test_003_a_connect_of_a_version_before_2_is_told_in_the_log(running, open_socket):
    """Since 2.0, connect() is given no message: the socket is not opened, and the log says why."""
    with pytest.raises((InvalidStatus, ConnectionClosed)):
        open_socket("/log/").hear()
    wait_until(lambda: "missing 1 required positional argument" in running.logs, what="the error")


# -- 004 --------------------------------------------------------------------------------------

both_of_004 = pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.site(name)) for name in ("seed_004", "seed_004_async")],
)


@both_of_004
def test_004_members_of_a_room_hear_one_another(name, open_socket, get):
    assert get("/chat/lobby/").text == "&quot;lobby&quot;"
    one, two = open_socket("/ws/chat/lobby/"), open_socket("/ws/chat/lobby/")
    one.send({"message": "hello"})
    assert one.hear_json() == two.hear_json() == {"message": "hello"}


@both_of_004
def test_004_a_program_sends_to_rooms_from_anywhere(name, running, open_socket):
    socket = open_socket("/ws/announced/chat/")
    socket.send({"message": "in"})
    socket.hear()
    running.shell(
        lines(
            """
            from asgiref.sync import async_to_sync
            from channels.layers import get_channel_layer
            channel_layer = get_channel_layer()
            chats, announcement_text = ["chat_chat"], "soon"
            async def tell():
                for chat_name in chats:
                    await channel_layer.group_send(
                        chat_name,
                        {"type": "chat.system_message", "text": announcement_text},
                    )

            async_to_sync(tell)()
            async_to_sync(channel_layer.group_send)("chat_chat", {"type": "chat.force_disconnect"})
            """
        )
    )
    assert socket.hear() == "soon"
    with pytest.raises(ConnectionClosed), contextlib.closing(socket.raw):
        socket.hear(LIMIT_S)
