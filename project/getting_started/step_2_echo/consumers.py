"""Step 2: a WebSocket that says what it is told."""


def ws_message(message):
    # ASGI WebSocket packet-received and send-packet message types
    # both have a "text" key for their textual data.
    message.reply_channel.send(
        {
            "text": message.content["text"],
        }
    )
