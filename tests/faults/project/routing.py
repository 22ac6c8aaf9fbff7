"""Which consumer does what: background channels by name, sockets by path."""

from channels.routing import include, route, route_class
from tests.faults.project.consumers import (
    accounts,
    checked,
    errors,
    jobs,
    ordered,
    sockets,
    streams,
)

plain = [
    route("websocket.connect", sockets.accept),
    route("websocket.disconnect", sockets.leave),
]
channel_routing = [
    route(["jobs", "slow", "brief"], jobs.run_job),
    route("counted", jobs.count_job),
    route(["checked.once", "checked.owned"], checked.run_job),
    route("replying", jobs.reply_job),
    route("later", jobs.wait_until_ready),
    route("failing", jobs.fail_job),
    route("querying", jobs.query_job),
    include([route("websocket.receive", sockets.echo), *plain], path="^/echo$"),
    include([route("websocket.receive", sockets.tick), *plain], path="^/tick$"),
    include([route("websocket.receive", sockets.close_with), *plain], path="^/close$"),
    include([route("websocket.receive", sockets.send_to_jobs), *plain], path="^/jobs$"),
    include(
        [
            route("websocket.connect", sockets.accept_slowly, path=r"^/(?P<ms>\d+)$"),
            route("websocket.receive", sockets.note_frame),
            route("websocket.disconnect", sockets.leave),
        ],
        path="^/slow",
    ),
    include(
        [
            route("websocket.connect", sockets.accept),
            route("websocket.disconnect", sockets.leave_slowly, path=r"^/(?P<ms>\d+)$"),
        ],
        path="^/leave",
    ),
    include(
        [
            route("websocket.connect", sockets.join),
            route("websocket.receive", sockets.speak),
            route("websocket.disconnect", sockets.part),
        ],
        path="^/group",
    ),
    include(
        [
            route("websocket.connect", sockets.join),
            route("websocket.receive", sockets.speak),
            route("websocket.disconnect", sockets.leave),
        ],
        path="^/forgetful",
    ),
    include([route("websocket.receive", errors.fail), *plain], path="^/errors$"),
    include([route("websocket.connect", sockets.describe_client)], path="^/client$"),
    include([route_class(streams.Demultiplexer)], path="^/streams$"),
    include(
        [
            route("websocket.connect", accounts.connect),
            route("websocket.receive", accounts.receive),
            route("websocket.disconnect", accounts.disconnect),
        ],
        path="^/account$",
    ),
    include(
        [
            route("websocket.connect", sockets.join_own),
            route("websocket.disconnect", sockets.leave),
        ],
        path="^/own$",
    ),
    include(
        [
            route("websocket.connect", sockets.join_late),
            route("websocket.disconnect", sockets.leave),
        ],
        path="^/late$",
    ),
    include(
        [
            route("websocket.connect", sockets.remember),
            route("websocket.receive", sockets.recall),
            route("websocket.disconnect", sockets.forget),
        ],
        path="^/session$",
    ),
    include(
        [
            route("websocket.connect", sockets.accept_own_pages),
            route("websocket.disconnect", sockets.leave),
        ],
        path="^/own-pages$",
    ),
    include(
        [
            route("websocket.connect", ordered.connect),
            route("websocket.receive", ordered.receive),
            route("websocket.disconnect", ordered.disconnect),
        ],
        path="^/ordered$",
    ),
    include(
        [
            route("websocket.connect", checked.connect),
            route("websocket.receive", checked.receive),
            route("websocket.disconnect", checked.disconnect),
        ],
        path="^/checked$",
    ),
]
