"""The site that the handler's tests ask for pages."""

import io
import os

from django.core.files.uploadhandler import TemporaryFileUploadHandler
from django.http import FileResponse, HttpResponse, JsonResponse, StreamingHttpResponse
from django.http.request import UnreadablePostError
from django.urls import path, reverse
from django.views.decorators.csrf import csrf_exempt

from channels.exceptions import RequestBodyExpired
from channels.handler import AsgiRequest

#: What streams and files have done; emptied by each test that looks.
events = []


def hello(request):
    return HttpResponse("Hello, world")


async def hello_async(request):
    return HttpResponse("Hello, loop")


def describe(request):
    return JsonResponse(
        {
            "path": request.path,
            "path_info": request.path_info,
            "reversed": reverse("describe"),
            "url": request.build_absolute_uri(),
            "get": request.GET,
            "cookies": request.COOKIES,
            "reply_channel": request.reply_channel.name,
            "meta": {k: v for k, v in request.META.items() if isinstance(v, (str, int))},
        }
    )


def set_cookies(request):
    response = HttpResponse("ok", headers={"X-Word": "gr\xfcn"})
    response.set_cookie("a", "1")
    response.set_cookie("b", "two words")
    return response


def inject(request):
    return HttpResponse("ok", headers={"X-Name": request.GET["name"]})


def fail(request):
    raise RuntimeError("the view is broken")


def later(request):
    events.append("view")
    raise AsgiRequest.ResponseLater


def large(request):
    return HttpResponse(b"x" * int(request.GET["size"]))


def stream(request):
    def parts():
        try:
            for number in range(3):
                events.append(f"made {number}")
                yield f"part {number};"
        finally:
            events.append("closed")

    return StreamingHttpResponse(parts())


def stream_async(request):
    async def parts():
        try:
            for number in range(3):
                events.append(f"made {number}")
                yield f"part {number};"
        finally:
            events.append("closed")

    return StreamingHttpResponse(parts())


def stream_failing(request):
    def parts():
        yield b"some"
        raise RuntimeError("the stream is broken")

    return StreamingHttpResponse(parts())


class NotedFile(io.BytesIO):
    def close(self):
        events.append("file closed")
        super().close()


def file(request):
    return FileResponse(NotedFile(b"y" * 600_000), filename="y.txt")


@csrf_exempt
def upload(request):
    request.upload_handlers = [TemporaryFileUploadHandler(request)]
    sizes = {}
    for name, uploaded in request.FILES.items():
        sizes[name] = os.path.getsize(uploaded.temporary_file_path())
    return JsonResponse({"post": request.POST, "files": sizes})


def upload_with_csrf_check(request):
    return HttpResponse("ok")


@csrf_exempt
def body(request):
    return HttpResponse(request.body)


@csrf_exempt
def lines(request):
    return HttpResponse(b"|".join(request))


@csrf_exempt
def tolerant(request):
    try:
        return HttpResponse(request.read())
    except UnreadablePostError as error:
        return HttpResponse(f"unreadable: {type(error.__cause__).__name__}")


@csrf_exempt
def careful(request):
    try:
        return HttpResponse(request.read())
    except RequestBodyExpired:
        return HttpResponse("send it again", status=503)


def broken_500(request):
    raise RuntimeError("even the error page is broken")


urlpatterns = [
    path("", hello),
    path("async/", hello_async),
    path("describe/", describe, name="describe"),
    path("cookies/", set_cookies),
    path("inject/", inject),
    path("fail/", fail),
    path("later/", later),
    path("large/", large),
    path("stream/", stream),
    path("stream-async/", stream_async),
    path("stream-failing/", stream_failing),
    path("file/", file),
    path("upload/", upload),
    path("upload-csrf/", upload_with_csrf_check),
    path("body/", body),
    path("lines/", lines),
    path("tolerant/", tolerant),
    path("careful/", careful),
]
