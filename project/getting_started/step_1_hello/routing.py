"""Step 1: every request below the step's path goes to the consumer."""

from channels.routing import route

channel_routing = [
    route("http.request", "project.getting_started.step_1_hello.consumers.http_consumer"),
]
