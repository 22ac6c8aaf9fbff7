"""What a client is told when the consumer that should have answered it failed."""

from channels.layers import operations as ops

SERVER_ERROR = {
    "status": 500,
    "headers": [[b"content-type", b"text/plain; charset=utf-8"]],
    "content": b"Internal Server Error",
    "more_content": False,
}

#: Channel -> the answer that ends the client's wait.
_ANSWERS = {"http.request": SERVER_ERROR, "websocket.connect": {"close": True}}


def answer_for(layer, message, operations):
    """Return the operations that answer for a consumer that failed and sent its client nothing."""
    answer = _ANSWERS.get(message.channel.name)
    if answer is None or message.reply_channel is None:
        return []
    name = message.reply_channel.name
    if any(type(operation) is ops.Send and operation.channel == name for operation in operations):
        return []
    return [layer.prepare_send(name, answer)]
