"""The verbs of a layer that keeps its messages in one store, for threads and for coroutines.

An engine says what each verb does, as a *step*: a function of its store, a coroutine function, a
plan; and how a step is run. All else that verbs have in common is here: names are checked, messages
packed, refusals raised, and each verb has its two forms.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Generic, Protocol, TypeAlias, TypeVar

from channels.layers import names
from channels.layers.base import BaseChannelLayer
from channels.layers.operations import Operation, raise_refusal
from channels.messages import Content

#: What the `run` of a layer takes. The layer and its steps alone know what it is.
EngineStep: TypeAlias = Any


class EngineSteps(Protocol):
    """What an engine makes of each verb: an EngineStep, whose result is said here.

    Names are checked.
    """

    def carry_out(self, operation: Operation) -> EngineStep:
        """Step: one operation; gives None, or the exception that refuses it, or raises that."""

    def group_add(self, group: str, channel: str) -> EngineStep:
        """Step: gives None."""

    def group_discard(self, group: str, channel: str) -> EngineStep:
        """Step: gives None."""

    def group_discard_all(self, channel: str) -> EngineStep:
        """Step: gives the names of the groups that the channel was in, as a list."""

    def group_channels(self, group: str) -> EngineStep:
        """Step: gives the full names of the live members, as a list."""

    def flush(self) -> EngineStep:
        """Step: remove everything."""

    def channel_statistics(self, channel: str) -> EngineStep:
        """Step: gives a dict, see BaseChannelLayer."""

    def global_statistics(self) -> EngineStep:
        """Step: gives a dict, see BaseChannelLayer."""

    def dead_letter_channels(self) -> EngineStep:
        """Step: gives the sorted names of the queues that have dead letters."""

    def dead_letters(self, channel: str) -> EngineStep:
        """Step: gives the dead letters, oldest first, in the form that the layer reads."""

    def replay_dead_letters(self, channel: str, ids: Collection[str] | None) -> EngineStep:
        """Step: gives the number of dead letters that were sent again."""

    def purge_dead_letters(self, channel: str, ids: Collection[str] | None) -> EngineStep:
        """Step: gives the number of dead letters that were removed."""


#: The EngineSteps of an engine.
AnySteps = TypeVar("AnySteps", bound=EngineSteps)


class LayerOverStore(BaseChannelLayer, Generic[AnySteps]):
    """A layer whose verbs are steps. A subclass sets `steps`, and gives `run` (and `arun`)."""

    #: All that there is: an engine that lacks something says so.
    extensions: Sequence[str] = (
        "groups",
        "flush",
        "statistics",
        "async",
        "delay",
        "sessions",
        "ordering",
        "presence",
        "acknowledged",
        "status",
    )
    is_local = False

    steps: AnySteps

    def run(self, step: EngineStep) -> Any:
        """Run a step; return its result. Raises LayerUnavailable."""
        raise NotImplementedError

    async def arun(self, step: EngineStep) -> Any:
        """`run`, as a coroutine; a store that makes nobody wait needs no other."""
        return self.run(step)

    # -- channels -----------------------------------------------------------------------------

    def send(self, channel: str, message: Content, delay_s: float = 0.0) -> None:
        operation = self.prepare_send(channel, message, delay_s)
        raise_refusal(self.run(self.steps.carry_out(operation)))

    async def asend(self, channel: str, message: Content, delay_s: float = 0.0) -> None:
        operation = self.prepare_send(channel, message, delay_s)
        raise_refusal(await self.arun(self.steps.carry_out(operation)))

    # -- groups -------------------------------------------------------------------------------

    def group_add(self, group: str, channel: str) -> None:
        self.run(self.steps.group_add(*_checked(group, channel)))

    async def agroup_add(self, group: str, channel: str) -> None:
        await self.arun(self.steps.group_add(*_checked(group, channel)))

    def group_discard(self, group: str, channel: str) -> None:
        self.run(self.steps.group_discard(*_checked(group, channel)))

    async def agroup_discard(self, group: str, channel: str) -> None:
        await self.arun(self.steps.group_discard(*_checked(group, channel)))

    def group_discard_all(self, channel: str) -> list[str]:
        step = self.steps.group_discard_all(names.check_channel_name(channel))
        groups: list[str] = self.run(step)
        return groups

    def group_channels(self, group: str) -> list[str]:
        members: list[str] = self.run(self.steps.group_channels(names.check_group_name(group)))
        return members

    async def agroup_channels(self, group: str) -> list[str]:
        step = self.steps.group_channels(names.check_group_name(group))
        members: list[str] = await self.arun(step)
        return members

    def send_group(self, group: str, message: Content) -> None:
        self.run(self.steps.carry_out(self.prepare_send_group(group, message)))

    async def asend_group(self, group: str, message: Content) -> None:
        await self.arun(self.steps.carry_out(self.prepare_send_group(group, message)))

    # -- flush, statistics ----------------------------------------------------------------------

    def flush(self) -> None:
        self.run(self.steps.flush())

    def channel_statistics(self, channel: str) -> dict[str, Any]:
        statistics: dict[str, Any] = self.run(
            self.steps.channel_statistics(names.check_channel_name(channel))
        )
        return statistics

    def global_statistics(self) -> dict[str, Any]:
        statistics: dict[str, Any] = self.run(self.steps.global_statistics())
        return statistics

    # -- dead letters ---------------------------------------------------------------------------

    def dead_letter_channels(self) -> list[str]:
        channels: list[str] = self.run(self.steps.dead_letter_channels())
        return channels

    def dead_letters(self, channel: str) -> list[dict[str, Any]]:
        letters: list[dict[str, Any]] = self.run(
            self.steps.dead_letters(names.check_channel_name(channel))
        )
        return letters

    def replay_dead_letters(self, channel: str, ids: Collection[str] | None = None) -> int:
        count: int = self.run(
            self.steps.replay_dead_letters(names.check_channel_name(channel), ids)
        )
        return count

    def purge_dead_letters(self, channel: str, ids: Collection[str] | None = None) -> int:
        count: int = self.run(self.steps.purge_dead_letters(names.check_channel_name(channel), ids))
        return count


def _checked(group: str, channel: str) -> tuple[str, str]:
    return names.check_group_name(group), names.check_channel_name(channel)
