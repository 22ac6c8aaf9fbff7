"""`Binding`: what a model's changes say to groups, and what messages may do to a model."""

from __future__ import annotations

import functools
import inspect
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.apps import apps
from django.db.models.signals import post_delete, post_save, pre_delete, pre_save

from channels.auth import channel_session_user
from channels.binding.commits import Announcement, announce
from channels.consuming.strict_json import NotJson
from channels.exceptions import InvalidFrame
from channels.messages import CloseCode
from channels.sessions import channel_session

if TYPE_CHECKING:
    from django.db.models import Model

    from channels.consuming.decorators import Decorator
    from channels.message import Message
    from channels.messages import Content

logger = logging.getLogger("django.channels")

CREATE = "create"
UPDATE = "update"
DELETE = "delete"


class BindingMetaclass(type):
    """Checks each binding class, and keeps it until Django's models are there to be followed."""

    register_immediately = False
    binding_classes: ClassVar[list[type[Binding]]] = []

    def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
        klass: Any = super().__new__(cls, name, bases, body)
        if bases:
            klass.check_declaration()
            cls.binding_classes.append(klass)
            if cls.register_immediately:
                klass.register()
        return klass

    @classmethod
    def register_all(cls) -> None:
        """Register what has been made so far, and from now on each class as it is made."""
        for binding_class in cls.binding_classes:
            binding_class.register()
        cls.register_immediately = True


