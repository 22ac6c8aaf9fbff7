import os
import time

from django.http import HttpResponse, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.urls import path

from tests.split.site.notes import note, wait_for_sign


def index(request):
    return HttpResponse(str(os.getpid()))


def hold(request):
    wait_for_sign()
    return HttpResponse(str(os.getpid()))


def stream(request):
    """Answer without an end."""

    def parts():
        try:
            while True:
                yield b"x" * 65536
        finally:
            note("stream ended")

    return StreamingHttpResponse(parts())


def stream_failing(request):
    """Answer with a part of a response, and fail."""

    def parts():
        yield b"some"
        raise RuntimeError("the stream is broken")

    return StreamingHttpResponse(parts())


def upload(request):
    try:
        size = 0
        while part := request.read(65536):
            size += len(part)
    except UnreadablePostError:
        note("upload broke off")
        raise
    return HttpResponse(str(size))


def upload_late(request):
    """Read the body when it has long expired, at the settings of the test."""
    time.sleep(1.0)
    return HttpResponse(str(len(request.read())))


urlpatterns = [
    path("", index),
    path("hold/", hold),
    path("stream/", stream),
    path("stream-failing/", stream_failing),
    path("upload/", upload),
    path("upload-late/", upload_late),
]
