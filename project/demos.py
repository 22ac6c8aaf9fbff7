"""The demos that the landing page lists. A new one adds its app, its page and a line here."""

import dataclasses
from pathlib import Path

from django.urls import reverse

from project.sources import SourceFile


@dataclasses.dataclass(frozen=True)
class Demo:
    """One card of the landing page."""

    title: str
    #: What it shows, in a sentence or two.
    summary: str
    #: The name of its page's URL.
    url_name: str
    #: Its folder in the repository.
    source: str
    #: The name of its icon in static/site/icons.svg.
    icon: str
    #: The files in its folder that its source page shows.
    files: tuple[str, ...] = ("consumers.py", "routing.py")
    #: What it is called in the URL of its source page; default: as its folder.
    name: str = ""

    @property
    def slug(self):
        """What it is called in the URL of its source page."""
        return self.name or Path(self.source).name.replace("_", "-")

    def get_absolute_url(self):
        return reverse(self.url_name)

    def get_source_url(self):
        return reverse("source", args=[self.slug])

    def sources(self):
        """Return its files, as SourceFiles."""
        return [SourceFile(f"{self.source}/{name}") for name in self.files]


#: The steps of the getting-started series, in their order: the names of their folders.
STEPS = (
    "step_1_hello",
    "step_2_echo",
    "step_3_groups",
    "step_4_sessions",
    "step_5_users",
    "step_6_models",
    "step_7_ordering",
)

CHAT = Demo(
    title="Chat",
    summary="Rooms, who is here, history, and a page that comes back by itself. "
    "Plain function consumers, Group, enforce_ordering and a background channel.",
    url_name="chat:rooms",
    source="project/chat",
    icon="chat",
    files=("consumers.py", "delivery.py", "routing.py"),
)

#: What the tutorials of Channels 1.x taught, in the order in which one reads them.
TUTORIALS = [
    Demo(
        title="Getting started",
        summary="The series step by step: an HTTP consumer, an echo, a group chat, names in "
        "channel_session, Django's users, a background channel, and messages kept in order.",
        url_name="getting_started:index",
        source="project/getting_started",
        icon="steps",
        files=tuple(f"{step}/{name}.py" for step in STEPS for name in ("consumers", "routing"))
        + ("routing.py",),
    ),
    Demo(
        title="Live blog",
        summary="Whatever saves a post (a form, the admin, a shell) makes it appear on every "
        "open page: post_save sends to a Group.",
        url_name="liveblog:posts",
        source="project/liveblog",
        icon="news",
        files=("consumers.py", "signals.py", "models.py", "routing.py"),
    ),
    Demo(
        title="Many rooms, one socket",
        summary="JSON commands (join, leave, send) go from websocket.receive to a channel of their "
        "own, where routes tell them apart. The staff's room lets only staff in.",
        url_name="multichat:rooms",
        source="project/multichat",
        icon="rooms",
        files=("consumers.py", "errors.py", "models.py", "routing.py"),
    ),
    Demo(
        title="Data binding",
        summary="A table that is edited live in every browser: WebsocketBinding on one side, the "
        "JavaScript bridge on the other, and no consumer in between.",
        url_name="databinding:values",
        source="project/databinding",
        icon="sliders",
        files=("bindings.py", "consumers.py", "models.py", "routing.py"),
    ),
    Demo(
        title="Thumbnails in the background",
        summary="An upload answers at once; a worker of another kind makes the thumbnails and "
        "tells the page how far it is.",
        url_name="thumbnails:pictures",
        source="project/thumbnails",
        icon="picture",
        files=("consumers.py", "scaling.py", "views.py", "routing.py"),
    ),
    Demo(
        title="Long polling",
        summary="A consumer of http.request that does not answer until something happens, and one "
        "of http.disconnect that forgets who has gone. Works with curl.",
        url_name="polling:bell",
        source="project/polling",
        icon="bell",
        files=("consumers.py", "models.py", "routing.py"),
    ),
]

#: What Channels 2 and later taught: class consumers, hosted by the workers of the split.
CLASS_TUTORIALS = [
    Demo(
        title="A counter that outlives its worker",
        summary="A number on self, in a worker that a button restarts. The socket stays open, "
        "and the count goes on in another worker.",
        url_name="class_consumers:counter",
        source="project/class_consumers/counter",
        icon="counter",
    ),
    Demo(
        title="The Channels 4 chat",
        summary="The tutorial's rooms, as its third part leaves them: AsyncWebsocketConsumer, "
        "group_add, group_send, and a handler for chat.message.",
        url_name="class_consumers:chat",
        source="project/class_consumers/chat",
        icon="chat",
        name="chat-4",
    ),
    Demo(
        title="Notices from a view",
        summary="A view sends to the group of a user, and each of his open pages shows it. The "
        "consumer is a plain one, with the user in its scope.",
        url_name="class_consumers:notices",
        source="project/class_consumers/notices",
        icon="speaker",
    ),
    Demo(
        title="Work on a named channel",
        summary="A SyncConsumer behind ChannelNameRouter does slow work, and tells the page's own "
        "channel how far it is.",
        url_name="class_consumers:background",
        source="project/class_consumers/background",
        icon="hourglass",
    ),
    Demo(
        title="Server-sent events",
        summary="An AsyncHttpConsumer whose response goes on for a minute, one event a second. "
        "Works with curl.",
        url_name="class_consumers:ticker",
        source="project/class_consumers/ticker",
        icon="waves",
        files=("consumers.py",),
    ),
]

#: All of them, in the order of the landing page.
DEMOS = [CHAT, *TUTORIALS, *CLASS_TUTORIALS]


def find_demo(slug):
    """Return the Demo that is called `slug`, or None."""
    return next((demo for demo in DEMOS if demo.slug == slug), None)
