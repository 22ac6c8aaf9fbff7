"""Bindings of a test, which are forgotten after it."""

import pytest
from django.db.models import signals

from channels.binding.base import BindingMetaclass
from tests.channels.binding.models import Label, Note

SIGNALS = (signals.pre_save, signals.post_save, signals.pre_delete, signals.post_delete)


@pytest.fixture(autouse=True)
def _forget_bindings(monkeypatch):
    monkeypatch.setattr(BindingMetaclass, "binding_classes", [])
    receivers = [signal.receivers for signal in SIGNALS]
    yield
    for signal, before in zip(SIGNALS, receivers, strict=True):
        signal.receivers = before
        signal.sender_receivers_cache.clear()


@pytest.fixture(autouse=True)
def _own_receivers():
    """Let what a test connects go into lists of its own."""
    for signal in SIGNALS:
        signal.receivers = list(signal.receivers)


@pytest.fixture
def notes(database, layer):
    """An empty table of notes, and a fresh layer."""
    Note.objects.all().delete()
    Label.objects.all().delete()
    return Note.objects
