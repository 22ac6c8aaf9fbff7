"""`manage.py channels_dead_letters`: messages that were given up."""

from __future__ import annotations

import base64
import json
import pprint
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

from django.core.management import BaseCommand, CommandError

from channels.exceptions import InvalidName, LayerUnavailable
from channels.management.layers import add_layer_argument, find_layer
from channels.management.tables import format_table, format_time

if TYPE_CHECKING:
    from django.core.management import CommandParser

#: A dead letter; see `BaseChannelLayer.dead_letters` for its keys.
LetterFacts: TypeAlias = dict[str, Any]


class Command(BaseCommand):
    help = (
        "Lists, shows, sends again or removes dead letters: messages that were given up after too "
        "many retries, or after their workers had died too often."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "action",
            nargs="?",
            default="list",
            choices=["list", "show", "replay", "purge"],
            help="What to do with them (default: list).",
        )
        parser.add_argument("ids", nargs="*", metavar="ID", help="Only these; needs --channel.")
        parser.add_argument("--channel", help="Only those of this channel.")
        parser.add_argument(
            "--all", action="store_true", help="Replay or purge those of every channel."
        )
        parser.add_argument(
            "--json", action="store_true", help="List or show them as JSON, for programs."
        )
        add_layer_argument(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if options["ids"] and not options["channel"]:
            raise CommandError("say whose letters these are: --channel")
        if options["json"] and options["action"] not in ("list", "show"):
            raise CommandError(f"--json goes with list and show, not with {options['action']}")
        self.layer = find_layer(options["layer"], "delay")
        try:
            getattr(self, f"_{options['action']}")(options)
        except (LayerUnavailable, InvalidName) as error:
            raise CommandError(str(error)) from error
        finally:
            self.layer.close()

    def _channels(self, options: dict[str, Any]) -> list[str]:
        return [options["channel"]] if options["channel"] else self.layer.dead_letter_channels()

    def _letters(self, channel: str, options: dict[str, Any]) -> list[LetterFacts]:
        letters = self.layer.dead_letters(channel)
        known = {letter["id"] for letter in letters}
        for wanted in options["ids"]:
            if wanted not in known:
                raise CommandError(f"{channel} has no dead letter {wanted!r}")
        return [each for each in letters if not options["ids"] or each["id"] in options["ids"]]

    def _list(self, options: dict[str, Any]) -> None:
        if options["json"]:
            self._write_json(options)
            return
        if options["channel"]:
            rows = [_row(letter) for letter in self._letters(options["channel"], options)]
            self._print(["id", "died", "retries", "reason"], rows)
            return
        rows = []
        for channel in self._channels(options):
            letters = self.layer.dead_letters(channel)
            if letters:
                dates = [format_time(letters[index]["at"]) for index in (0, -1)]
                rows.append([channel, len(letters), *dates, letters[-1]["reason"]])
        self._print(["channel", "letters", "oldest", "newest", "last reason"], rows)

    def _print(self, headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
        self.stdout.write("\n".join(format_table(headers, rows)) or "no dead letters")

    def _write_json(self, options: dict[str, Any]) -> None:
        """A list with an object for each letter: what is kept of it, and its channel."""
        letters = [
            {"channel": channel, **letter}
            for channel in self._channels(options)
            for letter in self._letters(channel, options)
        ]
        self.stdout.write(json.dumps(letters, indent=2, default=_as_json))

    def _show(self, options: dict[str, Any]) -> None:
        if options["json"]:
            self._write_json(options)
            return
        for channel in self._channels(options):
            for letter in self._letters(channel, options):
                self.stdout.write(self.style.MIGRATE_HEADING(f"{channel} {letter['id']}"))
                self.stdout.write(f"died:    {format_time(letter['at'])}")
                self.stdout.write(f"reason:  {letter['reason']}")
                self.stdout.write(f"retries: {letter['attempts']}")
                self.stdout.write(f"{pprint.pformat(letter['content'])}\n")

    def _replay(self, options: dict[str, Any]) -> None:
        self._do(self.layer.replay_dead_letters, "sent again", options)

    def _purge(self, options: dict[str, Any]) -> None:
        self._do(self.layer.purge_dead_letters, "removed", options)

    def _do(
        self,
        verb: Callable[[str, Sequence[str] | None], int],
        done: str,
        options: dict[str, Any],
    ) -> None:
        if not options["channel"] and not options["all"]:
            raise CommandError("say which: --channel, or --all for those of every channel")
        for channel in self._channels(options):
            self._letters(channel, options)  # a wrong id is told before anything is done
            count = verb(channel, options["ids"] or None)
            self.stdout.write(f"{channel}: {count} {done}")


def _row(letter: LetterFacts) -> list[object]:
    return [letter["id"], format_time(letter["at"]), letter["attempts"], letter["reason"]]


def _as_json(value: object) -> object:
    """Bytes as base64, as `channels.delay` keeps them; all else that JSON lacks, as text."""
    if isinstance(value, bytes):
        return {"__bytes__": base64.b64encode(value).decode("ascii")}
    return str(value)
