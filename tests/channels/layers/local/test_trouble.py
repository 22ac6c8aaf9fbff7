"""What the local layer does when a disk, a folder or a process is not what it should be."""

import fcntl
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from channels.exceptions import ClientGone, InvalidChannelLayerError, LayerUnavailable
from channels.layers.local import LocalChannelLayer, database
from channels.layers.local.wakeups import SUFFIX
from channels.layers.operations import Delivery
from tests.conftest import give_up
from tests.processes import REPOSITORY, wait_until


@pytest.fixture
def folder(short_path: Path) -> Path:
    return short_path / "layer"


@pytest.fixture
def layer(folder: Path) -> Iterator[LocalChannelLayer]:
    layer = LocalChannelLayer(folder=folder, acknowledged={"work": {"max_deliveries": 2}})
    yield layer
    layer.close()


@pytest.fixture
def run(folder: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Start a process that runs code with a `layer` over the same folder, and then says "ready"
    and sleeps; return it once it has said so."""
    processes: list[subprocess.Popen[str]] = []

    def start(code: str) -> subprocess.Popen[str]:
        program = f"""
            import asyncio, sys, time
            from channels.layers.local import LocalChannelLayer
            layer = LocalChannelLayer(folder={str(folder)!r}, acknowledged={{"work": {{}}}})
        """
        program = textwrap.dedent(program) + textwrap.dedent(code)
        program += "\nprint('ready', flush=True)\ntime.sleep(60)\n"
        process = subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def kill(process: subprocess.Popen[str]) -> None:
    process.send_signal(signal.SIGKILL)
    process.wait()


def keep_house_until(layer: LocalChannelLayer, condition: Callable[[], Any]) -> None:
    """Keep house, as a worker does, until a condition holds."""

    def look() -> Any:
        layer.keep_house("worker", {}, ["work"])
        return condition()

    wait_until(look, limit_s=15)


# -- disks and folders ----------------------------------------------------------------------------

ON_A_DISK = """
    import subprocess
    import sys
    from channels.exceptions import LayerUnavailable
    from channels.layers.local import LocalChannelLayer
    layer = LocalChannelLayer(folder=sys.argv[1], capacity=10_000)
    try:
        for n in range(1_000):
            layer.send("work", {"body": b"x" * 10_000})
    except LayerUnavailable as error:
        print(n, error)
    subprocess.run(["mount", "-o", "remount,size=16m", sys.argv[1]])
    print("taken", layer.receive(["work"])[0])
"""


def run_on_a_disk(mount: str, folder: Path) -> str:
    """Run ON_A_DISK where `mount` has been carried out, in a name space of its own."""
    if shutil.which("unshare") is None:
        give_up("no unshare: the disk can't be made full")
    folder.mkdir()
    program = [sys.executable, "-c", textwrap.dedent(ON_A_DISK), str(folder)]
    command = ["unshare", "-Urm", "sh", "-c", f'{mount} && exec "$@"', "sh", *program]
    done = subprocess.run(command, capture_output=True, text=True, cwd=REPOSITORY, check=False)
    if "Operation not permitted" in done.stderr:
        give_up(f"no name spaces here: {done.stderr}")
    return done.stdout + done.stderr


def test_a_full_disk_says_so_and_all_goes_on_when_it_has_room_again(folder: Path) -> None:
    told = run_on_a_disk(f"mount -t tmpfs -o size=2m tmpfs {folder}", folder)
    assert f"the disk of {folder} is full" in told
    assert int(told.partition(" ")[0]) > 50
    assert "taken work" in told.splitlines()


def test_a_folder_that_is_read_only_says_so(folder: Path) -> None:
    told = run_on_a_disk(f"mount -t tmpfs -o ro tmpfs {folder}", folder)
    assert f"{folder} can't be written to" in told


def test_what_is_the_matter_is_told_once_and_that_it_is_over(
    folder: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write_text("somebody's file")
    layer = LocalChannelLayer(folder=folder)
    for _ in range(3):
        with pytest.raises(LayerUnavailable):
            layer.send("work", {})
    (told,) = caplog.messages
    assert f"{folder} can't be used" in told and "trying again" in told

    folder.unlink()
    layer.send("work", {})
    assert caplog.messages == [told]  # reading may work while writing does not
    monkeypatch.setattr("channels.layers.trouble.OVER_AFTER_S", 0.0)
    layer.send("work", {})
    layer.send("work", {})
    layer.close()
    assert caplog.messages == [told, f"the channel layer in {folder} can be used again"]


def test_memory_that_is_used_up_says_so_and_is_there_again_when_messages_are_read(
    folder: Path,
) -> None:
    layer = LocalChannelLayer(folder=folder, channel_memory=500_000, capacity=1_000)
    with pytest.raises(LayerUnavailable, match="take all of their 500000 bytes: .* channel_memory"):
        for _ in range(1_000):
            layer.send("work", {"body": b"x" * 10_000})
    while layer.receive(["work"])[0] is not None:
        pass
    layer.send("work", {"body": b"x" * 10_000})
    layer.close()


def test_a_damaged_file_says_what_to_do(layer: LocalChannelLayer, folder: Path) -> None:
    folder.mkdir()
    (folder / "messages.sqlite3").write_bytes(b"this is no database" * 100)
    with pytest.raises(LayerUnavailable, match="is damaged .*: stop all processes .* delete it"):
        layer.send("work", {})


def test_another_version_of_the_tables_is_refused(layer: LocalChannelLayer, folder: Path) -> None:
    folder.mkdir()
    with sqlite3.connect(folder / "messages.sqlite3") as sql:
        sql.execute("PRAGMA user_version = 99")
    sql.close()
    with pytest.raises(InvalidChannelLayerError, match="holds version 99 .*: stop the processes"):
        layer.send("work", {})


def test_a_folder_that_was_deleted_is_made_again(layer: LocalChannelLayer, folder: Path) -> None:
    layer.send("work", {"n": 1})
    shutil.rmtree(folder)
    layer.send("work", {"n": 2})
    assert layer.receive(["work"]) == ("work", {"n": 2})


@pytest.mark.parametrize("prefix", ["", "a/b", "..//x", 3, "x" * 41])
def test_a_prefix_that_is_no_part_of_a_name_is_refused(prefix: Any) -> None:
    with pytest.raises(ValueError, match="prefix must be"):
        LocalChannelLayer(prefix=prefix)


def test_a_folder_whose_path_is_too_long_for_sockets_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="folder must have a path of at most 71 bytes"):
        LocalChannelLayer(folder=tmp_path / ("x" * 100))


@pytest.mark.parametrize("name", ["channel_memory", "group_memory"])
@pytest.mark.parametrize("value", [0, -1, "100"])
def test_memory_that_is_no_number_of_bytes_is_refused(name: str, value: Any) -> None:
    with pytest.raises(ValueError, match=f"{name} must be a number of bytes"):
        LocalChannelLayer(**{name: value})


# -- processes ------------------------------------------------------------------------------------


def test_a_process_that_is_stopped_in_a_transaction_is_named(
    layer: LocalChannelLayer, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    layer.send("work", {})
    monkeypatch.setattr(database, "LOCK_LIMIT_S", 0.1)
    lock = os.open(folder / "lock", os.O_RDWR)
    fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(LayerUnavailable, match="another process has held .*lock for 0.1 s") as told:
        layer.send("work", {})
    assert not told.value.was_sent
    os.close(lock)
    layer.send("work", {})


def test_a_process_killed_in_a_transaction_locks_nobody_out_and_leaves_nothing_half_done(
    layer: LocalChannelLayer, run: Callable[..., subprocess.Popen[str]]
) -> None:
    process = run(
        """
        transaction = layer.database.transaction()
        sql = transaction.__enter__()
        sql.execute("INSERT INTO marks VALUES ('half done', 1)")
        """
    )
    kill(process)
    layer.send("work", {"n": 1})
    assert layer.receive(["work"]) == ("work", {"n": 1})
    found = layer.run(lambda store: store.sql.execute("SELECT * FROM marks").fetchall())
    assert found == []


def test_an_acknowledged_message_of_a_dead_worker_goes_to_another_one(
    layer: LocalChannelLayer, run: Callable[..., subprocess.Popen[str]]
) -> None:
    layer.send("work", {"n": 1})
    process = run("reader = layer.open_reader(['work'])\nassert reader.take()[1] is not None")
    reader = layer.open_reader(["work"])
    keep_house_until(layer, lambda: True)
    assert reader.take() == ([], None)
    kill(process)
    taken: list[Delivery] = []

    def take() -> list[Delivery]:
        taken.extend(filter(None, [reader.take()[1]]))
        return taken

    keep_house_until(layer, take)
    assert taken[0].content == {"n": 1}
    reader.close()


def test_an_acknowledged_message_whose_workers_die_again_and_again_is_given_up(
    layer: LocalChannelLayer, run: Callable[..., subprocess.Popen[str]]
) -> None:
    layer.send("work", {"n": 1})
    for _ in range(2):
        process = run("reader = layer.open_reader(['work'])\nassert reader.take(block_s=20)[1]")
        kill(process)
        keep_house_until(layer, lambda: not layer.status()["channels"][0]["owned"])
    assert layer.receive(["work"]) == (None, None)
    assert layer.dead_letters("work")[0]["reason"] == "its workers died 2 times"


def test_a_dead_server_leaves_its_groups_and_its_disconnects_are_made_up_for(
    layer: LocalChannelLayer, folder: Path, run: Callable[..., subprocess.Popen[str]]
) -> None:
    process = run(
        """
        async def serve():
            link = layer.open_link("server", print, print)
            await link.start()
            for client in "ab":
                await link.open_socket(client, {"path": "/chat"})
                layer.group_add("group", link.reply_channel("websocket.send", client))
            print("ready", flush=True)
            await asyncio.sleep(60)
        asyncio.run(serve())
        """
    )
    assert len(layer.group_channels("group")) == 2
    kill(process)
    messages: list[Any] = []

    def take() -> bool:
        messages.extend(filter(None, [layer.receive(["websocket.disconnect"])[1]]))
        return len(messages) == 2

    keep_house_until(layer, take)
    assert [message["reply_channel"][-1] for message in messages] == ["a", "b"]
    assert messages[0] == {
        "reply_channel": "websocket.send.server!a",
        "code": 1006,
        "path": "/chat",
        "order": 1,
    }
    assert layer.group_channels("group") == []
    assert layer.status()["servers"] == []
    with pytest.raises(ClientGone):
        layer.send("websocket.send.server!a", {})
    assert len([*folder.glob(f"*{SUFFIX}")]) <= 2  # this process' own


def test_the_channels_of_a_dead_process_leave_their_groups(
    layer: LocalChannelLayer, run: Callable[..., subprocess.Popen[str]]
) -> None:
    process = run(
        """
        link = layer.open_process_link("specific.one!", print, print)
        asyncio.run(link.enter())
        layer.group_add("group", "specific.one!a")
        """
    )
    assert layer.group_channels("group") == ["specific.one!a"]
    kill(process)
    keep_house_until(layer, lambda: layer.group_channels("group") == [])


def test_a_reader_that_sleeps_is_not_missed_when_another_one_was_killed_in_its_sleep(
    layer: LocalChannelLayer, run: Callable[..., subprocess.Popen[str]]
) -> None:
    process = run(
        """
        import threading
        reader = layer.open_reader(["work"])
        threading.Thread(target=lambda: reader.take(block_s=60), daemon=True).start()
        while not layer.run(lambda s: s.sql.execute("SELECT * FROM waiting").fetchall()):
            time.sleep(0.01)
        """
    )
    kill(process)
    reader = layer.open_reader(["work"])
    layer.send("work", {"n": 1})
    assert reader.take(block_s=10)[1] is not None
    reader.close()


def test_nothing_is_left_of_a_layer_that_was_closed(layer: LocalChannelLayer, folder: Path) -> None:
    reader = layer.open_reader(["work"])
    reader.take(block_s=0.01)
    reader.close()
    layer.close()
    assert sorted(path.name for path in folder.iterdir()) == ["lock", "messages.sqlite3"]


def test_a_child_process_uses_connections_of_its_own(layer: LocalChannelLayer) -> None:
    layer.send("work", {"n": 1})
    child = os.fork()
    if not child:
        is_right = layer.receive(["work"]) == ("work", {"n": 1})
        layer.send("answer", {"is_right": is_right})
        os._exit(0)
    os.waitpid(child, 0)
    assert layer.receive(["answer"]) == ("answer", {"is_right": True})
