"""What a binding class needs, and what says so where it is made."""

import pytest

from channels.binding.base import Binding, BindingMetaclass
from channels.binding.websockets import WebsocketBinding, WebsocketBindingWithMembers
from channels.generic.websockets import WebsocketDemultiplexer
from tests.channels.binding.models import Note


def make(bases=(WebsocketBinding,), **attributes):
    return type(bases[0])("Made", bases, {"__module__": __name__, **attributes})


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"stream": "s", "fields": ["title"]}, "You must set the model attribute on .*Made"),
        ({"model": Note, "stream": "s"}, "You must set the fields or exclude attribute on .*Made"),
        ({"model": Note, "fields": ["title"]}, "You must set the stream attribute on .*Made"),
        ({"model": Note, "stream": "s", "fields": "title"}, "fields of .*Made.* list, got 'title'"),
        ({"model": Note, "stream": "s", "exclude": "title"}, "exclude of .*Made.* must be a list"),
        (
            {"model": Note, "stream": "s", "fields": [], "slight_ordering": True},
            "sets slight_ordering, which is always on",
        ),
    ],
)
def test_what_is_missing_is_named_with_the_class(attributes, problem):
    with pytest.raises(ValueError, match=problem):
        make(**attributes)


@pytest.mark.parametrize("bases", [(WebsocketBinding,), (WebsocketBindingWithMembers,), (Binding,)])
def test_a_class_that_sets_model_to_none_is_abstract(bases):
    assert make(bases, model=None).get_registered_models() == []


def test_a_plain_binding_needs_no_stream():
    assert make((Binding,), model=Note, exclude=[]).get_registered_models() == [Note]


def test_a_model_may_be_named():
    binding = make(model="binding.Note", stream="s", fields=["__all__"])
    assert binding.model is Note
    assert binding.model_label == "binding.note"


def test_classes_are_registered_as_they_are_made_once_the_apps_are_loaded():
    assert BindingMetaclass.register_immediately
    assert make(model=Note, stream="s", fields=[]) in BindingMetaclass.binding_classes


def test_classes_made_before_that_are_registered_then(monkeypatch):
    monkeypatch.setattr(BindingMetaclass, "register_immediately", False)
    monkeypatch.setattr(BindingMetaclass, "binding_classes", [])
    binding = make(model="binding.Note", stream="s", fields=[])
    assert binding.model == "binding.Note"

    BindingMetaclass.register_all()

    assert binding.model is Note
    assert BindingMetaclass.register_immediately


def test_an_ordered_binding_is_refused_as_a_stream():
    binding = make(model=Note, stream="s", fields=[], strict_ordering=True)
    with pytest.raises(ValueError, match="Made.* is a stream of .*Streams: .*strict_ordering"):

        class Streams(WebsocketDemultiplexer):
            consumers = {"s": binding.consumer}


@pytest.mark.parametrize(
    ("call", "method"),
    [
        (lambda b: b.group_names(Note()), r"group_names\(instance\)"),
        (lambda b: b.encode("s", {}), "encode"),
        (lambda b: b().serialize(Note(), "create"), "serialize"),
        (lambda b: b().deserialize(None), "deserialize"),
        (lambda b: b().has_permission(None, "create", None), "has_permission"),
        (lambda b: b().create({}), "create"),
        (lambda b: b().update(1, {}), "update"),
    ],
)
def test_a_method_to_be_defined_says_so(call, method):
    binding = make((Binding,), model=Note, fields=[])
    with pytest.raises(NotImplementedError, match=f"Made must define {method}"):
        call(binding)
