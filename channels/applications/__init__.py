"""What stands between a host server and a consumer: routers and middleware as ASGI applications."""
