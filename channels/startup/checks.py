"""System checks, run by manage.py before it does anything: settings, packages, routes, decorators.

They import what the settings name, and do no network I/O. Errors (E) keep a worker from its work;
warnings (W) are what is probably not meant, notes (I) what is harmless; both can be silenced in
SILENCED_SYSTEM_CHECKS.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import os
import traceback
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from django.conf import settings
from django.core.checks import CheckMessage, Error, Info, Warning, register
from django.core.exceptions import ImproperlyConfigured

from channels.applications.default import runs_in_process
from channels.asgi import load_backend
from channels.exceptions import InvalidChannelLayerError
from channels.package_checks import find_conflicts, find_dependents, find_old_versions
from channels.startup.hints import did_you_mean
from channels.startup.installed import find_hidden_commands
from channels.startup.rooms import ROOMS, find_room_problem

#: What a check gives.
Findings: TypeAlias = list[CheckMessage]

#: What an entry of CHANNEL_LAYERS may hold.
LAYER_KEYS = ("BACKEND", "CONFIG", "MIDDLEWARE", "ROUTING", "TEST_CONFIG")

_NO_STAND_IN = (
    "{} need(s) the distribution 'channels', which is not installed: the next pip install would "
    "bring PyPI's own, which overwrites files of this package. Install the stand-in, which says "
    "that this one is there: see 'Packages that need channels' in the documentation"
)
_HIDDEN = (
    "manage.py {0} is that of {1}, which stands before 'channels' in INSTALLED_APPS and hides "
    "ours: put 'channels' before {1!r}, or remove that"
)


@register("channels")
def check_environment(app_configs: object = None, **kwargs: object) -> Findings:
    """Is something else installed, or lying about, that hides a part of this package?"""
    found = [_error("E001", text) for text in map(find_room_problem, ROOMS) if text]
    found += [_error("E002", text) for text in find_conflicts()]
    found += [_error("E003", text) for text in find_old_versions()]
    found += [
        _warning("W003", _HIDDEN.format(name, owner))
        for name, owner in find_hidden_commands()
        # Daphne's own serves ASGI_APPLICATION as well as ours does.
        if not (name == "runserver" and owner == "daphne" and runs_in_process())
    ]
    dependents = find_dependents()
    if dependents:
        found.append(_warning("W002", _NO_STAND_IN.format(", ".join(dependents))))
    return found


@register("channels")
def check_settings(app_configs: object = None, **kwargs: object) -> Findings:
    """Are CHANNEL_LAYERS and CHANNEL_SESSION_ENGINE well formed, and is there what they name?"""
    found = _check_session_engine()
    layers = getattr(settings, "CHANNEL_LAYERS", {})
    if not isinstance(layers, dict):
        return [*found, _error("E010", f"CHANNEL_LAYERS must be a dict, got {_kind(layers)}")]
    for alias, entry in layers.items():
        found += _check_layer(f"CHANNEL_LAYERS[{alias!r}]", alias, entry)
    return found


@register("channels")
def check_routes(app_configs: object = None, **kwargs: object) -> Findings:
    """Can every route work, and does each probably do what is meant?"""
    if find_room_problem("routing"):
        return []  # which check_environment tells
    found = []
    for alias, routing in _routings():
        found += _check_routing(f"CHANNEL_LAYERS[{alias!r}]", routing)
    return found


@register("channels")
def check_application(app_configs: object = None, **kwargs: object) -> Findings:
    """Is there what ASGI_APPLICATION names, and can it be called?"""
    if not getattr(settings, "ASGI_APPLICATION", None) or find_room_problem("routing"):
        return []
    from channels.routing import get_default_application

    named = settings.ASGI_APPLICATION
    try:
        application = get_default_application()
    except ImproperlyConfigured as error:
        return [_error("E040", str(error))]
    except Exception as error:  # the module is the user's: it may raise anything
        text = f"ASGI_APPLICATION: can't import {named!r}: {type(error).__name__}: {error}"
        return [_error("E040", text, _find_users_line(error))]
    if not callable(application):
        return [_error("E041", f"ASGI_APPLICATION names {named!r}, which is {_kind(application)}")]
    from channels.startup.handlers import find_unrun_handlers

    return [_warning("W018", text, hint) for text, hint in find_unrun_handlers(application)]


def _check_session_engine() -> Findings:
    path = getattr(settings, "CHANNEL_SESSION_ENGINE", None)
    if path is None:
        return []
    try:
        engine = importlib.import_module(path)
    except Exception as error:  # the module may be the user's: it may raise anything
        text = f"CHANNEL_SESSION_ENGINE: can't import {path!r}: {type(error).__name__}: {error}"
        return [_error("E020", text, "Remove it to keep channel sessions in the channel layer.")]
    if not hasattr(engine, "SessionStore"):
        return [_error("E020", f"CHANNEL_SESSION_ENGINE: {path!r} has no SessionStore")]
    return []


def _check_layer(where: str, alias: str, entry: object) -> Findings:
    if not isinstance(entry, dict):
        return [_error("E011", f"{where} must be a dict, got {_kind(entry)}")]
    found = [] if "BACKEND" in entry else [_error("E012", f"{where} has no BACKEND: add it")]
    found += [
        _warning("W001", f"{where} has an unknown key {key!r}{did_you_mean(str(key), LAYER_KEYS)}")
        for key in entry
        if key not in LAYER_KEYS
    ]
    found += [
        _error("E013", f"{where}[{key!r}] must be a dict, got {_kind(entry[key])}")
        for key in ("CONFIG", "TEST_CONFIG")
        if key in entry and not isinstance(entry[key], dict)
    ]
    return found + _check_backend(where, alias, entry)


def _check_backend(where: str, alias: str, entry: dict[str, Any]) -> Findings:
    if "BACKEND" not in entry:
        return []
    if not isinstance(entry["BACKEND"], str):
        return [_error("E014", f"{where}: BACKEND must be a dotted path to a class")]
    try:
        backend = load_backend(entry["BACKEND"], alias)
        known = _find_config_keys(backend)
    except InvalidChannelLayerError as error:
        return [_error("E014", str(error))]
    except (TypeError, ValueError) as error:
        return [_error("E014", f"{where}: {entry['BACKEND']} can't be called: {error}")]
    idle = getattr(backend, "without_effect", {})
    found = [
        _note("I001", f"{where}[{key!r}]: {name!r} has no effect: {idle[name]}")
        for key in ("CONFIG", "TEST_CONFIG")
        for name in (entry[key] if isinstance(entry.get(key), dict) else ())
        if name in idle
    ]
    if known is None:
        return found
    return found + [
        _error("E015", f"{where}[{key!r}]: {entry['BACKEND']} takes no {name!r}" + hint)
        for key in ("CONFIG", "TEST_CONFIG")
        for name in (entry[key] if isinstance(entry.get(key), dict) else ())
        for hint in [did_you_mean(str(name), known)]
        if name not in known
    ]


def _find_config_keys(backend: Any) -> list[str] | None:
    """Return what a backend takes as CONFIG; None if that is not known.

    `**config` of our own layers goes on to the class above; that of others may mean anything.
    """
    if not inspect.isclass(backend):
        names, takes_more = _keywords(backend)
        return None if takes_more else names
    known = []
    for one in backend.__mro__:
        if "__init__" in vars(one):
            (_self, *names), takes_more = _keywords(vars(one)["__init__"])
            known += names
            if not takes_more:
                return known
            if one.__module__.partition(".")[0] != __name__.partition(".")[0]:
                return None
    return None


def _keywords(function: Callable[..., Any]) -> tuple[list[str], bool]:
    """The names of a function's parameters, and whether it has a `**config` besides."""
    parameters = inspect.signature(function).parameters.values()
    names = [one.name for one in parameters if one.kind is not one.VAR_KEYWORD]
    return names, len(names) < len(parameters)


