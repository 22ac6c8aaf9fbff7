"""The live page inside Django's admin: the page itself, and what it reads and does over HTTP."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from channels.consuming.logout import what_to_do
from channels.exceptions import InvalidName, LayerUnavailable
from channels.monitor.access import may_act, may_view
from channels.monitor.actions import BadRequest, act
from channels.monitor.consumers import read_or_explain
from channels.monitor.models import LivePage
from channels.monitor.reading import dead_letters_of, default_layer, status_reader

logger = logging.getLogger("django.channels")

#: How many members of a group are listed.
SHOWN_MEMBERS = 200


@admin.register(LivePage)
class LivePageAdmin(admin.ModelAdmin):  # type: ignore[type-arg]
    """Takes the place of the list of objects that the admin would show."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return may_view(request.user)

    def has_view_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return may_view(request.user)

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return may_act(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def get_urls(self) -> list[URLPattern]:
        wrap = self.admin_site.admin_view
        return [
            path("", wrap(self.show), name="channels_monitor_livepage_changelist"),
            path("status/", wrap(self.status), name="channels_monitor_status"),
            path("dead-letters/", wrap(self.dead_letters), name="channels_monitor_dead_letters"),
            path("members/", wrap(self.members), name="channels_monitor_members"),
            path("act/", wrap(self.act), name="channels_monitor_act"),
        ]

    def show(self, request: HttpRequest) -> HttpResponse:
        """The page."""
        _require(may_view(request.user))
        context = {
            **self.admin_site.each_context(request),
            "title": "Channels, live",
            "may_act": may_act(request.user),
            "knows_users": what_to_do() == "close",
            "opts": self.model._meta,
        }
        return TemplateResponse(request, "admin/channels_monitor/live_page.html", context)

    def status(self, request: HttpRequest) -> HttpResponse:
        """What the WebSocket brings, for browsers that can't open one."""
        _require(may_view(request.user))
        return JsonResponse(read_or_explain())

    def dead_letters(self, request: HttpRequest) -> HttpResponse:
        """The dead letters of `?channel=`, with what is in them."""
        _require(may_view(request.user))
        return _answer(lambda: {"letters": dead_letters_of(request.GET.get("channel", ""))})

    def members(self, request: HttpRequest) -> HttpResponse:
        """The first members of `?group=`."""
        _require(may_view(request.user))

        def read() -> dict[str, Any]:
            names = sorted(default_layer().group_channels(request.GET.get("group", "")))
            return {"members": names[:SHOWN_MEMBERS], "more": max(len(names) - SHOWN_MEMBERS, 0)}

        return _answer(read)

    def act(self, request: HttpRequest) -> HttpResponse:
        """Do what the JSON body asks for; see channels.monitor.actions."""
        _require(may_act(request.user))
        if request.method != "POST":
            return JsonResponse({"error": "an action is a POST"}, status=405)

        def do() -> dict[str, Any]:
            try:
                asked = json.loads(request.body)
            except ValueError as error:
                raise BadRequest(f"the body is not JSON: {error}") from error
            if not isinstance(asked, dict):
                raise BadRequest(f"the body must be a JSON object, got {type(asked).__name__}")
            done = act(asked)
            self.log_action(request, done)
            status_reader.forget()
            return {"done": done}

        return _answer(do)

    @staticmethod
    def log_action(request: HttpRequest, done: str) -> None:
        """Leave a trace of who did what, in the log."""
        logger.warning("%s, on the live page: %s", request.user.get_username(), done)


def _require(allowed: bool) -> None:
    if not allowed:
        raise PermissionDenied


def _answer(read: Callable[[], dict[str, Any]]) -> JsonResponse:
    try:
        return JsonResponse(read())
    except (BadRequest, InvalidName) as error:
        return JsonResponse({"error": str(error)}, status=400)
    except LayerUnavailable as error:
        return JsonResponse({"error": str(error)}, status=503)
    except NotImplementedError as error:
        return JsonResponse({"error": str(error)}, status=501)
