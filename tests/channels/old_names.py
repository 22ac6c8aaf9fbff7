"""The public names of Channels 1.1.8: what its modules define, and what its packages hand on."""

#: Module -> names.
NAMES = {
    "channels": """
        Channel DEFAULT_CHANNEL_LAYER Group channel_layers default_app_config include route
        route_class
    """,
    "channels.apps": "ChannelsConfig",
    "channels.asgi": """
        ChannelLayerManager ChannelLayerWrapper InvalidChannelLayerError channel_layers
        get_channel_layer
    """,
    "channels.auth": """
        channel_and_http_session_user_from_http channel_session_user
        channel_session_user_from_http http_session_user transfer_user
    """,
    "channels.binding": "Binding",
    "channels.binding.base": "Binding BindingMetaclass CREATE DELETE UPDATE",
    "channels.binding.websockets": "WebsocketBinding WebsocketBindingWithMembers",
    "channels.channel": "Channel Group",
    "channels.delay": "default_app_config",
    "channels.delay.apps": "DelayConfig",
    "channels.delay.management": "",
    "channels.delay.management.commands": "",
    "channels.delay.management.commands.rundelay": "Command",
    "channels.delay.models": "DelayedMessage DelayedMessageQuerySet",
    "channels.delay.worker": "Worker logger",
    "channels.exceptions": """
        ChannelSocketException ConsumeLater DenyConnection RequestAborted RequestTimeout
        ResponseLater SendNotAvailableOnDemultiplexer WebsocketCloseException
    """,
    "channels.generic": "BaseConsumer",
    "channels.generic.base": "BaseConsumer",
    "channels.generic.websockets": """
        JsonWebsocketConsumer WebsocketConsumer WebsocketDemultiplexer WebsocketMultiplexer
    """,
    "channels.hacks": "monkeypatch_django",
    "channels.handler": "AsgiHandler AsgiRequest ViewConsumer logger",
    "channels.log": "handler setup_logger",
    "channels.management": "",
    "channels.management.commands": "",
    "channels.management.commands.runserver": "Command WorkerThread",
    "channels.management.commands.runworker": "Command",
    "channels.message": "Message PendingMessageStore pending_message_store",
    "channels.package_checks": "check_all required_versions",
    "channels.routing": """
        Include Route RouteClass Router connect_consumer include null_consumer route route_class
    """,
    "channels.security": "",
    "channels.security.websockets": """
        AllowedHostsOnlyOriginValidator BaseOriginValidator allowed_hosts_only
    """,
    "channels.sessions": """
        channel_and_http_session channel_session enforce_ordering http_session requeue_messages
        session_for_reply_channel wait_channel_name
    """,
    "channels.signals": "consumer_finished consumer_started worker_process_ready worker_ready",
    "channels.staticfiles": "StaticFilesConsumer StaticFilesHandler",
    "channels.test": """
        ChannelLiveServerTestCase ChannelTestCase Client HttpClient TransactionChannelTestCase
        WSClient apply_routes
    """,
    "channels.test.base": """
        ChannelTestCase ChannelTestCaseMixin Client TransactionChannelTestCase apply_routes
    """,
    "channels.test.http": "HttpClient",
    "channels.test.liveserver": """
        ChannelLiveServerTestCase DaphneProcess ProcessSetup WorkerProcess
    """,
    "channels.test.websocket": "WSClient json_module",
    "channels.tests": """
        ChannelLiveServerTestCase ChannelTestCase Client HttpClient TransactionChannelTestCase
        WSClient apply_routes
    """,
    "channels.utils": "name_that_thing",
    "channels.worker": "Worker WorkerGroup logger",
}

