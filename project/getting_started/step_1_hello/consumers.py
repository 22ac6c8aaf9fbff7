"""Step 1: a consumer that answers HTTP requests, without a view."""

from django.http import HttpResponse

from channels.handler import AsgiHandler


def http_consumer(message):
    # Make standard HTTP response - access ASGI path attribute directly.
    # As plain text: the path is the visitor's, and no browser is to run what may be in it.
    response = HttpResponse(
        "Hello world! You asked for %s" % message.content["path"], content_type="text/plain"
    )
    # Encode that response into message format (ASGI)
    for chunk in AsgiHandler.encode_response(response):
        message.reply_channel.send(chunk)
