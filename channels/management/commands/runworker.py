"""`manage.py runworker`: a process that runs consumers."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from django.apps import apps
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import BaseCommand, CommandError
from django.utils import autoreload

from channels.management.explained import explained

with explained():
    from channels.channel import DEFAULT_CHANNEL_LAYER
    from channels.exceptions import InvalidChannelLayerError
    from channels.layers import get_channel_layer
    from channels.log import setup_loggers
    from channels.logs.formats import FORMATS
    from channels.management.layers import find_shared_layer
    from channels.management.reloading import name_guilty_file, run_with_reloader
    from channels.management.taking import prepare_router
    from channels.metrics.notifying import start_notifying
    from channels.metrics.serving import CannotShow, show_metrics
    from channels.routing import InvalidRoute, get_default_application
    from channels.signals import worker_process_ready
    from channels.tracing.starting import CannotTrace, start_tracing
    from channels.worker import Worker
    from worker.applications.host import GRACE_S
    from worker.probes import WorkerProbes

if TYPE_CHECKING:
    from django.core.management import CommandParser

    from channels.message import Message


#: What would come of a worker on a layer of one process.
_LOCAL = (
    "so no other process could send this worker anything: use Redis in CHANNEL_LAYERS, or run "
    "`manage.py runserver`"
)


class Command(BaseCommand):
    help = "Takes messages from the channel layer and runs their consumers."
    #: What works; None is `Worker`, which tests replace in this module.
    worker_class: type[Worker] | None = None
    #: Django has not looked at it since its version 2.1; both generations have it.
    leave_locale_alone = True

    def add_arguments(self, parser: CommandParser) -> None:
        _add_what_it_takes(parser)
        _add_how_much_it_takes(parser)
        _add_what_is_seen_of_it(parser)

    def run_from_argv(self, argv: list[str]) -> None:
        super().run_from_argv(argv)
        sys.exit(0)

    def execute(self, *args: Any, **options: Any) -> Any:
        if options["reload"]:
            # Each new process checks for itself, and waits for a mistake to be corrected.
            self._checks = not options["skip_checks"]
            options["skip_checks"] = True
        return super().execute(*args, **options)

    def handle(self, *args: Any, **options: Any) -> None:
        self.verbosity = options["verbosity"]
        self.logger = setup_loggers(self.verbosity, log_format=options["log_format"])
        if options["traces"]:
            try:
                start_tracing("channels-worker")
            except CannotTrace as error:
                raise CommandError(str(error)) from error
        if options["channels"]:
            self._work_for_names(options)
        elif options["reload"]:
            self._work_and_reload(options)
        else:
            self._work(self.make_worker(options), options["metrics"])

    def _work_for_names(self, options: dict[str, Any]) -> None:
        """Run the consumers of channels with names, as in Channels 2 and later."""

        def work() -> None:
            autoreload.raise_last_exception()
            find_shared_layer(options["layer"], _LOCAL)
            try:
                application = get_default_application()
            except ImproperlyConfigured as error:
                raise CommandError(str(error)) from error
            worker = (self.worker_class or Worker)(
                application=application,
                channels=options["channels"],
                channel_layer=get_channel_layer(options["layer"]),
            )
            self.logger.info("Running worker for channels %s", ", ".join(options["channels"]))
            worker.run()
            self.logger.info("The worker has stopped")

        if options["reload"]:
            run_with_reloader(work)
        else:
            work()

    def _work(self, worker: Worker, metrics: str | None = None) -> None:
        shown = None
        start_notifying(WorkerProbes(worker))
        if metrics:
            try:
                shown = show_metrics(metrics, WorkerProbes(worker), worker.layer)
            except CannotShow as error:
                raise CommandError(str(error)) from error
        try:
            self._run(worker)
        finally:
            if shown is not None:
                shown.close()

    def _run(self, worker: Worker) -> None:
        self.logger.info(
            "Running worker %s against channel layer %s with %d thread(s)",
            worker.id,
            worker.layer,
            worker.thread_count,
        )
        worker_process_ready.send(sender=worker)
        worker.ready()
        try:
            worker.run()
        except InvalidChannelLayerError as error:
            raise CommandError(str(error)) from error
        self.logger.info("Worker %s has stopped", worker.id)

    def _work_and_reload(self, options: dict[str, Any]) -> None:
        """Work in a thread of a child process, which Django starts again when a file changes."""
        worker, ended = None, threading.Event()

        def work() -> None:
            nonlocal worker
            autoreload.raise_last_exception()
            try:
                worker = self.make_worker(options)
            except CommandError as error:
                name_guilty_file(error)
                raise
            try:
                if self._checks:
                    self.check(display_num_errors=True)
                self._work(worker, options["metrics"])
            finally:
                ended.set()

        try:
            run_with_reloader(work)
        finally:
            if worker is not None:
                worker.stop()
                ended.wait()

    def make_worker(self, options: dict[str, Any]) -> Worker:
        """Return the Worker that the options describe. Raises CommandError."""
        layer = find_shared_layer(options["layer"], _LOCAL)
        try:
            hosted = prepare_router(
                layer.router, self._http_consumer(), with_static_files=_serves_static_files()
            )
        except (InvalidRoute, ImproperlyConfigured) as error:
            raise CommandError(str(error)) from error
        if options["threads"] < 1:
            raise CommandError(f"--threads must be 1 or more, got {options['threads']}")
        if options["max_sockets"] is not None and options["max_sockets"] < 1:
            raise CommandError(f"--max-sockets must be 1 or more, got {options['max_sockets']}")
        if options["grace"] < 0:
            raise CommandError(f"--grace must be 0 or more, got {options['grace']}")
        self._warn_of_unmatched(layer.router.channels, options)
        try:
            return (self.worker_class or Worker)(
                layer,
                callback=self.show_message if self.verbosity >= 2 else None,
                only_channels=options["only_channels"],
                exclude_channels=options["exclude_channels"],
                threads=options["threads"],
                hosted=hosted,
                most_sockets=options["max_sockets"],
                grace_s=options["grace"],
                signal_handlers=not options["reload"],  # Django's reloader has its own
            )
        except ValueError as error:
            raise CommandError(str(error)) from error

    @staticmethod
    def _http_consumer() -> Callable[..., Any] | None:
        """Under DEBUG, what serves static files too; None for Django's views alone."""
        if not _serves_static_files():
            return None
        from channels.staticfiles import StaticFilesConsumer

        return StaticFilesConsumer()

    def _warn_of_unmatched(self, channels: Iterable[str], options: dict[str, Any]) -> None:
        from worker.filters import unmatched

        for flag in ("only_channels", "exclude_channels"):
            for glob in unmatched(options[flag], channels):
                self.stderr.write(
                    self.style.WARNING(
                        f"--{flag.replace('_', '-')}={glob} matches no channel of this project "
                        f"(it has {', '.join(sorted(channels))})"
                    )
                )

    def show_message(self, channel: str, message: Message) -> None:
        """With -v 2: one line for each message."""
        self.logger.debug("message on %s (reply %s)", channel, message.get("reply_channel", "none"))


