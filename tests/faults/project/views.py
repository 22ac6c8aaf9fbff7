"""Views of the scenarios."""

import time

from django.contrib import auth
from django.http import HttpResponse, JsonResponse, StreamingHttpResponse

from tests.faults.project.notes import note

_PIECE = b"x" * 65_536


def hello(request):
    return HttpResponse(b"hello")


def wait(request, ms):
    """Answer after some milliseconds."""
    time.sleep(ms / 1000)
    return HttpResponse(b"at last")


def stream(request, pieces, pause_ms):
    """Send pieces of 64 KiB with pauses between them."""
    return StreamingHttpResponse(_pieces(pieces, pause_ms / 1000))


def _pieces(count, pause_s):
    for _ in range(count):
        yield _PIECE
        if pause_s:
            time.sleep(pause_s)


def announce(request, length, size, is_streamed=False):
    """Announce a body of `length` bytes, and send one of `size`."""
    body = b"x" * size
    response = StreamingHttpResponse([body]) if is_streamed else HttpResponse(body)
    response["Content-Length"] = str(length)
    return response


def upload(request):
    """Count the bytes of the body without ever having all of them."""
    size = 0
    note("upload started")
    while part := request.read(65_536):
        size += len(part)
    return JsonResponse({"size": size})


def client(request):
    """Say who asks, as far as can be seen from here."""
    return JsonResponse({"address": request.META["REMOTE_ADDR"], "scheme": request.scheme})


def log_in(request, name):
    """Log in as `name`, without a password: the answer sets the cookie."""
    user, _ = auth.get_user_model().objects.get_or_create(username=name)
    auth.login(request, user, "django.contrib.auth.backends.ModelBackend")
    return HttpResponse(b"welcome")


def fail(request):
    raise RuntimeError("on purpose")
