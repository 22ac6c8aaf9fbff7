"""Puts the flags of the commands into the pages, as their parsers have them.

A page asks for them with a comment on a line of its own: `<!-- manage.py commands -->` or
`<!-- interface-server flags -->`. Comments with the tests of code blocks are taken out.
"""

import argparse
import pkgutil
import re
from pathlib import Path

#: What a page asks with -> the function that answers. The others fill it below.
_ANSWERS = {}
_REQUEST = re.compile(r"^<!-- (manage\.py commands|interface-server flags) -->$", re.MULTILINE)
_TEST = re.compile(r"^<!-- (?:test|setup)\b.*?-->\n", re.MULTILINE | re.DOTALL)

ROOT = Path(__file__).resolve().parent.parent.parent

#: Apps -> the folder of their commands.
COMMAND_FOLDERS = {
    "channels": ROOT / "channels" / "management" / "commands",
    "channels.delay": ROOT / "channels" / "delay" / "management" / "commands",
}


def on_page_markdown(markdown, page, config, files):
    """Called by MkDocs with the text of each page."""
    markdown = _TEST.sub("", markdown)
    return _REQUEST.sub(lambda request: _ANSWERS[request[1]](), markdown)


def _answers(request):
    def keep(function):
        _ANSWERS[request] = function
        return function

    return keep


@_answers("manage.py commands")
def show_management_commands():
    """Return a section for each management command: what it does, and a table of its flags."""
    _set_up_django()
    sections = [
        _show_command(app, name)
        for app, folder in COMMAND_FOLDERS.items()
        for _, name, _ in pkgutil.iter_modules([str(folder)])
    ]
    return "\n\n".join(sections)


def _set_up_django():
    import django
    from django.conf import settings

    if not settings.configured:
        apps = ["django.contrib.staticfiles", "channels", "channels.delay"]
        settings.configure(INSTALLED_APPS=apps, STATIC_URL="/static/")
        django.setup()


def _show_command(app, name):
    from django.core.management import BaseCommand, load_command_class

    command = load_command_class(app, name)
    ours = command.create_parser("manage.py", name)
    common = {
        flag
        for action in BaseCommand().create_parser("manage.py", name)._actions
        for flag in action.option_strings
    }
    rows = [
        _row(_flag_names(action), _default_of(action), action.help)
        for action in ours._actions
        if not common & {*action.option_strings} and action.help != argparse.SUPPRESS
    ]
    return f"## manage.py {name}\n\n{command.help}\n\n{_table(rows)}"


def _flag_names(action):
    value = action.metavar or action.dest.upper()
    if not action.option_strings:
        return f"`{value}`"
    takes_value = action.nargs != 0
    return ", ".join(
        f"`{flag} {value}`" if takes_value else f"`{flag}`" for flag in action.option_strings
    )


def _default_of(action):
    if action.nargs == 0 or action.default in (None, [], argparse.SUPPRESS):
        return ""
    return f"`{action.default}`"


@_answers("interface-server flags")
def show_interface_server():
    """Return a table of the flags of `interface-server`."""
    import click

    from interface_server.cli import command

    options = [param for param in command.params if isinstance(param, click.Option)]
    return _table(
        [
            _row(_click_names(option), _click_default(option), _click_help(option))
            for option in options
        ]
    )


def _click_names(option):
    names = [name for name in option.opts if "_" not in name]
    value = "" if option.is_flag else f" {option.type.name.split()[0].upper()}"
    return ", ".join(f"`{name}{value}`" for name in names)


def _click_help(option):
    choices = getattr(option.type, "choices", ())
    return f"{option.help or ''} {_one_of(choices)}".strip()


def _one_of(choices):
    return f"One of: {', '.join(choices)}." if choices else ""


def _click_default(option):
    if option.is_flag or not option.show_default:
        found = re.search(r"\[(.+)\]$", option.help or "")
        return found[1] if found else ""
    default = option.default
    return f"`{' '.join(default) if isinstance(default, (list, tuple)) else default}`"


def _row(names, default, text):
    text = re.sub(r"\s*\[[^\]]*\]$", "", text or "").replace("|", r"\|").replace("*", r"\*")
    return f"| {names} | {default} | {text} |"


def _table(rows):
    return "\n".join(["| flag | default | meaning |", "| --- | --- | --- |", *rows])
