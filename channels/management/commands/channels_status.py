"""`manage.py channels_status`: who lives, what waits and how old it is."""

from __future__ import annotations

import json
import shutil
import time
from typing import TYPE_CHECKING, Any

from django.core.management import BaseCommand, CommandError

from channels.exceptions import LayerUnavailable
from channels.management.layers import add_layer_argument, find_layer
from channels.management.status_text import format_status

if TYPE_CHECKING:
    from django.core.management import CommandParser


class Command(BaseCommand):
    help = (
        "Shows the interface servers and workers that live, what waits on each channel, how old "
        "it is, and what was lost. Processes show what they do every 5 seconds."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_layer_argument(parser)
        parser.add_argument("--json", action="store_true", help="Print it as JSON.")

    def handle(self, *args: Any, **options: Any) -> None:
        layer = find_layer(options["layer"], "status")
        try:
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
