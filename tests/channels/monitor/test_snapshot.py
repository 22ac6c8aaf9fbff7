"""What the live page makes of a layer's status."""

from channels.monitor.snapshot import SHOWN_GROUPS, make_snapshot

COUNTS = {
    "messages_count": 0,
    "messages_pending": 0,
    "messages_max_age": 0.0,
    "channel_full_count": 0,
    "expired_count": 0,
    "dropped_count": 0,
    "lost_count": 0,
    "undecodable_count": 0,
    "dead_letter_count": 0,
    "delayed": 0,
    "owned": 0,
    "dead_letters": 0,
}


def make_status(*, servers=(), workers=(), channels=(), groups=()):
    return {"servers": servers, "workers": workers, "channels": channels, "groups": groups}


def channel(name, **counts):
    return {"name": name, **COUNTS, **counts}


def test_times_become_ages():
    worker = {
        "id": "w",
        "seen_s": 1.0,
        "started": 900.0,
        "running": [{"channel": "mail", "consumer": "app.send", "since": 990.0}],
    }
    (shown,) = make_snapshot(make_status(workers=[worker]), now=1000.0)["workers"]
    assert shown == {
        "id": "w",
        "seen_s": 1.0,
        "up_s": 100.0,
        "running": [{"consumer": "app.send", "channel": "mail", "for_s": 10.0}],
    }


def test_channel_that_no_worker_takes_is_told():
    workers = [{"id": "w", "seen_s": 0.1, "channels": ["mail"]}]
    status = make_status(workers=workers, channels=[channel("mail"), channel("sms")])
    heard = {row["name"]: row["is_heard"] for row in make_snapshot(status, 0.0)["channels"]}
    assert heard == {"mail": True, "sms": False}


def test_each_loss_says_what_to_do():
    status = make_status(channels=[channel("mail", expired_count=3, channel_full_count=2)])
    (row,) = make_snapshot(status, 0.0)["channels"]
    assert [(loss["count"], loss["reason"]) for loss in row["losses"]] == [
        (2, "refused"),
        (3, "expired"),
    ]
    assert all("add workers" in loss["advice"] for loss in row["losses"])


def test_empty_queue_of_a_process_is_not_shown():
    status = make_status(
        channels=[
            channel("websocket.send.gone!"),
            channel("websocket.send.busy!", messages_pending=4),
            channel("websocket.send.lossy!", dropped_count=1),
        ]
    )
    names = [row["name"] for row in make_snapshot(status, 0.0)["channels"]]
    assert names == ["websocket.send.busy!", "websocket.send.lossy!"]


def test_largest_groups_come_first_and_the_rest_is_counted():
    groups = [{"name": f"g{n}", "size": n} for n in range(1, SHOWN_GROUPS + 6)]
    snapshot = make_snapshot(make_status(groups=groups), 0.0)
    assert snapshot["groups"][0] == {"name": f"g{SHOWN_GROUPS + 5}", "size": SHOWN_GROUPS + 5}
    assert (len(snapshot["groups"]), snapshot["more_groups"]) == (SHOWN_GROUPS, 5)
