"""Who a process is, as its channel layer's registry shows it to others."""

from __future__ import annotations

import functools
import hashlib
import os
import socket
import sys
from pathlib import Path
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from channels.metrics import hooks
from channels.startup.commit import find_commit


def describe_process() -> dict[str, Any]:
    """Return what other processes are to know of this one: host, pid, version, project,
    what starts it again, and where it shows its figures."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "version": code_version(),
        "project": project_marks(),
        "restarted_by": find_restarter(),
        "metrics": hooks.address,
    }


def find_restarter() -> str | None:
    """Return what starts this process again when it dies, as its environment shows; or None."""
    marks = {
        "SUPERVISOR_ENABLED": "supervisord",
        "KUBERNETES_SERVICE_HOST": "Kubernetes",
        "INVOCATION_ID": "systemd",
    }
    for variable, restarter in marks.items():
        if os.environ.get(variable):
            return restarter
    return "a container's engine" if os.path.exists("/.dockerenv") else None


def code_version() -> str:
    """Return the version of the project's code.

    The environment variable CHANNELS_CODE_VERSION, or else the setting of that name, or else the
    git commit of the project's folder when this process first asked, or else "unknown".
    """
    named = os.environ.get("CHANNELS_CODE_VERSION") or _setting("CHANNELS_CODE_VERSION")
    return str(named or _commit_at_start() or "unknown")


@functools.cache
def _commit_at_start() -> str | None:
    """The commit that the project's folder had: this process runs that code until it ends."""
    settings_module = sys.modules.get(os.environ.get("DJANGO_SETTINGS_MODULE", ""))
    file = getattr(settings_module, "__file__", None)
    return find_commit(Path(file).resolve().parent) if file else None


def project_marks() -> list[str]:
    """Return marks of the project's SECRET_KEY and SECRET_KEY_FALLBACKS.

    Two processes are of one project if they share a mark; a process whose project is not known has
    none. A mark is too short to tell the key, or to check a guess of it.
    """
    keys = [_setting("SECRET_KEY"), *(_setting("SECRET_KEY_FALLBACKS") or ())]
    return [_mark(key) for key in keys if key]


def _mark(key: str | bytes) -> str:
    text = key if isinstance(key, bytes) else str(key).encode()
    return hashlib.blake2b(text, digest_size=4, person=b"channels").hexdigest()


def _setting(name: str) -> Any:
    from django.conf import settings

    try:
        return getattr(settings, name, None)
    except ImproperlyConfigured:  # no settings, or an empty SECRET_KEY
        return None
