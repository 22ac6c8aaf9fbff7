"""`manage.py channels_up`: brings up this project's split on this machine."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from channels.management.parts import add_part_arguments, read_metrics_port, read_shards
from channels.recipes.production import find_shortcomings
from channels.recipes.project import find_project
from channels.recipes.writing import Choices
from channels.supervising.errors import CannotStart
from channels.supervising.project_split import bring_up


class Command(BaseCommand):
    help = (
        "Brings up Redis (unless one is named), an interface server and workers under "
        "supervisord, and ends them with Ctrl-C. With --check it starts nothing, and says what "
        "is not ready for production."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        add_part_arguments(parser)
        parser.add_argument(
            "--host",
            default="127.0.0.1",
            metavar="ADDRESS",
            help="The address to listen on; 0.0.0.0 lets your network in (default: 127.0.0.1).",
        )
        parser.add_argument(
            "--port",
            type=int,
            default=0,
            help="Where the site answers (default: 8000, or the next free one).",
        )
        parser.add_argument(
            "--metrics-port",
            type=read_metrics_port,
            default=0,
            metavar="PORT",
            help="Where the server shows its figures and its health, a multiple of 100; each group "
            "of workers begins a hundred above the one before it (default: nobody does).",
        )
        parser.add_argument(
            "--run-dir", metavar="DIR", help="For logs and data (default: .run in the project)."
        )
        parser.add_argument(
            "--check",
            action="store_true",
            help="Start nothing; say what is not ready for production.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["check"]:
            self._check_production()
            return
        project = find_project()
        self._warn_of_migrations()
        choices = Choices(
            workers=options["workers"],
            shards=read_shards(options),
            server=options["server"],
            bind=options["host"],
            port=options["port"],
            metrics_port=options["metrics_port"],
        )
        run_dir = Path(options["run_dir"] or project.directory / ".run").absolute()
        try:
            bring_up(project, choices, run_dir)
        except CannotStart as error:
            raise CommandError(str(error)) from error

    def _warn_of_migrations(self) -> None:
        """As `runserver` does: the site comes up all the same."""
        self.check_migrations()

    def _check_production(self) -> None:
        found = find_shortcomings()
        for shortcoming in found:
            self.stdout.write(self.style.WARNING(f"✗ {shortcoming.what}"))
            self.stdout.write(f"  {shortcoming.remedy}")
        if found:
            noun = "thing is" if len(found) == 1 else "things are"
            raise CommandError(f"{len(found)} {noun} not ready for production")
        self.stdout.write(self.style.SUCCESS("✓ nothing is missing that can be seen from here"))
