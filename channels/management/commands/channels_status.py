"""`manage.py channels_status`: who lives, what waits and how old it is."""

from __future__ import annotations

import contextlib
import json
import shutil
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from django.core.management import BaseCommand, CommandError

from channels.exceptions import LayerUnavailable
from channels.management.layers import add_layer_argument, find_layer
from channels.management.status_text import format_status

if TYPE_CHECKING:
    from django.core.management import CommandParser

    from channels.layers.base import BaseChannelLayer

#: With --watch, names of channels are looked for as often as this.
NAMES_AGE_S = 15.0


class Command(BaseCommand):
    help = (
        "Shows the interface servers and workers that live, what waits on each channel, how old "
        "it is, and what was lost. Processes show what they do every 5 seconds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_layer_argument(parser)
        parser.add_argument(
            "--json", action="store_true", help="Print it as JSON; with --watch one line each time."
        )
        parser.add_argument(
            "--watch",
            nargs="?",
            type=float,
            const=2.0,
            metavar="SECONDS",
            help="Show it again and again, every so many seconds (2 if none are named), until "
            "Ctrl-C.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        layer = find_layer(options["layer"], "status")
        try:
            if options["watch"] is not None:
                self._watch(layer, options["watch"], as_json=options["json"])
                return
            status = layer.status()
        except LayerUnavailable as error:
            raise CommandError(str(error)) from error
        finally:
            layer.close()
        if options["json"]:
            self.stdout.write(json.dumps(status, indent=2))
            return
        width = shutil.get_terminal_size((0, 0)).columns or None
        for title, lines in format_status(status, time.time(), width):
            self.stdout.write("\n".join([self.style.MIGRATE_HEADING(title), *lines, "\n"]))

    def _watch(self, layer: BaseChannelLayer, every_s: float, *, as_json: bool) -> None:
        if every_s <= 0:
            raise CommandError(f"--watch must be more than 0 seconds, got {every_s}")

        def ask() -> Any:
            # To find the names of all channels costs most: new ones may come a little later.
            return layer.status(names_age_s=NAMES_AGE_S)

        if as_json:
            self._print_lines(ask, every_s)
            return
        try:
            from channels.management.watching import watch
        except ImportError as error:
            raise CommandError(
                f"--watch needs rich ({error}): pip install 'channels-classic[watch]', or take "
                "--json"
            ) from error
        watch(ask, every_s)

    def _print_lines(self, ask: Callable[[], Any], every_s: float) -> None:
        """One object on a line each time; while the engine is away, one that says so."""
        with contextlib.suppress(KeyboardInterrupt, BrokenPipeError):
            while True:
                try:
                    told = {"at": time.time(), **ask()}
                except LayerUnavailable as error:
                    told = {"at": time.time(), "unavailable": str(error)}
                self.stdout.write(json.dumps(told))
                self.stdout.flush()
                time.sleep(every_s)
