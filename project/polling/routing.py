"""The routes of the long poll. Its page, and the form to ring with, are Django's views."""

from channels.routing import route
from project.polling.consumers import forget, poll, ring

channel_routing = [
    route("http.request", poll, path=r"^/poll/$", method=r"^GET$"),
    route("http.disconnect", forget, path=r"^/poll/$"),
    route("bell", ring),
]
