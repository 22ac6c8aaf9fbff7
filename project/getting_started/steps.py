"""What the pages say about the steps."""

import dataclasses

from django.urls import reverse

from project.sources import SourceFile


@dataclasses.dataclass(frozen=True)
class Step:
    """One step of the series."""

    number: int
    #: What it is called in URLs.
    slug: str
    title: str
    #: What it shows.
    text: str
    #: What to try on its page.
    hint: str = ""

    @property
    def folder(self):
        return f"step_{self.number}_{self.slug}"

    @property
    def panel(self):
        """The template of what is to be tried."""
        return f"getting_started/{self.slug}.html"

    @property
    def socket_path(self):
        return f"/getting-started/{self.slug}/"

    def get_absolute_url(self):
        return reverse("getting_started:step", args=[self.slug])

    def sources(self):
        """Return its code, as SourceFiles."""
        folder = f"project/getting_started/{self.folder}"
        return [SourceFile(f"{folder}/{name}.py") for name in ("consumers", "routing")]


STEPS = [
    Step(
        1,
        "hello",
        "Hello world",
        "A consumer takes a message from http.request and sends the "
        "answer to its reply channel. Views are nothing else.",
        "The answer comes from a worker, without urls.py, middleware or a view.",
    ),
    Step(
        2,
        "echo",
        "An echo",
        "The same with a WebSocket: each frame is a message on "
        "websocket.receive, and what goes to the reply channel is a frame back.",
        "Restart the workers while this page is open: the socket stays.",
    ),
    Step(
        3,
        "groups",
        "A group chat",
        "Who connects joins a Group, and what is sent to the Group "
        "reaches everybody in it, whatever server holds their socket.",
        "Open this page in a second window, and talk.",
    ),
    Step(
        4,
        "sessions",
        "Names and rooms",
        "A consumer keeps nothing in memory, since the next "
        "frame may go to another worker: channel_session is what a socket remembers.",
        "Without a name, the consumer closes the socket.",
    ),
    Step(
        5,
        "users",
        "Django's users",
        "channel_session_user_from_http brings the user of the "
        "site's cookie to the socket. People chat with those whose name begins as theirs does; "
        "allowed_hosts_only keeps pages of other sites out.",
        "amy and admin share a letter, ben is on his own.",
    ),
    Step(
        6,
        "models",
        "Models and a background channel",
        "The socket's consumer only puts what was "
        "said onto a channel. Another consumer saves and broadcasts it, in another worker, and "
        "whoever sends to that channel is heard: a view, a cron job, a shell.",
    ),
    Step(
        7,
        "ordering",
        "In order",
        "Workers run at the same time: the second frame may overtake "
        "the first. enforce_ordering makes each wait for the one before.",
        "Each answer holds all that was said before it; if one overtook another, a number would "
        "be missing.",
    ),
]


def find_step(slug):
    """Return (the step, the one before it, the one after it), None for what is not there."""
    for index, step in enumerate(STEPS):
        if step.slug == slug:
            before = STEPS[index - 1] if index else None
            return step, before, next(iter(STEPS[index + 1 : index + 2]), None)
    return None, None, None
