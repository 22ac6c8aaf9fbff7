"""Writes deploy/examples: what `channels_deploy` makes for a project in /srv/mysite.

python -m deploy.examples: after a change of a recipe. A test holds that they are what it makes.
"""

from pathlib import Path

from channels.recipes.parts import Shard
from channels.recipes.project import Project
from channels.recipes.writing import RECIPES, Choices, write

FOLDER = Path(__file__).with_name("examples")

PROJECT = Project(
    name="mysite",
    directory=Path("/srv/mysite"),
    settings_module="mysite.settings",
    python_bin=Path("/srv/mysite/.venv/bin"),
    asgi="mysite.asgi:channel_layer",
    static_url="/static/",
    static_root="/srv/mysite/static",
    media_url="/media/",
    media_root="/srv/mysite/media",
    own_channels=("mail", "thumbnails"),
    requirements="requirements.txt",
)
SHARDS = (Shard("thumbnails", ("thumbnails",), processes=2, threads=8),)


def make_examples() -> dict[str, str]:
    """Return the files: their paths below FOLDER -> their text."""
    return {
        f"{kind}/{name}": text
        for kind in RECIPES
        for name, text in write(
            kind,
            PROJECT,
            Choices(shards=SHARDS, output=PROJECT.directory / "deploy" / kind),
        ).items()
        if not name.startswith("log/")
    }


def main() -> None:
    """Write them."""
    for name, text in make_examples().items():
        path = FOLDER / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
