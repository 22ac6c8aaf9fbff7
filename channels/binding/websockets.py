"""Bindings whose two ends are a model and a stream of a demultiplexed WebSocket."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django.core import serializers
from django.core.exceptions import FieldDoesNotExist, ValidationError
from django.core.serializers.json import DjangoJSONEncoder

from channels.binding.base import CREATE, DELETE, UPDATE, Binding
from channels.consuming import strict_json
from channels.generic.websockets import WebsocketMultiplexer
from channels.sessions import enforce_ordering

if TYPE_CHECKING:
    from django.core.serializers.base import DeserializedObject
    from django.db.models import Model

    from channels.consuming.decorators import Decorator
    from channels.message import Message
    from channels.messages import Content


class WebsocketBinding(Binding):
    """A binding for one stream of a WebsocketDemultiplexer, in JSON.

    A subclass sets `model`, `stream`, and `fields` or `exclude`, and defines group_names() and
    has_permission(). What goes out, and with less in it what comes in, is
    `{"action": "update", "pk": 1, "data": {...}, "model": "app.model"}`.
    """

    model: Any = None

    #: The name of the stream.
    stream: str | None = None

    #: Each message of a socket runs after the one before it has ended. Behind a demultiplexer, set
    #: it there instead.
    strict_ordering: bool = False
    slight_ordering: bool = False

    @classmethod
    def check_declaration(cls) -> None:
        super().check_declaration()
        if cls.stream is None and not cls._is_abstract():
            raise ValueError(
                f"You must set the stream attribute on Binding {cls!r}: the name that it has among "
                "the consumers of its demultiplexer"
            )
        if cls.slight_ordering:
            raise ValueError(f"Binding {cls!r} sets slight_ordering, which is always on: remove it")

    @classmethod
    def encode(cls, stream: str | None, payload: Any) -> Content:
        """Return the message that carries `payload` on `stream`."""
        return WebsocketMultiplexer.encode(stream, payload)

    def serialize(self, instance: Any, action: str) -> Any:
        """Return what to tell about `instance`."""
        return {
            "action": action,
            "pk": instance.pk,
            "data": self.serialize_data(instance),
            "model": self.model_label,
        }

    def serialize_data(self, instance: Any) -> dict[str, Any]:
        """Return the fields of `instance` that are sent, as a dict of what JSON can hold."""
        if self._has_all_fields():
            fields: Iterable[str] | None = None
        elif self.fields is not None:
            fields = self.fields
        else:
            fields = [f.name for f in instance._meta.get_fields() if self._has_field(f.name)]
        text = serializers.serialize("json", [instance], fields=fields)
        data: dict[str, Any] = json.loads(text)[0]["fields"]
        return data

    @classmethod
    def _decorators(cls) -> tuple[Decorator, ...]:
        decorators = super()._decorators()
        return (*decorators, enforce_ordering) if cls.strict_ordering else decorators

    @classmethod
    def trigger_inbound(cls, message: Message, **kwargs: Any) -> None:
        """Do what a frame asks for, if its user may; connects and disconnects pass by."""
        if message.channel.name == "websocket.receive":
            super().trigger_inbound(message, **kwargs)

    def deserialize(self, message: Message) -> tuple[Any, Any, Any]:
        """Return (action, pk, data) of the frame that a demultiplexer has unwrapped.

        Raises InvalidFrame if it is none.
        """
        try:
            body = strict_json.loads(message["text"])
            action, pk, data = body["action"], body.get("pk"), body.get("data")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise self.refusal(
                'expected a frame {"action": ..., "pk": ..., "data": {...}}'
            ) from error
        if action in (CREATE, UPDATE) and not isinstance(data, dict):
            raise self.refusal(f"{action}: its data must be an object")
        if action in (UPDATE, DELETE):
            self._check_pk(action, pk)
        return action, pk, data

    def _check_pk(self, action: str, pk: Any) -> None:
        problem = self.refusal(f"{action}: {str(pk)[:100]!r} is no pk of {self.model_label}")
        if not isinstance(pk, (str, int)):
            raise problem
        try:
            self.model._meta.pk.to_python(pk)
        except ValidationError as error:
            raise problem from error

    def _hydrate(self, pk: Any, data: Mapping[str, Any]) -> DeserializedObject:
        """Return `data` as a DeserializedObject: values as the model has them, not yet saved."""
        raw = {"pk": pk, "model": self.model_label, "fields": data}
        try:
            return next(iter(serializers.deserialize("python", [raw])))
        except (serializers.base.DeserializationError, FieldDoesNotExist) as error:
            raise self.refusal(f"its data does not fit {self.model_label}: {error}") from error

    def create(self, data: Any) -> None:
        """Make an instance from `data`; what is not in `fields` is left out."""
        hydrated = self._hydrate(None, self._allowed(data))
        hydrated.object.save(force_insert=True)
        _set_many(hydrated.object, hydrated)

    def update(self, pk: Any, data: Any) -> None:
        """Put `data` into the instance `pk`; what is not in `fields` is left out."""
        instance = self.model.objects.get(pk=pk)
        primary_key = self.model._meta.pk
        data = self._allowed(data)
        data = {n: v for n, v in data.items() if n not in (primary_key.name, primary_key.attname)}
        hydrated = self._hydrate(pk, data)
        for name in data.keys() - (hydrated.m2m_data or {}).keys():
            setattr(instance, name, getattr(hydrated.object, name))
        instance.save()
        _set_many(instance, hydrated)

    def _allowed(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in data.items() if self._has_field(name)}


def _set_many(instance: Model, hydrated: DeserializedObject) -> None:
    for name, values in (hydrated.m2m_data or {}).items():
        getattr(instance, name).set(values)


class WebsocketBindingWithMembers(WebsocketBinding):
    """A WebsocketBinding that also sends attributes, properties and methods of the instance.

    `send_members` lists them; methods are called without an argument. Dots go deeper: "owner.name"
    is sent as "owner__name", and as None if there is no owner.
    """

    model: Any = None
    send_members: Iterable[str] = []
    encoder: json.JSONEncoder = DjangoJSONEncoder()

    def serialize_data(self, instance: Any, **kwargs: Any) -> dict[str, Any]:
        """Return the fields and members of `instance`, as a dict of what JSON can hold."""
        data = super().serialize_data(instance, **kwargs)
        members = {
            path.replace(".", "__"): _read_member(instance, path) for path in self.send_members
        }
        return {**data, **json.loads(self.encoder.encode(members))}


def _read_member(instance: Any, path: str) -> Any:
    member = instance
    for name in path.split("."):
        if member is None:
            return None
        member = getattr(member, name)
    return member() if callable(member) else member
