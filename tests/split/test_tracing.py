"""One trace, from a request through a group send to the frames, in a real collector's hands."""

import contextlib
import gzip
import http.server
import threading

import pytest
import requests
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from websockets.sync.client import connect

from tests.processes import wait_until

PROJECT = {
    "manage.py": "import sys; from django.core.management import execute_from_command_line\n"
    "execute_from_command_line(sys.argv)",
    "traced_settings.py": """
import os
SECRET_KEY = "test"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["channels"]
ROOT_URLCONF = "traced"
ASGI_APPLICATION = "traced.application"
CHANNEL_LAYERS = {"default": {
    "BACKEND": "channels.layers.redis.RedisChannelLayer",
    "CONFIG": {"hosts": [os.environ["REDIS_URL"]]},
    "ROUTING": "traced.channel_routing",
}}
""",
    "traced.py": """
from channels import Channel, Group
from channels.generic.websocket import WebsocketConsumer
from channels.routing import ProtocolTypeRouter, URLRouter, route
from django.http import HttpResponse
from django.urls import path


def call(request):
    Channel("job").send({"who": "world"})
    return HttpResponse("called")


def job(message):
    Group("all").send({"text": f"hello {message['who']}"})


def fail(message):
    raise ValueError("no such thing")


def ws_connect(message):
    Group("all").add(message.reply_channel)
    message.reply_channel.send({"accept": True})


class Echo(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data)


urlpatterns = [path("call/", call)]
application = ProtocolTypeRouter({"websocket": URLRouter([path("echo/", Echo.as_asgi())])})
channel_routing = [
    route("websocket.connect", ws_connect, path=r"^/all/$"),
    route("job", job),
    route("fail", fail),
]
""",
}


class Collector:
    """Takes spans over OTLP/HTTP, as an OpenTelemetry collector does."""

    def __init__(self):
        self.spans = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                outer.take(ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def take(self, request):
        for resource in request.resource_spans:
            told = {a.key: a.value.string_value for a in resource.resource.attributes}
            for scope in resource.scope_spans:
                self.spans += [(told["service.name"], span) for span in scope.spans]

    def find(self, name):
        return [span for _, span in self.spans if span.name == name]

    def family_of(self, span):
        """The names of the spans above it, the nearest first."""
        by_id = {one.span_id: one for _, one in self.spans}
        names = []
        while span := by_id.get(span.parent_span_id):
            names.append(span.name)
        return names

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def collector():
    with contextlib.closing(Collector()) as collector:
        yield collector


@pytest.fixture
def traced(make_split, redis_server, tmp_path, collector):
    for name, text in PROJECT.items():
        (tmp_path / name).write_text(text)
    split = make_split(
        tmp_path,
        settings="traced_settings",
        asgi="channels.asgi:channel_layer",
        redis_url=redis_server.url,
        env={"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"},
    )
    split.start_server("--traces")
    split.start_worker("--traces")
    return split


def test_one_trace_leads_from_a_request_through_a_group_send_to_the_frames(traced, collector):
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(connect(f"{traced.ws_url}/all/")) for _ in range(3)]
        assert requests.get(f"{traced.url}/call/", timeout=20).text == "called"
        for socket in sockets:
            assert socket.recv(timeout=20) == "hello world"

    def frames():
        wanted = [span for span in collector.find("deliver websocket.send") if _clients(span) == 3]
        return [span for span in wanted if "receive http.request" in collector.family_of(span)]

    (frame,) = wait_until(frames, what=lambda: [(s, span.name) for s, span in collector.spans])
    assert collector.family_of(frame) == [
        "send group",
        "process job",
        "send job",
        "process http.request",
        "receive http.request",
    ]
    trace = [(who, span) for who, span in collector.spans if span.trace_id == frame.trace_id]
    assert {who for who, _ in trace} == {"channels-server", "channels-worker"}
    names = {span.name for _, span in trace}
    assert {"wait job", "wait http.request", "send http.response", "deliver http.response"} <= names
    (request,) = (span for _, span in trace if span.name == "receive http.request")
    told = {a.key: a.value for a in request.attributes}
    assert told["url.path"].string_value == "/call/"
    assert told["http.response.status_code"].int_value == 200


def _clients(span):
    return next((a.value.int_value for a in span.attributes if a.key == "channels.clients"), None)


def test_names_are_few_whatever_clients_come(traced, collector):
    for _ in range(3):
        requests.get(f"{traced.url}/call/", timeout=20)
        with connect(f"{traced.ws_url}/all/"):
            pass
    wait_until(lambda: len(collector.find("process websocket.connect")) == 3)
    assert not [span.name for _, span in collector.spans if "!" in span.name or "/" in span.name]


def test_trace_of_a_caller_goes_on(traced, collector):
    caller = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    requests.get(f"{traced.url}/call/", headers={"traceparent": caller}, timeout=20)
    (span,) = wait_until(lambda: collector.find("receive http.request"))
    assert span.trace_id.hex() == "0af7651916cd43dd8448eb211c80319c"
    assert span.parent_span_id.hex() == "b7ad6b7169203331"


def test_trace_that_its_caller_left_out_is_left_out_as_a_whole(traced, collector):
    left_out = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
    for _ in range(3):
        requests.get(f"{traced.url}/call/", headers={"traceparent": left_out}, timeout=20)
    requests.get(f"{traced.url}/call/", timeout=20)  # this one is not
    # Worker and server send theirs when they like.
    wait_until(lambda: collector.find("deliver http.response") and collector.find("process job"))
    wait_until(lambda: collector.find("receive http.request"))
    assert len(collector.find("receive http.request")) == 1
    assert len(collector.find("process job")) == 1


def test_failure_of_a_consumer_is_in_its_span(traced, collector):
    traced.manage("shell", "-c", "from channels import Channel; Channel('fail').send({})")
    (span,) = wait_until(lambda: collector.find("process fail"))
    assert span.status.message == "no such thing"
    assert [event.name for event in span.events] == ["exception"]
    told = {a.key: a.value.string_value for a in span.attributes}
    assert told["code.function.name"] == "traced.fail"


def test_frames_of_a_class_consumer_are_in_the_trace_of_the_frame(traced, collector):
    with connect(f"{traced.ws_url}/echo/") as socket:
        socket.send("hello")
        assert socket.recv(timeout=20) == "hello"

    def processed():
        found = collector.find("process websocket.receive")
        return [span for span in found if collector.family_of(span)]

    (span,) = wait_until(processed, what=lambda: [span.name for _, span in collector.spans])
    assert collector.family_of(span) == ["receive websocket.receive"]
    told = {a.key: a.value.string_value for a in span.attributes}
    assert told["code.function.name"] == "traced.Echo"
    (end,) = wait_until(lambda: collector.find("process websocket.disconnect"))
    assert not end.events and not end.status.message  # an end is no failure
