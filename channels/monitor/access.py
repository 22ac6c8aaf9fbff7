"""Who may see the live page, and who may act on it."""

from __future__ import annotations

from typing import Any

from channels.monitor.models import LivePage

_APP = LivePage._meta.app_label
_NAME = LivePage._meta.model_name
VIEW = f"{_APP}.view_{_NAME}"
CHANGE = f"{_APP}.change_{_NAME}"


def may_view(user: Any) -> bool:
    """Whether `user` may see the page: a staff user who may view, or change, it."""
    return bool(user.is_active and user.is_staff and (user.has_perm(VIEW) or user.has_perm(CHANGE)))


def may_act(user: Any) -> bool:
    """Whether `user` may replay, purge, drain and close."""
    return bool(user.is_active and user.is_staff and user.has_perm(CHANGE))
