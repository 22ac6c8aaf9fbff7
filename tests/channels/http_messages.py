"""Makes `http.request` messages, and the bodies that go with them."""

from channels.message import Message

REPLY = "http.response.Server!a"
BODY = "http.request.body?x"
MULTIPART = b"multipart/form-data; boundary=edge"


def make_request(layer, path="/", method="GET", headers=(), **content):
    """Return the message that an interface server would send."""
    content = {
        "reply_channel": REPLY,
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "query_string": b"",
        "root_path": "",
        "headers": [[b"host", b"example.com"], *(list(pair) for pair in headers)],
        "body": b"",
        "client": ["192.0.2.7", 4711],
        "server": ["198.51.100.1", 80],
        **content,
    }
    return Message(content, "http.request", layer)


def make_upload(file_parts):
    """Yield a multipart body in parts: the field `title`, and a file made of `file_parts`."""
    yield (
        b'--edge\r\nContent-Disposition: form-data; name="title"\r\n\r\nA picture\r\n'
        b'--edge\r\nContent-Disposition: form-data; name="picture"; filename="p.png"\r\n'
        b"Content-Type: image/png\r\n\r\n"
    )
    yield from file_parts
    yield b"\r\n--edge--\r\n"


def send_body(layer, parts):
    """Put `parts` on the body's channel, the last one as the last."""
    parts = list(parts)
    for index, part in enumerate(parts):
        layer.send(BODY, {"content": part, "more_content": index < len(parts) - 1})


def join(replies):
    """Return (status, headers as a dict, content) of the messages of one response."""
    replies = list(replies)
    content = b"".join(reply["content"] for reply in replies)
    assert [reply["more_content"] for reply in replies] == [True] * (len(replies) - 1) + [False]
    assert all("status" not in reply for reply in replies[1:])
    return replies[0]["status"], dict(replies[0]["headers"]), content