def _serves_static_files() -> bool:
    """Whether workers serve static files too: for development."""
    return settings.DEBUG and apps.is_installed("django.contrib.staticfiles")


def _add_what_it_takes(parser: CommandParser) -> None:
    parser.add_argument(
        "channels",
        nargs="*",
        metavar="CHANNEL",
        help="Run the consumers that ASGI_APPLICATION has for these channels, in its "
        "ChannelNameRouter, and nothing else (default: all that comes in by ROUTING and from "
        "interface servers).",
    )
    parser.add_argument(
        "--layer",
        default=DEFAULT_CHANNEL_LAYER,
        metavar="ALIAS",
        help="The channel layer to work for, by its alias in CHANNEL_LAYERS.",
    )
    parser.add_argument(
        "--only-channels",
        action="append",
        default=[],
        metavar="GLOB",
        help="Listen only on channels that match this; may be given several times.",
    )
    parser.add_argument(
        "--exclude-channels",
        action="append",
        default=[],
        metavar="GLOB",
        help="Do not listen on channels that match this; may be given several times.",
    )


def _add_how_much_it_takes(parser: CommandParser) -> None:
    parser.add_argument(
        "--threads",
        type=int,
        default=1,
        metavar="N",
        help="How many consumers may run at the same time (default: 1).",
    )
    parser.add_argument(
        "--max-sockets",
        type=int,
        metavar="N",
        help="How many sockets of class consumers to host at most (default: no limit).",
    )
    parser.add_argument(
        "--grace",
        type=float,
        default=GRACE_S,
        metavar="SECONDS",
        help="How long a worker that stops waits for handlers of class consumers, for sockets "
        f"that can't move, and for responses of ASGI applications (default: {GRACE_S:.0f}).",
    )


def _add_what_is_seen_of_it(parser: CommandParser) -> None:
    parser.add_argument(
        "--log-format",
        choices=FORMATS,
        default="text",
        help="How log lines look; json: one object for each (default: text).",
    )
    parser.add_argument(
        "--metrics",
        metavar="[HOST:]PORT",
        help="Where Prometheus finds /metrics, and health is answered: /-/live and /-/ready.",
    )
    parser.add_argument(
        "--traces",
        action="store_true",
        help="Send spans to an OpenTelemetry collector, as OTEL_EXPORTER_OTLP_ENDPOINT says.",
    )
    parser.add_argument(
        "--reload",
        action="store_true",
        help="Start again when code changes, after what runs has ended. For development.",
    )
