"""A reader of many channels of the local layer does not pay for each of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.layers.local import LocalChannelLayer


@pytest.fixture
def layer(short_path: Path) -> Iterator[LocalChannelLayer]:
    layer = LocalChannelLayer(folder=short_path / "layer")
    yield layer
    layer.close()


def statements_of_a_take(layer: LocalChannelLayer, number: int) -> list[str]:
    """The SQL that a reader of so many channels, with a message on each, runs to take one."""
    names = [f"work.{n}" for n in range(number)]
    for name in names:
        layer.send(name, {"name": name})
    reader = layer.open_reader(names)
    seen: list[str] = []
    layer.run(lambda store: store.sql.set_trace_callback(seen.append))
    _, delivery = reader.take(block_s=1.0)
    layer.run(lambda store: store.sql.set_trace_callback(None))
    reader.close()
    layer.flush()
    assert delivery is not None
    return seen


def test_a_reader_of_300_channels_runs_no_more_statements_than_one_of_three(
    layer: LocalChannelLayer,
) -> None:
    few, many = statements_of_a_take(layer, 3), statements_of_a_take(layer, 300)
    assert len(many) == len(few)


def test_each_of_many_channels_has_its_turn_before_one_is_served_again(
    layer: LocalChannelLayer,
) -> None:
    names = [f"work.{n}" for n in range(40)]
    for name in names * 2:
        layer.send(name, {})
    reader = layer.open_reader(names)
    taken = [delivery.channel for _ in names if (delivery := reader.take()[1])]
    reader.close()
    assert sorted(taken) == sorted(names)
