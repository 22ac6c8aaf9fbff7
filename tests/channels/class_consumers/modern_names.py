"""The public names of channels 4.3.2: what its modules define, and the members of its classes."""

#: Module -> names.
NAMES = {
    "channels": "DEFAULT_CHANNEL_LAYER __version__",
    "channels.apps": "ChannelsConfig",
    "channels.auth": "AuthMiddleware AuthMiddlewareStack UserLazyObject get_user login logout",
    "channels.consumer": "AsyncConsumer DEFAULT_CHANNEL_LAYER SyncConsumer get_handler_name",
    "channels.db": "DatabaseSyncToAsync aclose_old_connections database_sync_to_async",
    "channels.exceptions": """
        AcceptConnection ChannelFull DenyConnection InvalidChannelLayerError MessageTooLarge
        RequestAborted RequestTimeout StopConsumer
    """,
    "channels.generic.http": "AsyncHttpConsumer",
    "channels.generic.websocket": """
        AsyncJsonWebsocketConsumer AsyncWebsocketConsumer JsonWebsocketConsumer
        WebsocketConsumer
    """,
    "channels.layers": """
        BaseChannelLayer ChannelLayerManager DEFAULT_CHANNEL_LAYER InMemoryChannelLayer
        channel_layers get_channel_layer
    """,
    "channels.management.commands.runworker": "Command DEFAULT_CHANNEL_LAYER",
    "channels.middleware": "BaseMiddleware",
    "channels.routing": "ChannelNameRouter ProtocolTypeRouter URLRouter get_default_application",
    "channels.security.websocket": "AllowedHostsOriginValidator OriginValidator WebsocketDenier",
    "channels.sessions": """
        CookieMiddleware InstanceSessionWrapper SessionMiddleware SessionMiddlewareStack
    """,
    "channels.testing": """
        ApplicationCommunicator ChannelsLiveServerTestCase HttpCommunicator
        WebsocketCommunicator
    """,
    "channels.testing.application": "ApplicationCommunicator no_op",
    "channels.testing.http": "HttpCommunicator",
    "channels.testing.live": """
        ChannelsLiveServerTestCase TEST_DATABASE_PREFIX make_application
        set_database_connection
    """,
    "channels.testing.websocket": "WebsocketCommunicator",
    "channels.utils": "await_many_dispatch name_that_thing",
    "channels.worker": "Worker",
}

#: Class or function -> its public attributes and methods.
MEMBERS = {
    "channels.apps.ChannelsConfig": "name verbose_name",
    "channels.auth.AuthMiddleware": "populate_scope resolve_scope",
    "channels.consumer.AsyncConsumer": "as_asgi channel_layer_alias dispatch send",
    "channels.consumer.SyncConsumer": "dispatch send",
    "channels.db.DatabaseSyncToAsync": "thread_handler",
    "channels.db.database_sync_to_async": "thread_handler",
    "channels.generic.http.AsyncHttpConsumer": """
        disconnect handle http_disconnect http_request send_body send_headers send_response
    """,
    "channels.generic.websocket.AsyncJsonWebsocketConsumer": """
        decode_json encode_json receive receive_json send_json
    """,
    "channels.generic.websocket.AsyncWebsocketConsumer": """
        accept close connect disconnect groups receive send websocket_connect
        websocket_disconnect websocket_receive
    """,
    "channels.generic.websocket.JsonWebsocketConsumer": """
        decode_json encode_json receive receive_json send_json
    """,
    "channels.generic.websocket.WebsocketConsumer": """
        accept close connect disconnect groups receive send websocket_connect
        websocket_disconnect websocket_receive
    """,
    "channels.layers.BaseChannelLayer": """
        MAX_NAME_LENGTH channel_name_regex compile_capacities flush get_capacity group_add
        group_discard group_name_regex group_send invalid_name_error match_type_and_length
        new_channel non_local_name receive require_valid_channel_name
        require_valid_group_name send valid_channel_name valid_channel_names
        valid_group_name
    """,
    "channels.layers.ChannelLayerManager": "configs make_backend make_test_backend set",
    "channels.layers.InMemoryChannelLayer": """
        close extensions flush group_add group_discard group_send new_channel receive send
    """,
    "channels.management.commands.runworker.Command": """
        add_arguments handle leave_locale_alone worker_class
    """,
    "channels.security.websocket.OriginValidator": """
        get_origin_port match_allowed_origin valid_origin validate_origin
    """,
    "channels.security.websocket.WebsocketDenier": "connect",
    "channels.sessions.CookieMiddleware": "delete_cookie set_cookie",
    "channels.sessions.InstanceSessionWrapper": """
        cookie_response_message_types resolve_session save_message_types save_session send
    """,
    "channels.testing.ApplicationCommunicator": "receive_output send_input",
    "channels.testing.ChannelsLiveServerTestCase": """
        ProtocolServerProcess host live_server_url live_server_ws_url serve_static
        setUpClass static_wrapper tearDownClass
    """,
    "channels.testing.HttpCommunicator": "get_response",
    "channels.testing.WebsocketCommunicator": """
        connect disconnect receive_from receive_json_from send_json_to send_to
    """,
    "channels.testing.application.ApplicationCommunicator": "receive_output send_input",
    "channels.testing.http.HttpCommunicator": "get_response",
    "channels.testing.live.ChannelsLiveServerTestCase": """
        ProtocolServerProcess host live_server_url live_server_ws_url serve_static
        setUpClass static_wrapper tearDownClass
    """,
    "channels.testing.websocket.WebsocketCommunicator": """
        connect disconnect receive_from receive_json_from send_json_to send_to
    """,
    "channels.worker.Worker": "handle listener",
}

#: Of Channels 2 and 3: module -> names.
OLDER = {
    "channels.http": "AsgiHandler AsgiRequest",
    "channels.staticfiles": "StaticFilesHandler StaticFilesWrapper",
    "channels.log": "",
}
