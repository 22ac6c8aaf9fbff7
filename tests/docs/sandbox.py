"""A small project in which the Python of one page is run, block after block."""

import contextlib
import importlib
import re
import sys

from django.apps import apps
from django.conf import global_settings
from django.db import connection
from django.test.utils import override_settings

from channels.asgi import ChannelLayerManager
from channels.startup.checks import check_settings

#: The first line of a block that is a file: its path, and perhaps a word on where in it.
_FILE = re.compile(r"# (?P<path>[\w/]+\.py)(?: \([\w ]+\))?\n")


class Sandbox:
    """Runs the blocks of a page; leaving it takes back what they did to Django.

    A block that begins with the path of a file becomes that file, and is imported. A settings.py is
    checked, and its layers are made. All other blocks share their names.

    Args:
        folder: an empty folder for the files.
    """

    def __init__(self, folder):
        self._folder = folder
        self._names = {"__name__": "page"}
        self._exits = contextlib.ExitStack()

    def __enter__(self):
        sys.path.insert(0, str(self._folder))
        self._exits.callback(sys.path.remove, str(self._folder))
        self._exits.callback(self._forget_modules)
        return self

    def __exit__(self, *exc_info):
        self._exits.close()

    def run(self, block):
        """Run a Python block; whatever is wrong with it is raised."""
        file = _FILE.match(block.code)
        if file is None:
            exec(self._compile(block), self._names)
        elif file["path"].endswith("settings.py"):
            self._check_settings(block)
        else:
            self._make_file(file["path"], block.code)

    @staticmethod
    def _compile(block):
        return compile("\n" * (block.line - 1) + block.code, block.page, "exec")

    def _check_settings(self, block):
        names = {"INSTALLED_APPS": [], "MIDDLEWARE": []}
        exec(self._compile(block), names)
        made = {name: value for name, value in names.items() if name.isupper()}
        ours = {
            name: made.pop(name) for name in list(made) if name.startswith(("CHANNEL", "ASGI_"))
        }
        assert all(hasattr(global_settings, name) for name in made), made
        with override_settings(**ours):
            assert check_settings() == []
            manager = ChannelLayerManager()
            for alias in manager:
                manager[alias].close()

    def _make_file(self, path, code):
        file = self._folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        for folder in (file.parent, *file.parent.parents):
            if folder == self._folder:
                break
            (folder / "__init__.py").touch()
        file.write_text(code)
        name = path.removesuffix(".py").replace("/", ".")
        importlib.invalidate_caches()
        sys.modules.pop(name, None)
        if path.endswith("/models.py"):
            self._install_app(name.partition(".")[0])
        else:
            importlib.import_module(name)

    def _install_app(self, label):
        self._exits.callback(apps.all_models.pop, label, None)
        self._exits.callback(apps.clear_cache)
        self._exits.enter_context(
            override_settings(
                INSTALLED_APPS=[*(config.name for config in apps.get_app_configs()), label]
            )
        )
        for model in apps.get_app_config(label).get_models():
            with connection.schema_editor() as editor:
                editor.create_model(model)
            self._exits.callback(self._drop_table, model)

    @staticmethod
    def _drop_table(model):
        with connection.schema_editor() as editor:
            editor.delete_model(model)

    def _forget_modules(self):
        for name, module in list(sys.modules.items()):
            path = getattr(module, "__file__", None) or ""
            if path.startswith(str(self._folder)):
                del sys.modules[name]
