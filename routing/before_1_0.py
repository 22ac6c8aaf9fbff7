"""Signs that a consumer was written for a version before Channels 1.0.

They are read in its source, which is not run; where it can't be found, nothing is said.
"""

import ast
import inspect
import textwrap
from typing import Any

from routing.consumers import unwrap_ours

#: Calls that may answer a handshake, whatever they are called on.
_ANSWERS = frozenset(("send", "asend", "close", "run", "accept", "group_send"))


def find_demultiplexer_mapping(consumer: object) -> str | None:
    """Return the `mapping` of a demultiplexer class that has no `consumers`, as text, or None."""
    if not isinstance(consumer, type) or not hasattr(consumer, "multiplexer_class"):
        return None
    mapping: Any = getattr(consumer, "mapping", None)
    has_consumers = bool(getattr(consumer, "consumers", None))
    return repr(mapping) if isinstance(mapping, dict) and mapping and not has_consumers else None


def leaves_handshake_open(consumer: object) -> bool:
    """Whether a `websocket.connect` consumer, a function, certainly doesn't answer the handshake.

    It may do so if it sends, raises, or hands its message, or the reply channel, to anybody but a
    group.
    """
    function = _parse(unwrap_ours(consumer))
    if function is None or not function.args.args:
        return False
    name = function.args.args[0].arg
    body = [node for statement in function.body for node in ast.walk(statement)]
    for node in body:
        if isinstance(node, (ast.Raise, ast.Yield, ast.YieldFrom)):
            return False
        if isinstance(node, ast.Call) and _may_answer(node, name):
            return False
    return True


def _parse(function: object) -> ast.FunctionDef | ast.AsyncFunctionDef | None:
    if not inspect.isfunction(function) or hasattr(function, "__wrapped__"):
        return None
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    except (OSError, TypeError, SyntaxError, ValueError):
        return None
    found = tree.body[0] if tree.body else None
    return found if isinstance(found, (ast.FunctionDef, ast.AsyncFunctionDef)) else None


def _may_answer(call: ast.Call, name: str) -> bool:
    called = call.func.attr if isinstance(call.func, ast.Attribute) else None
    if called in _ANSWERS:
        return True
    if called in ("add", "aadd", "discard", "adiscard"):
        return False  # of a group: that tells the socket nothing
    arguments = [*call.args, *(keyword.value for keyword in call.keywords)]
    return any(_is_handed_on(argument, name) for argument in arguments)


def _is_handed_on(argument: ast.expr, name: str) -> bool:
    """Whether it is the message itself, or its reply channel."""
    if isinstance(argument, ast.Starred):
        argument = argument.value
    if isinstance(argument, ast.Attribute) and argument.attr == "reply_channel":
        return True
    return isinstance(argument, ast.Name) and argument.id == name