def _routings() -> Iterator[tuple[str, Any]]:
    layers = getattr(settings, "CHANNEL_LAYERS", {})
    for alias, entry in layers.items() if isinstance(layers, dict) else ():
        if isinstance(entry, dict) and "ROUTING" in entry:
            yield alias, entry["ROUTING"]


def _check_routing(where: str, routing: Any) -> Findings:
    from channels.routing import InvalidRoute, Router, find_doubts

    try:
        router = Router(routing)
    except InvalidRoute as error:
        return [_error("E030", f"{where}: {error}", _find_line(error, Router))]
    return [_warning(code, f"{where}: {text}", hint) for code, text, hint in find_doubts(router)]


def _find_line(error: BaseException, router_class: type) -> str | None:
    """Return a hint with the project's line that led to an InvalidRoute; None if none did."""
    return _find_users_line(error, os.path.dirname(inspect.getfile(router_class)))


def _find_users_line(error: BaseException, *machinery: str) -> str | None:
    """Return a hint with the project's line that led to an error; None if none did."""
    machinery = (
        *machinery,
        os.path.dirname(os.path.dirname(__file__)),
        os.path.dirname(importlib.__file__),
        contextlib.__file__,
        "<frozen",
    )
    frames = [
        frame
        for one in (error, error.__cause__)
        for frame in traceback.extract_tb(one.__traceback__ if one else None)
        if not frame.filename.startswith(machinery)
    ]
    place = f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else None
    place = place or getattr(error, "made_at", None)
    return f"See {place}." if place else None


def _kind(value: object) -> str:
    return f"{type(value).__name__} {value!r}"


def _error(code: str, text: str, hint: str | None = None) -> CheckMessage:
    return Error(text, hint=hint, id=f"channels.{code}")


def _note(code: str, text: str, hint: str | None = None) -> CheckMessage:
    return Info(text, hint=hint, id=f"channels.{code}")


def _warning(code: str, text: str, hint: str | None = None) -> CheckMessage:
    return Warning(text, hint=hint, id=f"channels.{code}")
