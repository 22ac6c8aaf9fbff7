"""`manage.py channels_deploy`: writes what runs this project's split on servers."""

import getpass
import importlib.util
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management import BaseCommand, CommandError

from channels.management.parts import add_part_arguments, read_metrics_port, read_shards
from channels.recipes.project import Project, find_project
from channels.recipes.writing import RECIPES, Choices, write


class Command(BaseCommand):
    help = (
        "Writes files that run this project under supervisord or systemd, behind nginx, or in "
        "containers: for its settings module, its virtual environment, its static files and its "
        "channels. Lines to look at are marked CHANGE."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("recipe", choices=list(RECIPES), help="What the files are for.")
        parser.add_argument(
            "--output",
            metavar="DIR",
            help="Where they go; -: standard output (default: deploy/RECIPE beside manage.py).",
        )
        parser.add_argument("--force", action="store_true", help="Write over files that are there.")
        add_part_arguments(parser)
        parser.add_argument(
            "--bind",
            default="127.0.0.1",
            metavar="ADDRESS",
            help="Where the interface server listens for nginx (default: 127.0.0.1).",
        )
        parser.add_argument(
            "--port", type=int, default=8000, help="The port that it listens on (default: 8000)."
        )
        parser.add_argument(
            "--user", help="The system's user that runs the processes (default: you; root: site)."
        )
        parser.add_argument(
            "--domain", help="The site's name (default: the first one in ALLOWED_HOSTS)."
        )
        parser.add_argument(
            "--certificate", default="", metavar="FILE", help="nginx's certificate (PEM)."
        )
        parser.add_argument(
            "--metrics-port",
            type=read_metrics_port,
            default=9400,
            metavar="PORT",
            help="Where the server shows its figures and its health; each group of workers begins "
            "a hundred above the one before it. 0: nobody does (default: 9400).",
        )
        parser.add_argument("--key", default="", metavar="FILE", help="The key of the certificate.")

    def handle(self, *args: Any, **options: Any) -> None:
        recipe = options["recipe"]
        project = find_project()
        shows_metrics = options["metrics_port"] and recipe != "procfile"
        if shows_metrics and importlib.util.find_spec("prometheus_client") is None:
            self.stderr.write(
                self.style.WARNING(
                    "prometheus-client is not installed here, and --metrics needs it: "
                    "pip install 'channels-classic[metrics]', or give --metrics-port=0"
                )
            )
        folder = Path(options["output"] or project.directory / "deploy" / recipe)
        files = write(recipe, project, self._read_choices(options, project, folder))
        if options["output"] == "-":
            for name, text in files.items():
                self.stdout.write(self.style.MIGRATE_HEADING(f"# ---- {name}"))
                self.stdout.write(text)
            return
        self._save(folder, files, is_forced=options["force"])

    @staticmethod
    def _read_choices(options: dict[str, Any], project: Project, folder: Path) -> Choices:
        user = options["user"] or getpass.getuser()
        return Choices(
            workers=options["workers"],
            shards=read_shards(options),
            server=options["server"],
            bind=options["bind"],
            port=options["port"],
            user="site" if user == "root" and not options["user"] else user,
            domain=options["domain"] or project.domain,
            certificate=options["certificate"],
            key=options["key"],
            metrics_port=options["metrics_port"],
            output=project.directory if options["output"] == "-" else folder,
        )

    def _save(self, folder: Path, files: dict[str, str], *, is_forced: bool) -> None:
        there = [name for name in files if (folder / name).exists()]
        if there and not is_forced:
            raise CommandError(
                f"{folder} has {', '.join(there)} already: --force writes over, --output names "
                "another folder"
            )
        for name, text in files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
            self.stdout.write(f"wrote {path}")
        self.stdout.write("Look for CHANGE in them: those lines are yours to decide.")
