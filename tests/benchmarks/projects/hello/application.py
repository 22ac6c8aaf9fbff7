"""The least an ASGI application can do: what is left is the host server's own cost."""

HEADERS = [(b"content-type", b"text/plain"), (b"content-length", b"13")]
LARGE = b"x" * 1024 * 1024
LARGE_HEADERS = [(b"content-length", b"1048576")]


async def application(scope, receive, send):
    """Answer every request, echo every text frame."""
    if scope["type"] == "http":
        await answer(scope, receive, send)
    elif scope["type"] == "websocket":
        await echo(receive, send)
    else:
        await lifespan(receive, send)


async def answer(scope, receive, send):
    """Read the request's body to its end, then answer."""
    length = 0
    while True:
        event = await receive()
        length += len(event.get("body", b""))
        if not event.get("more_body"):
            break
    headers, body = HEADERS, b"Hello, world!"
    if scope["path"] == "/large/":
        headers, body = LARGE_HEADERS, LARGE
    elif scope["path"] == "/upload/":
        body = b"%d" % length
        headers = [(b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def echo(receive, send):
    """Open the socket and send each text back until it closes."""
    while True:
        event = await receive()
        if event["type"] == "websocket.connect":
            await send({"type": "websocket.accept"})
        elif event["type"] == "websocket.receive":
            await send({"type": "websocket.send", "text": event["text"]})
        else:
            return


async def lifespan(receive, send):
    """Start and stop without doing anything."""
    while True:
        event = await receive()
        await send({"type": event["type"] + ".complete"})
        if event["type"] == "lifespan.shutdown":
            return
