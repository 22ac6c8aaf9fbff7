"""The guide 'Coming from Channels 1.x': its tables are true of the Django that is installed."""

import importlib
import importlib.resources
import inspect
import re

import django
import pytest
from django.conf import global_settings
from django.core.exceptions import ImproperlyConfigured
from django.template import Context, Engine, TemplateSyntaxError
from django.test.utils import override_settings

from channels.asgi import _OLD_BACKENDS
from tests.channels.old_names import GONE
from tests.docs.blocks import DOCS

GUIDE = (DOCS / "coming-from-1x.md").read_text()
#: What old code gets to see.
ERRORS = (AttributeError, ImportError, ImproperlyConfigured, TemplateSyntaxError, TypeError)

#: What the code in the table stands on.
PRELUDE = """
from django.apps import AppConfig
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import models
from django.dispatch import Signal
from django.http import HttpResponse
from django.template import Library
from django.test import RequestFactory, TestCase
from django.urls import include, re_path

def view(request, **kwargs):
    return HttpResponse()

def seen(self, request):
    pass

def title(self):
    return "title"

user = User()
request = RequestFactory().get("/")
get_response = view
p = re_path("^$", view)
"""


def table_below(heading):
    """The rows of the first table below a heading, as lists of cells."""
    section = GUIDE.partition(heading)[2]
    lines = section[section.index("\n|") + 1 :].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[2:]]


CHANGES = {row[0].lstrip("| "): row[1:] for row in table_below("{ #django }")}


def code_in(cell):
    return "\n".join(re.findall(r"`([^`]+)`", cell))


def is_gone_here(since):
    return django.VERSION[:2] >= tuple(map(int, since.strip("| ").split(".")))


def run(code):
    """Run code, render a template, or look up settings: an error if this Django has it no more."""
    if code.startswith("{%"):
        for line in code.splitlines():
            engine = Engine(libraries={"static": "django.templatetags.static"})
            engine.from_string(line).render(Context({"a": 1, "b": 1}))
    elif re.match(r"[A-Z_]{2,} = ", code):
        for name in re.findall(r"^([A-Z_]{2,}) = ", code, re.MULTILINE):
            getattr(global_settings, name)
    else:
        names = {}
        exec(PRELUDE, names)
        exec(code, names)


# -- changes that do not show by an error where the old form is written ---------------------------


def _says(module, text):
    return text in inspect.getsource(importlib.import_module(module))


def _check_null_booleans():
    from django.db import models

    assert models.NullBooleanField.system_check_removed_details["id"] == "fields.E903"


def _check_json_fields():
    folder = importlib.import_module("django.contrib.postgres").__path__[0]
    with open(f"{folder}/fields/jsonb.py") as file:
        assert "fields.E904" in file.read()


def _check_automatic_keys():
    is_big = global_settings.DEFAULT_AUTO_FIELD == "django.db.models.BigAutoField"
    assert is_big is (django.VERSION >= (6, 0))


def _check_time_zones():
    assert global_settings.USE_TZ is (django.VERSION >= (5, 0))


def _check_index_together():
    from django.db.models import options

    assert ("index_together" in options.DEFAULT_NAMES) is (django.VERSION < (5, 1))


def _check_log_out_by_link():
    from django.contrib.auth.views import LogoutView

    allowed = LogoutView.http_method_names
    assert "post" in allowed and ("get" in allowed) is (django.VERSION < (5, 0))


def _check_app_configs():
    assert not _says("django.apps.config", "default_app_config")


def _check_origins():
    from django.core.checks.compatibility.django_4_0 import check_csrf_trusted_origins

    for origin, is_wrong in (("example.com", True), ("https://example.com", False)):
        with override_settings(CSRF_TRUSTED_ORIGINS=[origin]):
            assert bool(check_csrf_trusted_origins(None)) is is_wrong


def _check_jquery():
    from django.contrib import admin

    assert (importlib.resources.files(admin) / "static/admin/js/jquery.init.js").is_file()
    assert _says("django.contrib.admin.options", "jquery.init.js")


def _check_html_in_the_admin():
    assert not _says("django.contrib.admin.templatetags.admin_list", "allow_tags")


def _check_databases_of_tests():
    assert not _says("django.test.testcases", "multi_db")


def _check_backends():
    # Django gives the request to each backend, by position, and passes by those that don't take it.
    assert _says("django.contrib.auth", "bind(request, **credentials)")


#: What of the table -> how it is tried; all else is run.
BY_HAND = {
    "null booleans": _check_null_booleans,
    "JSON fields": _check_json_fields,
    "automatic keys, to keep them as they are": _check_automatic_keys,
    "time zones, to keep them off": _check_time_zones,
    "indexes of several fields": _check_index_together,
    "logging out by a link": _check_log_out_by_link,
    "configuration of apps": _check_app_configs,
    "trusted origins": _check_origins,
    "jQuery in the admin": _check_jquery,
    "HTML in the admin": _check_html_in_the_admin,
    "tests with several databases": _check_databases_of_tests,
    "authentication backends": _check_backends,
}


@pytest.mark.parametrize("what", [what for what in CHANGES if what not in BY_HAND])
def test_the_old_form_fails_on_this_django(what):
    before, _, since = CHANGES[what]
    if is_gone_here(since):
        for line in _one_by_one(code_in(before)):
            with pytest.raises(ERRORS):
                run(line)


def _one_by_one(code):
    """Each line by itself, if each must fail; but what needs the line before it goes with it."""
    lines = code.splitlines()
    return [code] if lines[0].startswith(("from", "class")) else lines


@pytest.mark.parametrize("what", [what for what in CHANGES if what != "logging out by a link"])
def test_the_new_form_works_on_this_django(what):
    run(code_in(CHANGES[what][1]))


@pytest.mark.parametrize("what", BY_HAND)
def test_the_change_is_as_described(what):
    assert what in CHANGES
    BY_HAND[what]()


def test_what_is_gone_is_listed_with_its_reason():
    listed = {}
    for names, why in table_below("{ #gone }"):
        for name in re.findall(r"`([^`]+)`", names):
            listed[name] = _plain(why)
    assert listed == {name: _plain(why) for name, why in GONE.items()}


def _plain(text):
    return re.sub("[`'\" |]+", " ", text).strip()


def test_every_old_backend_is_listed():
    section = GUIDE.partition("## Settings")[2].partition("\n## ")[0]
    assert {path for path in _OLD_BACKENDS if f"`{path}`" not in section} == set()