#: Class -> its public attributes and methods.
MEMBERS = {
    "channels.apps.ChannelsConfig": "name ready verbose_name",
    "channels.asgi.ChannelLayerManager": "configs make_backend make_test_backend set",
    "channels.asgi.ChannelLayerWrapper": "local_only",
    "channels.binding.base.BindingMetaclass": "binding_classes register_all register_immediately",
    "channels.binding.base.Binding": """
        channel_session channel_session_user consumer create delete deserialize encode exclude
        fields get_handler get_registered_models group_names has_permission model
        post_change_receiver post_delete_receiver post_save_receiver pre_change_receiver
        pre_delete_receiver pre_save_receiver register run_action send_messages serialize
        signal_kwargs trigger_inbound update
    """,
    "channels.binding.websockets.WebsocketBinding": """
        create deserialize encode get_handler model serialize serialize_data slight_ordering
        stream strict_ordering trigger_inbound update
    """,
    "channels.binding.websockets.WebsocketBindingWithMembers": """
        encoder model send_members serialize_data
    """,
    "channels.channel.Channel": "send",
    "channels.channel.Group": "add discard send",
    "channels.delay.apps.DelayConfig": "label name verbose_name",
    "channels.delay.management.commands.rundelay.Command": """
        add_arguments handle leave_locale_alone
    """,
    "channels.delay.models.DelayedMessageQuerySet": "is_due",
    "channels.delay.models.DelayedMessage": "channel_name content delay due_date objects send",
    "channels.delay.worker.Worker": "install_signal_handler run sigterm_handler",
    "channels.exceptions.ChannelSocketException": "run",
    "channels.exceptions.WebsocketCloseException": "run",
    "channels.generic.base.BaseConsumer": """
        as_route channel_names channel_session channel_session_user dispatch get_handler
        method_mapping
    """,
    "channels.generic.websockets.WebsocketConsumer": """
        close connect connection_groups disconnect get_handler group_send groups http_user
        http_user_and_session method_mapping raw_connect raw_disconnect raw_receive receive send
        strict_ordering
    """,
    "channels.generic.websockets.JsonWebsocketConsumer": """
        decode_json encode_json group_send raw_receive receive send
    """,
    "channels.generic.websockets.WebsocketMultiplexer": """
        encode encode_json group_send reply_channel send stream
    """,
    "channels.generic.websockets.WebsocketDemultiplexer": """
        connect consumers disconnect group_send multiplexer_class receive send
    """,
    "channels.handler.AsgiRequest": "COOKIES FILES GET POST ResponseLater body_receive_timeout",
    "channels.handler.AsgiHandler": """
        chunk_bytes chunk_size encode_response handle_uncaught_exception
        process_exception_by_middleware request_class
    """,
    "channels.handler.ViewConsumer": "handler_class",
    "channels.management.commands.runserver.Command": """
        add_arguments get_consumer handle inner_run log_action protocol server_cls
    """,
    "channels.management.commands.runserver.WorkerThread": "run",
    "channels.management.commands.runworker.Command": """
        add_arguments consumer_called handle leave_locale_alone
    """,
    "channels.message.Message": "copy get items keys values",
    "channels.message.PendingMessageStore": """
        active append prepare retry_interval retry_time send_and_flush threadlocal
    """,
    "channels.routing.Router": "add_route check_default match normalise_re_arg resolve_routing",
    "channels.routing.Route": "channel_names match",
    "channels.routing.Include": "channel_names match",
    "channels.security.websockets.BaseOriginValidator": "get_header get_origin validate_origin",
    "channels.security.websockets.AllowedHostsOnlyOriginValidator": "validate_origin",
    "channels.staticfiles.StaticFilesHandler": "file_path get_base_url get_response serve",
    "channels.staticfiles.StaticFilesConsumer": "handler_class",
    "channels.test.base.ChannelTestCaseMixin": "get_next_message test_channel_aliases",
    "channels.test.base.Client": """
        channel_layer consume get_consumer_by_channel get_next_message join_group receive send
        send_and_consume
    """,
    "channels.test.base.apply_routes": "enter exit",
    "channels.test.liveserver.ProcessSetup": """
        cleanup_connections common_setup override_settings setup_databases setup_django
    """,
    "channels.test.liveserver.WorkerProcess": "run",
    "channels.test.liveserver.DaphneProcess": "resolve_port run",
    "channels.test.liveserver.ChannelLiveServerTestCase": """
        ProtocolServerProcess WorkerProcess host live_server_url live_server_ws_url serve_static
        worker_threads
    """,
    "channels.test.websocket.WSClient": """
        consume force_login get_cookies headers login receive send send_and_consume session
        set_cookie set_header
    """,
    "channels.worker.Worker": """
        apply_channel_filters install_signal_handler ready run sigterm_handler
    """,
    "channels.worker.WorkerGroup": "ready run sigterm_handler",
}

#: What is no more, and why: the guide says the same.
GONE = {
    "channels.default_app_config": "Django finds an app's configuration by itself",
    "channels.delay.default_app_config": "Django finds an app's configuration by itself",
    "channels.sessions.wait_channel_name": "early messages wait in the layer, on no channel",
    "channels.sessions.requeue_messages": "the layer sets free whose turn it is",
    "channels.hacks": "nothing of Django is patched: the app takes over `runserver` by itself",
    "channels.hacks.monkeypatch_django": "nothing of Django is patched",
    "channels.package_checks.required_versions": "it listed layers, which are part of this package",
    "channels.worker.logger": "its name is the same: logging.getLogger('django.channels')",
    "channels.delay.management.commands.rundelay.Command.leave_locale_alone": "gone in Django 2.1",
    "channels.management.commands.runworker.Command.consumer_called": "the worker logs by itself",
    "channels.handler.AsgiHandler.handle_uncaught_exception": "gone in Django 1.10",
    "channels.message.PendingMessageStore.threadlocal": "it is kept per context, for async too",
    "channels.message.PendingMessageStore.retry_time": "the worker waits for room",
    "channels.message.PendingMessageStore.retry_interval": "the worker waits for room",
    "channels.routing.Router.normalise_re_arg": "text and bytes match alike",
    "channels.test.liveserver.ProcessSetup.cleanup_connections": "spawned processes inherit none",
    "channels.test.liveserver.ProcessSetup.setup_django": "part of common_setup()",
    "channels.test.liveserver.DaphneProcess.resolve_port": "the port is known before it serves",
}
