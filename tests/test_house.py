"""The house is kept in order: one owner for each noun, and no file that is too long."""

import ast
import collections
import pathlib
import re

ROOT = pathlib.Path(__file__).parent.parent
ROOMS = ("channels", "routing", "worker", "interface_server", "deploy")

#: Each engine of `channels/layers` has its own of these: who knows one finds the way in another.
OF_ENGINES = {
    "Address",
    "Connection",
    "Entry",
    "Groups",
    "Housekeeping",
    "Search",
    "Servers",
    "Sockets",
    "Store",
}
#: Each host server of `interface_server/hosts` has its own of these.
OF_HOSTS = {"GatedSocket"}
#: Names that Channels 1.x, or 1.x and later, have taught at several import paths.
PUBLIC = {
    "AsgiHandler": {"channels/handler.py", "channels/http.py"},
    "AsgiRequest": {"channels/requests/request.py", "channels/http.py"},
    "BaseChannelLayer": {"channels/layers/base.py", "channels/layers/awaited/contract.py"},
    "ChannelLayerManager": {"channels/asgi.py", "channels/layers/awaited/manager.py"},
    "JsonWebsocketConsumer": {"channels/generic/sockets.py", "channels/generic/websocket.py"},
    "WebsocketConsumer": {"channels/generic/sockets.py", "channels/generic/websocket.py"},
    "Worker": {"worker/process.py", "channels/worker.py", "channels/delay/worker.py"},
}
#: Django finds these by this name.
OF_DJANGO = {"Command"}
#: Terms of ASGI, on the side of a host server and on that of an application.
OF_ASGI = {"Application", "Event", "Receive", "Scope", "Send"}


def find_classes():
    """The files of each class and type alias of the product, by its name; classes within others are
    left out."""
    found = collections.defaultdict(set)
    for room in ROOMS:
        for path in sorted((ROOT / room).rglob("*.py")):
            for name in classes_in(ast.parse(path.read_text("utf-8"))):
                found[name].add(path.relative_to(ROOT).as_posix())
    return found


def classes_in(tree):
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.AnnAssign) and "TypeAlias" in ast.unparse(node.annotation):
            yield node.target.id
        elif isinstance(node, ast.Assign) and isinstance(node.value, (ast.Subscript, ast.BinOp)):
            names = map(ast.unparse, node.targets)
            yield from (name for name in names if re.fullmatch("_?[A-Z]\\w*[a-z]\\w*", name))
        elif isinstance(node, ast.If):
            yield from classes_in(node)
            yield from classes_in(ast.Module(node.orelse, []))


def is_told_apart(name, files):
    """Whether several classes may have a name: the folder that each is in says which it is."""
    if name in OF_DJANGO or name in OF_ASGI or files == PUBLIC.get(name):
        return True
    families = ((OF_ENGINES, "channels/layers/"), (OF_HOSTS, "interface_server/hosts/"))
    return any(
        name in family and all(file.startswith(folder) for file in files)
        for family, folder in families
    )


def test_no_two_types_share_a_name():
    shared = {
        name: sorted(files)
        for name, files in find_classes().items()
        if len(files) > 1 and not is_told_apart(name, files)
    }
    assert shared == {}


def test_every_exception_to_that_is_needed():
    shared = {name for name, files in find_classes().items() if len(files) > 1}
    assert {*OF_ENGINES, *OF_HOSTS, *PUBLIC, *OF_DJANGO, *OF_ASGI} <= shared


def test_no_file_of_the_product_is_longer_than_can_be_taken_in_at_once():
    lengths = {
        path.relative_to(ROOT).as_posix(): len(path.read_text("utf-8").splitlines())
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
    }
    assert {file: length for file, length in lengths.items() if length > 400} == {}


def test_nobody_awaits_with_a_limit_that_can_swallow_a_cancellation():
    """`asyncio.wait_for` does, before Python 3.12; ours is `channels.layers.time_limit.within`."""
    for room in ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            if "conformance" not in path.parts:  # which are tests
                assert "asyncio.wait_for(" not in path.read_text("utf-8"), path
