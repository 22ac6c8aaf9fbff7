"""What Sentry finds of a consumer that fails."""

import sentry_sdk
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.transport import Transport

from channels.layers.memory import MemoryChannelLayer
from channels.message import Message
from worker.dispatch import report_failure


class Kept(Transport):
    """Keeps what would be sent."""

    def __init__(self):
        super().__init__()
        self.events = []

    def capture_envelope(self, envelope):
        self.events += [item.get_event() for item in envelope.items if item.get_event()]


def thumbnail(message):
    raise ValueError("no picture")


def test_sentry_finds_the_consumer_and_the_channel():
    kept = Kept()
    message = Message({"reply_channel": "http.response.a!b"}, "thumbnails", MemoryChannelLayer())
    with sentry_sdk.isolation_scope():
        sentry_sdk.init(
            "https://key@sentry.invalid/1",
            transport=kept,
            default_integrations=False,
            integrations=[LoggingIntegration()],
        )
        try:
            try:
                thumbnail(message)
            except ValueError as error:
                report_failure(message, thumbnail, error, "web-1")
        finally:
            sentry_sdk.init(default_integrations=False)
    (event,) = kept.events
    assert event["exception"]["values"][0]["type"] == "ValueError"
    assert event["extra"]["channel"] == "thumbnails"
    assert event["extra"]["consumer"] == "tests.worker.test_error_trackers.thumbnail"
    assert event["extra"]["worker_id"] == "web-1"