class Binding(metaclass=BindingMetaclass):
    """Two-way binding between a model and the groups, or sockets, that follow it.

    Outbound, for which a subclass defines group_names() and serialize(): what is saved or deleted
    is told to groups when its transaction commits. Inbound, for which it defines has_permission(),
    deserialize(), create() and update(): a message makes, changes or deletes an instance.

    A subclass that sets `model = None` itself is abstract. Others must set `model`, and `fields` or
    `exclude`; a ValueError says so where the class is made.
    """

    #: A model class, or "app_label.ModelName".
    model: Any = None
    #: The names of the fields to send and to take; ["__all__"] for all.
    fields: Sequence[str] | None = None
    #: The names of the fields not to send and not to take, instead of `fields`.
    exclude: Sequence[str] | None = None

    #: Whether incoming messages get `message.user`, and are told apart by it.
    channel_session_user: bool = True
    #: Whether incoming messages get `message.channel_session`.
    channel_session: bool = False

    #: The keyword arguments of the signal that is being told about (post_save or post_delete).
    signal_kwargs: dict[str, Any] | None = None

    #: The name of the stream, of those that have one.
    stream: str | None = None
    #: Of the model: "app_label.modelname".
    model_label: str

    #: What is told about, while something is; or what a message asks for.
    instance: Model
    message: Message
    kwargs: dict[str, Any]
    action: str
    pk: Any
    data: Any
    user: Any

    _handler: ClassVar[tuple[tuple[Decorator, ...], Callable[..., Any]]]

    @classmethod
    def check_declaration(cls) -> None:
        """Raise ValueError if the class lacks what it needs. Abstract classes need nothing."""
        if cls._is_abstract():
            return
        if cls.model is None:
            raise ValueError(
                f"You must set the model attribute on Binding {cls!r}: a model, or "
                '"app_label.ModelName" (or None, if it is a base for other bindings)'
            )
        if cls.fields is None and cls.exclude is None:
            raise ValueError(
                f"You must set the fields or exclude attribute on Binding {cls!r}: a list of field "
                'names; fields = ["__all__"] takes all of them'
            )
        for attribute in ("fields", "exclude"):
            value = getattr(cls, attribute)
            if isinstance(value, str) and value != "__all__":
                raise ValueError(f"{attribute} of Binding {cls!r} must be a list, got {value!r}")

    @classmethod
    def _is_abstract(cls) -> bool:
        return cls.model is None and "model" in cls.__dict__

    @classmethod
    def register(cls) -> None:
        """Follow the signals of the model."""
        for model in cls.get_registered_models():
            pre_save.connect(cls.pre_save_receiver, sender=model)
            post_save.connect(cls.post_save_receiver, sender=model)
            pre_delete.connect(cls.pre_delete_receiver, sender=model)
            post_delete.connect(cls.post_delete_receiver, sender=model)

    @classmethod
    def get_registered_models(cls) -> list[type[Model]]:
        """Return the models to follow, as a list: `model`, found by its name if it is one."""
        if cls._is_abstract():
            return []
        if isinstance(cls.model, str):
            cls.model = apps.get_model(cls.model)
        cls.model_label = cls.model._meta.label_lower
        return [cls.model]

    @classmethod
    def _has_field(cls, name: str) -> bool:
        """Whether the field `name` is sent and taken."""
        if cls.fields is None:
            return name not in (cls.exclude or ())
        return cls._has_all_fields() or name in cls.fields

    @classmethod
    def _has_all_fields(cls) -> bool:
        return cls.fields == "__all__" or "__all__" in (cls.fields or ())

    # -- outbound -------------------------------------------------------------------------------

    @classmethod
    def encode(cls, stream: str | None, payload: Any) -> Content:
        """Return the message that carries `payload` on `stream`."""
        raise NotImplementedError(f"{cls.__qualname__} must define encode(stream, payload)")

    @classmethod
    def pre_save_receiver(cls, instance: Model, **kwargs: Any) -> None:
        cls.pre_change_receiver(instance, CREATE if instance._state.adding else UPDATE)

    @classmethod
    def post_save_receiver(cls, instance: Model, created: bool, **kwargs: Any) -> None:
        cls.post_change_receiver(instance, CREATE if created else UPDATE, **kwargs)

    @classmethod
    def pre_delete_receiver(cls, instance: Model, **kwargs: Any) -> None:
        cls.pre_change_receiver(instance, DELETE)

    @classmethod
    def post_delete_receiver(cls, instance: Model, **kwargs: Any) -> None:
        cls.post_change_receiver(instance, DELETE, **kwargs)

    @classmethod
    def pre_change_receiver(cls, instance: Model, action: str) -> None:
        """Note which groups followed the instance before it changes."""
        names: set[str] = set() if action == CREATE else cls._find_group_names(instance, action)
        vars(instance).setdefault("_binding_group_names", {})[cls] = names

    @classmethod
    def post_change_receiver(cls, instance: Model, action: str, **kwargs: Any) -> None:
        """Tell the groups: for those that follow it no more it is deleted, for new ones created."""
        old: set[str] = vars(instance).get("_binding_group_names", {}).get(cls, set())
        new: set[str] = set() if action == DELETE else cls._find_group_names(instance, action)
        self = cls()
        self.instance = instance
        self.send_messages(instance, old - new, DELETE, **kwargs)
        self.send_messages(instance, old & new, UPDATE, **kwargs)
        self.send_messages(instance, new - old, CREATE, **kwargs)

    @classmethod
    def _find_group_names(cls, instance: Model, action: str) -> set[str]:
        arguments: tuple[Any, ...] = (instance,)
        if _wants_action(cls.group_names):
            arguments = (instance, action)
        names = cls.group_names(*arguments)
        if isinstance(names, (str, bytes)):
            raise TypeError(
                f"{cls.__qualname__}.group_names() must return a list of names, got the string "
                f"{names!r}: wrap it in a list"
            )
        return set(names)

    def send_messages(
        self, instance: Model, group_names: Iterable[str], action: str, **kwargs: Any
    ) -> None:
        """Serialize the instance, and tell each group when the transaction commits.

        What is told is what was true at the signal, whose arguments are `kwargs`.
        """
        if not group_names:
            return
        self.signal_kwargs = kwargs
        payload = self.serialize(instance, action)
        if payload == {}:
            return
        label = f"{action} of {instance._meta.label} {instance.pk}"
        try:
            message = self.encode(self.stream, payload)
        except NotJson as error:
            logger.error("%s is saved, but its groups don't hear of it: %s", label, error)
            return
        using = kwargs.get("using") or instance._state.db or "default"
        announce(Announcement(label, sorted(group_names), message), using)

    @classmethod
    def group_names(cls, instance: Any) -> Iterable[str]:
        """Return the names of the groups that follow `instance`."""
        raise NotImplementedError(f"{cls.__qualname__} must define group_names(instance)")

    def serialize(self, instance: Any, action: str) -> Any:
        """Return what to tell about `instance`; {} tells nothing."""
        raise NotImplementedError(
            f"{type(self).__qualname__} must define serialize(instance, action)"
        )

    # -- inbound --------------------------------------------------------------------------------

    @classmethod
    def trigger_inbound(cls, message: Message, **kwargs: Any) -> None:
        """Do what `message` asks for, if its user may."""
        from django.contrib.auth.models import AnonymousUser

        self = cls()
        self.message = message
        self.kwargs = kwargs
        self.action, self.pk, self.data = self.deserialize(message)
        self.user = getattr(message, "user", None) or AnonymousUser()
        self.run_action(self.action, self.pk, self.data)

    @classmethod
    def get_handler(cls) -> Callable[..., Any]:
        """Return trigger_inbound in the decorators the class asks for."""
        handler: Callable[..., Any] = cls.trigger_inbound
        for decorator in cls._decorators():
            handler = decorator(handler)
        return handler

    @classmethod
    def _decorators(cls) -> tuple[Decorator, ...]:
        """The decorators to wear, the innermost first."""
        if cls.channel_session_user:
            return (channel_session_user,)
        return (channel_session,) if cls.channel_session else ()

    @classmethod
    def consumer(cls, message: Message, **kwargs: Any) -> None:
        """Consume a message: this goes into a route, or among a demultiplexer's consumers."""
        cls._find_handler()(message, **kwargs)

    @classmethod
    def _find_handler(cls) -> Callable[..., Any]:
        """Decorating takes longer than the rest, so it is done once for each class."""
        decorators = cls._decorators()
        known = cls.__dict__.get("_handler")
        if known is None or known[0] != decorators:
            known = cls._handler = decorators, cls.get_handler()
        return known[1]

    def deserialize(self, message: Message) -> tuple[Any, Any, Any]:
        """Return (action, pk, data); pk is None for a creation, data is None for a deletion."""
        raise NotImplementedError(f"{type(self).__qualname__} must define deserialize(message)")

    def has_permission(self, user: Any, action: str, pk: Any) -> bool:
        """Return whether `user` (perhaps an AnonymousUser) may do `action` to the instance `pk`.

        `action` is "create", "update" or "delete".
        """
        raise NotImplementedError(
            f"{type(self).__qualname__} must define has_permission(user, action, pk)"
        )

    def run_action(self, action: str, pk: Any, data: Any) -> None:
        """Call create(), update() or delete(), if the user may."""
        if not self.has_permission(self.user, action, pk):
            logger.debug("%s: %s may not %s %r", type(self).__qualname__, self.user, action, pk)
        elif action == CREATE:
            self.create(data)
        elif action == UPDATE:
            self.update(pk, data)
        elif action == DELETE:
            self.delete(pk)
        else:
            raise self.refusal(f"Bad action {action!r}: expected create, update or delete")

    def refusal(self, problem: str) -> InvalidFrame:
        """Return the exception for a message that can't be taken; it closes the socket: 1007."""
        return InvalidFrame(CloseCode.INVALID_PAYLOAD, f"{type(self).__qualname__}: {problem}")

    def create(self, data: Any) -> None:
        """Make an instance from `data`."""
        raise NotImplementedError(f"{type(self).__qualname__} must define create(data)")

    def update(self, pk: Any, data: Any) -> None:
        """Put `data` into the instance `pk`."""
        raise NotImplementedError(f"{type(self).__qualname__} must define update(pk, data)")

    def delete(self, pk: Any) -> None:
        """Delete the instance `pk`."""
        self.model.objects.filter(pk=pk).delete()


@functools.cache
def _wants_action(group_names: Callable[..., Any]) -> bool:
    """Until Channels 1.0 it took the action as well; tutorials of that time still define it so."""
    parameters = inspect.signature(group_names).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return len([p for p in parameters if p.kind in kinds and p.default is p.empty]) > 1
