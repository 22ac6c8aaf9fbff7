"""All channels."""

from blog.consumers import Counter, Demultiplexer, PostConsumer

from channels import include, route, route_class

chat_routing = [
    route("websocket.connect", "blog.consumers.ws_connect", path=r"^/(?P<room>[a-z]+)/$"),
    route("websocket.receive", "blog.consumers.ws_receive"),
    route("websocket.disconnect", "blog.consumers.ws_disconnect"),
]

channel_routing = [
    include(chat_routing, path=r"^/chat"),
    include("blog.routing.routing", path=r"^/members"),
    route_class(Demultiplexer, path=r"^/binding/"),
    route_class(PostConsumer, path=r"^/posts/(?P<slug>[^/]+)/stream/$"),
    Counter.as_route(path=r"^/count/", attrs={"step": 10}),
    route("chat-messages", "blog.consumers.msg_consumer"),
    route("http.request", "blog.consumers.http_consumer", path=r"^/raw/"),
    route("http.request", "blog.consumers.PageConsumer"),
]
