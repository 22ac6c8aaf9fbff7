
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "asgi_rabbitmq.RabbitmqChannelLayer",
        "CONFIG": {
            "url": "amqp://guest:guest@localhost:5672/%2F",
        },
        "ROUTING": "my_project.routing.channel_routing",
    },
}
