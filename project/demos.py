"""The demos that the landing page lists. A new one adds its app, its page and a line here."""

import dataclasses


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
    #: One character that stands for it.
    icon: str


DEMOS = [
    Demo(
        title="Chat",
        summary="Rooms, who is here, history, and a page that comes back by itself. "
        "Plain function consumers, Group, enforce_ordering and a background channel.",
        url_name="chat:rooms",
        source="project/chat",
        icon="💬",
    ),
]
