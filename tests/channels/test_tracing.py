"""Without --traces, nothing of a message changes."""

from channels.layers.memory import MemoryChannelLayer
from channels.tracing import hooks
from channels.tracing.hooks import KEY, Tracer


def test_no_message_carries_a_context_unless_asked_for():
    assert not hooks.tracer.is_on
    layer = MemoryChannelLayer()
    layer.send("mail", {"a": 1})
    assert layer.receive(["mail"]) == ("mail", {"a": 1})


def test_tracer_that_makes_no_spans_takes_everything():
    tracer, message = Tracer(), {"text": "x"}
    tracer.carry(message, "websocket.receive")
    with tracer.process("mail", "a.b", message) as span:
        span.note("a", 1)
        span.fail(ValueError())
    assert tracer.send("mail", message) is message
    assert KEY not in message
    assert tracer.ids() == {}
