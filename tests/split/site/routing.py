from channels.routing import route

channel_routing = [
    route("http.request", "tests.split.site.consumers.http_parts", path=r"^/parts/(?P<mib>\d+)/$"),
    route("http.request", "tests.split.site.consumers.http_request"),
    route("websocket.connect", "tests.split.site.consumers.ws_begin_in_order", path="/in-order/"),
    route("websocket.receive", "tests.split.site.consumers.ws_repeat", path="/in-order/"),
    route("websocket.disconnect", "tests.split.site.consumers.ws_end_in_order", path="/in-order/"),
    route("websocket.connect", "tests.split.site.consumers.ws_connect"),
    route("websocket.receive", "tests.split.site.consumers.ws_receive"),
    route("websocket.disconnect", "tests.split.site.consumers.ws_disconnect"),
    route("work", "tests.split.site.consumers.work"),
]

#: Django's own views, as a project has them that names no consumer for http.request.
views_only = []
