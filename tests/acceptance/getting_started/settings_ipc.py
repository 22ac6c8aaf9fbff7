
CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "asgi_ipc.IPCChannelLayer",
        "CONFIG": {
            "prefix": "mysite",
        },
        "ROUTING": "my_project.routing.channel_routing",
    },
}
