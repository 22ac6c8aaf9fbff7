"""What a client did wrong, told to the client."""

import functools
import json


class ClientError(Exception):
    """Something that the client is told; `code` says what."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


def catch_client_error(consumer):
    """Decorate a consumer so that a ClientError goes to its socket, as {"error": code}."""

    @functools.wraps(consumer)
    def catch(message):
        try:
            consumer(message)
        except ClientError as error:
            message.reply_channel.send({"text": json.dumps({"error": error.code})})

    return catch
