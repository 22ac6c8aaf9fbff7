"""How a project's channels are split over workers."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.recipes.parts import BadShard, Shard, parse_shard, plan_workers

CHANNELS = ["http.request", "websocket.receive", "mail", "thumbnails", "images-small"]


def listens_on(part, channel):
    """Whether the worker that a part starts takes a channel."""
    flags = [argument.partition("=")[::2] for argument in part.arguments]
    only = [glob for flag, glob in flags if flag == "--only-channels"]
    exclude = [glob for flag, glob in flags if flag == "--exclude-channels"]
    wanted = not only or any(fnmatch.fnmatchcase(channel, glob) for glob in only)
    return wanted and not any(fnmatch.fnmatchcase(channel, glob) for glob in exclude)


@given(
    st.sets(st.sampled_from(["mail", "thumbnails", "images-*", "http.*", "websocket.*"])),
    st.sets(st.sampled_from(CHANNELS[2:])),
)
def test_every_channel_has_a_worker_whatever_the_shards(globs, own):
    shards = [Shard(f"shard-{number}", (glob,)) for number, glob in enumerate(sorted(globs))]
    parts = plan_workers(shards, workers=2, own_channels=own, has_delay=False)
    for channel in {"http.request", "websocket.receive", *own}:
        assert [part.name for part in parts if listens_on(part, channel)], channel
    for part in parts:  # none that would end for want of a channel
        if part.name == "background":
            assert any(listens_on(part, channel) for channel in own)


def test_shard_names_its_channels_processes_and_threads():
    assert parse_shard("thumbs:2x8=thumbnails,images-*") == Shard(
        "thumbs", ("thumbnails", "images-*"), processes=2, threads=8
    )
    assert parse_shard("mail=mail") == Shard("mail", ("mail",))


@pytest.mark.parametrize(
    "text", ["mail", "=mail", "Mail=mail", "mail:0=mail", "worker=mail", "a=,"]
)
def test_shard_that_cannot_be_meant_is_refused_with_its_text(text):
    with pytest.raises(BadShard, match=f"--shard '{text}'"):
        parse_shard(text)
