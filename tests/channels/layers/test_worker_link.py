"""What a worker knows of the others."""

import pytest

from channels.layers.worker_link import STANDS_STILL_S, loads_of


@pytest.mark.parametrize(
    ("worker", "loads"),
    [
        ({"sockets": 7}, [7]),
        ({"sockets": 0}, [0]),
        ({}, []),
        ({"sockets": 7, "is_full": True}, []),
        ({"sockets": 7, "seen_s": STANDS_STILL_S}, []),
    ],
    ids=["some", "none yet", "hosts no applications", "full", "stands still"],
)
def test_sockets_even_out_among_workers_that_can_take_some(worker, loads):
    assert loads_of([{"seen_s": 1.0, **worker}]) == loads
