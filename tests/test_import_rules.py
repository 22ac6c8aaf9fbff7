"""Who may import whom: the rooms depend on one another in one direction only."""

import ast
import pathlib

import pytest

ROOT = pathlib.Path(__file__).parent.parent
ROOMS = ("channels", "routing", "worker", "interface_server", "project", "deploy", "tests")

#: What hands on what the other rooms make, so that users import `channels.*` only.
FRONT_DOORS = (
    "channels/asgi.py",
    "channels/routing.py",
    "channels/worker.py",
    "channels/management/",
    "channels/test/processes.py",
)

#: Room -> the modules that it may import besides itself: each with all that is below it.
ALLOWED = {
    "channels": (),
    "routing": (
        "channels.channel",
        "channels.exceptions",
        "channels.startup.hints",
        "channels.layers.names",
        "channels.message",
        "channels.messages",
        "channels.utils",
    ),
    "worker": ("channels", "routing"),
    "interface_server": (
        "channels.exceptions",
        "channels.layers",
        "channels.logs",
        "channels.messages",
        "channels.metrics",
        "channels.package_checks",
        "channels.startup.hints",
        "channels.tracing",
    ),
    "project": ("channels",),
    "deploy": ("channels.recipes", "channels.supervising"),
}

#: A front door may look into each room.
FRONT_DOOR_ALLOWED = ("routing", "worker", "interface_server")


def find_imports(source, module, is_package=False):
    """Yield (line, dotted name) of all that a source imports, anywhere in it, literally named.

    For `from a import b` that is `a.b`: it may be a module.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _resolve(node, module, is_package)
            yield from ((node.lineno, f"{base}.{name.name}") for name in node.names)
        elif isinstance(node, ast.Call) and _is_import_call(node.func):
            yield from ((node.lineno, arg.value) for arg in node.args[:1] if _is_text(arg))


def _resolve(node, module, is_package):
    if not node.level:
        return node.module
    parents = module.split(".") if is_package else module.split(".")[:-1]
    parents = parents[: len(parents) - (node.level - 1)]
    return ".".join([*parents, *([node.module] if node.module else [])])


def _is_text(node):
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_import_call(function):
    name = getattr(function, "attr", getattr(function, "id", None))
    return name in ("import_module", "load_room", "__import__")


def find_violations(path, source):
    """Yield a text for each import in `source`, the file at `path`, that breaks the table."""
    room = path.split("/")[0]
    allowed = (room, *ALLOWED[room])
    if path.startswith(FRONT_DOORS):
        allowed += FRONT_DOOR_ALLOWED
    module = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    for line, name in find_imports(source, module, path.endswith("/__init__.py")):
        is_ours = name.split(".")[0] in ROOMS
        if is_ours and not any(f"{name}.".startswith(f"{one}.") for one in allowed):
            yield f"{path}:{line} imports {name}"


def sources():
    for room in ALLOWED:
        for path in sorted((ROOT / room).rglob("*.py")):
            yield path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("room", ALLOWED)
def test_the_room_imports_only_what_the_table_allows(room):
    paths = [path for path in sources() if path.startswith(f"{room}/")]
    found = [
        text for path in paths for text in find_violations(path, (ROOT / path).read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize("room", ["channels", "routing", "worker", "interface_server"])
def test_there_is_something_to_look_at_in_the_room(room):
    assert [path for path in sources() if path.startswith(f"{room}/")]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("channels/message.py", "import worker.loop"),
        ("channels/message.py", "def f():\n    from routing import Router"),
        ("channels/message.py", "load_room('worker')"),
        ("channels/asgi.py", "import tests"),
        ("routing/router.py", "from channels import handler"),
        ("routing/router.py", "import channels"),
        ("routing/router.py", "importlib.import_module('worker')"),
        ("worker/loop.py", "from interface_server.application import InterfaceServer"),
        ("interface_server/application.py", "from channels.message import Message"),
        ("interface_server/application.py", "from channels import Group"),
        ("project/chat/consumers.py", "from routing import route"),
        ("deploy/start.py", "import channels.layers"),
    ],
)
def test_an_import_against_the_table_is_found(path, source):
    assert len(list(find_violations(path, source))) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("channels/message.py", "from .channel import Channel\nimport routing_table, json"),
        ("channels/generic/__init__.py", "from . import websockets\nfrom ..message import Message"),
        ("channels/routing.py", "from routing import Router"),
        ("channels/management/commands/runworker.py", "from worker.loop import Worker"),
        ("routing/router.py", "from channels.exceptions import ChannelsError"),
        ("worker/loop.py", "import channels.message, routing"),
        ("interface_server/application.py", "from channels.layers.base import ServerLink"),
        ("project/chat/consumers.py", "from channels import Group\nfrom project import settings"),
    ],
)
def test_an_import_within_the_table_is_let_be(path, source):
    assert list(find_violations(path, source)) == []


def test_nothing_is_pickled():
    """What comes from Redis, a socket or a database is data, never code."""
    forbidden = {"pickle", "cPickle", "dill", "marshal", "shelve"}
    guilty = [
        f"{path}:{line} imports {name}"
        for room in ("channels", "routing", "worker", "interface_server")
        for path in sorted((ROOT / room).rglob("*.py"))
        for line, name in find_imports(path.read_text("utf-8"), "x")
        if name.partition(".")[0] in forbidden
    ]
    assert guilty == []


#: Inside the Redis layer: folder -> the folders that it may import, besides itself and keys.py.
#: What stands at the top puts them together.
REDIS_FOLDERS = {
    "transport": (),
    "queues": ("transport",),
    "acknowledged": ("queues", "transport"),
    "groups": ("queues", "transport"),
    "ordering": ("queues", "transport"),
    "presence": ("acknowledged", "groups", "ordering", "queues", "transport"),
    "inspection": ("acknowledged", "presence", "queues", "transport"),
}
REDIS = "channels.layers.redis"


@pytest.mark.parametrize("folder", REDIS_FOLDERS)
def test_a_folder_of_the_redis_layer_imports_only_those_before_it(folder):
    allowed = [f"{REDIS}.{each}." for each in (folder, *REDIS_FOLDERS[folder], "keys")]
    found = [
        f"{path.name}:{line} imports {name}"
        for path in sorted((ROOT / "channels/layers/redis" / folder).rglob("*.py"))
        for line, name in find_imports(_without_types(path), f"{REDIS}.{folder}.{path.stem}")
        if name.startswith(f"{REDIS}.") and not f"{name}.".startswith(tuple(allowed))
    ]
    assert found == []


def test_there_is_no_circle_between_the_folders_of_the_redis_layer():
    order = list(REDIS_FOLDERS)
    for folder, allowed in REDIS_FOLDERS.items():
        assert all(order.index(each) < order.index(folder) for each in allowed)


def _without_types(path):
    """The source without what only type checkers import."""
    tree = ast.parse(path.read_text("utf-8"))
    tree.body = [
        node
        for node in tree.body
        if not (isinstance(node, ast.If) and getattr(node.test, "id", "") == "TYPE_CHECKING")
    ]
    return ast.unparse(tree)
