"""`manage.py channels_status`: who lives, what waits and how old it is."""

import json
import time

from django.core.management import BaseCommand, CommandError

from channels.exceptions import LayerUnavailable
from channels.management.layers import add_layer_argument, find_layer
from channels.management.tables import format_age, format_table, format_time

#: Columns of the table of channels -> keys of `status()["channels"]`.
CHANNEL_COLUMNS = {
    "waiting": "messages_pending", "delayed": "delayed", "owned": "owned", "dead": "dead_letters",
    "sent": "messages_count", "full": "channel_full_count", "expired": "expired_count",
    "dropped": "dropped_count", "lost": "lost_count", "unreadable": "undecodable_count",
}  # fmt: skip


class Command(BaseCommand):
    help = (
        "Shows the interface servers and workers that live, what waits on each channel, how old "
        "it is, and what was lost. Processes show what they do every 5 seconds."
    )

    def add_arguments(self, parser):
        add_layer_argument(parser)
        parser.add_argument("--json", action="store_true", help="Print it as JSON.")

    def handle(self, *args, **options):
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
        now = time.time()
        self._print("interface servers", *_server_table(status["servers"], now))
        self._print("workers", *_worker_table(status["workers"], now))
        self._print("channels", *_channel_table(status["channels"]))

    def _print(self, title, headers, rows):
        heading = self.style.MIGRATE_HEADING(f"{len(rows)} {title}" if rows else f"no {title}")
        self.stdout.write(heading)
        if rows:
            self.stdout.write(format_table(headers, rows))
        self.stdout.write("")


def _server_table(servers, now):
    headers = ["id", "host", "pid", "version", "started", "seen", "sockets"]
    return headers, [[*_process_cells(server, now), server["sockets"]] for server in servers]


def _worker_table(workers, now):
    headers = ["id", "host", "pid", "version", "started", "seen", "runs", "channels"]
    return headers, [
        [*_process_cells(worker, now), _running(worker, now), ", ".join(worker.get("channels", ()))]
        for worker in workers
    ]


def _process_cells(process, now):
    started = process.get("started")
    return [
        process["id"],
        process.get("host"),
        process.get("pid"),
        process.get("version"),
        format_time(started) if started else None,
        f"{format_age(process['seen_s'])} ago",
    ]


def _running(worker, now):
    running = [
        f"{item['consumer']} ({format_age(max(now - item['since'], 0))})"
        for item in worker.get("running", ())
    ]
    return ", ".join(running) or f"0 of {worker.get('threads', '?')}"


def _channel_table(channels):
    headers = ["channel", "oldest", *CHANNEL_COLUMNS]
    return headers, [
        [
            channel["name"],
            format_age(channel["messages_max_age"]) if channel["messages_pending"] else None,
            *(channel[key] for key in CHANNEL_COLUMNS.values()),
        ]
        for channel in channels
    ]
