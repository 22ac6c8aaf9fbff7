"""`manage.py rundelay`: the delay server."""

from typing import Any

from django.core.management import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, connections, router

from channels.asgi import channel_layers
from channels.channel import DEFAULT_CHANNEL_LAYER
from channels.delay.models import DelayedMessage
from channels.delay.worker import Worker
from channels.exceptions import InvalidChannelLayerError, LayerUnavailable
from channels.log import setup_loggers
from channels.logs.formats import FORMATS


class Command(BaseCommand):
    """Runs the delay server."""

    help = "Keep messages from asgi.delay in the database, and send them when they are due."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--layer",
            default=DEFAULT_CHANNEL_LAYER,
            help="The channel layer's alias in CHANNEL_LAYERS.",
        )
        parser.add_argument(
            "--sleep",
            default=1.0,
            type=float,
            help="The longest time between two looks into the database, in seconds.",
        )

        parser.add_argument(
            "--log-format",
            choices=FORMATS,
            default="text",
            help="How log lines look; json: one object for each (default: text).",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        logger = setup_loggers(options["verbosity"], log_format=options["log_format"])
        try:
            layer = channel_layers[options["layer"]]
        except InvalidChannelLayerError as error:
            raise CommandError(str(error)) from error
        if layer.local_only():
            raise CommandError(
                f"the layer {layer} works within one process only, so nothing could reach a delay "
                "server: use one between processes, as channels.layers.redis.RedisChannelLayer"
            )
        if options["sleep"] <= 0:
            raise CommandError(f"--sleep must be more than 0 seconds, got {options['sleep']}")
        self._require_table()
        try:
            layer.check_neighbours()
        except InvalidChannelLayerError as error:
            raise CommandError(str(error)) from error
        except LayerUnavailable as error:
            logger.debug("who else uses the layer is not known: %s", error)
        logger.info("Running delay against channel layer %s", layer)
        Worker(channel_layer=layer, database_sleep_duration=options["sleep"]).run()

    @staticmethod
    def _require_table() -> None:
        """Raise CommandError if the table is not there. A database that is away may come back."""
        model = DelayedMessage
        connection = connections[router.db_for_write(model)]
        try:
            tables = connection.introspection.table_names()
        except DatabaseError:
            return
        if model._meta.db_table not in tables:
            raise CommandError(
                f"the database {connection.alias!r} has no table {model._meta.db_table!r}: run "
                "manage.py migrate first"
            )
