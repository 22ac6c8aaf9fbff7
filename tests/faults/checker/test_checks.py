"""A history with a broken promise is found out, one without is not."""

import itertools

import pytest

from tests.faults.checker.judgement import Past, check
from tests.faults.checker.judgement.jobs import ONCE, OWNED

SOCKET = "websocket.send.server!1"


def find(*events, threads=1):
    """The promises that are found broken. Events without a time happen a minute apart."""
    times = itertools.count(1_000.0, 60.0)
    timed = [{"at": next(times), **event} for event in events]
    return [finding.promise for finding in check(Past(timed, threads))]


def on_socket(event, order, **facts):
    return {"event": event, "socket": SOCKET, "order": order, "pid": 1, **facts}


def frame(n, order=None):
    order = n if order is None else order
    return [on_socket("began", order, n=n), on_socket("ended", order, n=n)]


CONNECT, DISCONNECT = on_socket("connect", 0), on_socket("disconnect", 9)


def job(n, channel=ONCE, **facts):
    return {"event": "job", "channel": channel, "n": n, "outcome": "sent", **facts}


def ran(n, channel=ONCE):
    return {"event": "ran", "channel": channel, "n": n}


def fault(name, **facts):
    return {"event": "fault", "name": name, "pids": [], **facts}


def test_a_history_as_it_should_be_has_no_finding():
    told = {"event": "told", "n": 10, "outcome": "sent"}
    assert (
        find(
            CONNECT,
            {"event": "member", "conn": 1},
            {"event": "sent", "conn": 1, "n": 1, "place": 1},
            *frame(1),
            {"event": "reply", "conn": 1, "n": 1},
            *frame(2),
            told,
            {"event": "heard", "conn": 1, "n": 10},
            job(1),
            ran(1),
            job(2, OWNED),
            ran(2, OWNED),
            {"event": "asked", "status": 200, "took_s": 0.1},
            {"event": "closed", "conn": 1, "code": None, "was_idle": True},
            DISCONNECT,
            {"event": "rest", "waiting": {}, "sockets": 0, "eternal_keys": [], "is_well": True},
        )
        == []
    )


@pytest.mark.parametrize(
    ("events", "promise"),
    [
        ([CONNECT, *frame(1), *frame(1), DISCONNECT], "once, and in order"),
        ([CONNECT, *frame(2), *frame(1), DISCONNECT], "once, and in order"),
        ([CONNECT, frame(1)[0], *frame(2), DISCONNECT], "one after another"),
        ([*frame(1), DISCONNECT], "connect comes first"),
        ([CONNECT, *frame(1)], "one disconnect"),
        ([CONNECT, DISCONNECT, on_socket("disconnect", 10)], "one disconnect"),
        ([CONNECT, DISCONNECT, *frame(10)], "nothing after disconnect"),
        ([job(1)], "what is sent is run"),
        ([job(1), ran(1), ran(1)], "at most once"),
        ([job(1, OWNED)], "acknowledged messages are not lost"),
        (
            [job(1, OWNED), ran(1, OWNED), ran(1, OWNED)],
            "acknowledged messages come again only after a fault",
        ),
        ([{"event": "asked", "status": 500, "took_s": 0.1}], "requests get 200 or 503"),
        (
            [{"event": "asked", "status": "ConnectionResetError", "took_s": 0.1}],
            "requests get 200 or 503",
        ),
        ([{"event": "asked", "status": 200, "took_s": 61.0}], "no request hangs"),
        (
            [{"event": "read", "status": 200, "bytes": 5, "wanted": 9, "took_s": 1.0}],
            "slow readers get whole pages",
        ),
        (
            [
                {"event": "member", "conn": 1, "hears": ["told", "call"]},
                {"event": "call", "n": 1, "outcome": "sent"},
            ],
            "members hear every broadcast",
        ),
        (
            [{"event": "heard", "conn": 1, "n": 2}, {"event": "heard", "conn": 1, "n": 1}],
            "broadcasts come once and in order",
        ),
        (
            [{"event": "heard", "conn": 1, "n": 2}, {"event": "heard", "conn": 1, "n": 2}],
            "broadcasts come once and in order",
        ),
        (
            [{"event": "member", "conn": 1}, {"event": "told", "n": 1, "outcome": "sent"}],
            "members hear every broadcast",
        ),
        ([{"event": "reply", "conn": 1, "n": 5}], "replies answer what was sent"),
        (
            [
                {"event": "sent", "conn": 1, "n": 5, "place": 1},
                {"event": "closed", "conn": 1, "code": None, "was_idle": True},
            ],
            "frames are answered",
        ),
        (
            [
                {
                    "event": "rest",
                    "waiting": {"a": 1},
                    "sockets": 0,
                    "eternal_keys": [],
                    "is_well": True,
                }
            ],
            "nothing is left behind",
        ),
        (
            [
                {
                    "event": "rest",
                    "waiting": {},
                    "sockets": 0,
                    "eternal_keys": ["k"],
                    "is_well": True,
                }
            ],
            "nothing is left behind",
        ),
        (
            [{"event": "rest", "waiting": {}, "sockets": 0, "eternal_keys": [], "is_well": False}],
            "all is well afterwards",
        ),
    ],
)
def test_a_broken_promise_is_found(events, promise):
    assert promise in find(*events)


def test_a_reply_that_comes_twice_is_found():
    reply = {"event": "reply", "conn": 1, "n": 1}
    found = find({"event": "sent", "conn": 1, "n": 1, "place": 1}, reply, reply)
    assert found == ["replies come once and in order"]


def test_a_message_may_be_lost_when_its_worker_is_killed():
    killed = fault("kill worker", at=1_001.0, until=1_002.0)
    assert find(job(1), killed) == []


def test_a_kill_accounts_for_no_more_than_the_threads_of_the_worker():
    jobs = [job(n, at=1_000.0) for n in range(1, 5)]
    killed = fault("kill worker", at=1_001.0, until=1_002.0)
    assert find(*jobs, killed, threads=2) == ["a kill loses what ran"]
    assert find(*jobs, killed, threads=4) == []


def test_a_redis_that_comes_back_empty_may_lose_even_owned_messages():
    assert find(job(1, OWNED), fault("wipe Redis", until=1_100.0)) == []


def test_what_a_killed_worker_ran_does_not_hold_its_successor_up():
    killed = fault("kill worker", at=1_070.0, until=1_080.0)
    killed["pids"] = [1]
    successor = [{**event, "pid": 2} for event in frame(2)]
    assert find(CONNECT, frame(1)[0], killed, *successor, DISCONNECT) == []


def test_the_order_of_a_socket_is_lost_with_redis():
    cut_short = on_socket("disconnect", 2, at=1_070.0)
    wiped = fault("wipe Redis", at=1_065.0, until=1_068.0)
    assert find(CONNECT, frame(1)[0], cut_short, wiped) == []
    assert find(CONNECT, frame(1)[0], cut_short) == ["one after another"]


@pytest.mark.parametrize(("killed_at", "found"), [(1_018.0, False), (1_040.0, True)])
def test_a_job_may_be_lost_with_the_worker_that_took_it_after_a_while(killed_at, found):
    """As many wait, those that were sent with it began 18 s later; that is when it was taken."""
    near = [job(2, at=1_000.1), {**ran(2), "at": 1_018.1}]
    lost = find(job(1, at=1_000.0), *near, fault("kill worker", at=killed_at), threads=2)
    assert ("what is sent is run" in lost) is found


@pytest.mark.parametrize(("lost_at", "found"), [(950.0, []), (900.0, ["connect comes first"])])
def test_a_socket_whose_connect_was_lost_is_given_up_after_a_while(lost_at, found):
    """Its handshake gets 503 after 20 s, and its disconnect waits for 30 s more."""
    cut = fault("cut network", at=lost_at, until=lost_at)
    assert find({**on_socket("disconnect", 1, code=1006), "at": 1_000.0}, cut) == found


def test_a_redis_that_has_lost_its_last_moments_may_have_a_job_run_again():
    jobs = [job(1, at=1_000.0), {**ran(1), "at": 1_000.1}, {**ran(1), "at": 1_001.0}]
    lost = fault("lose last moments", at=1_000.0, until=1_001.0)
    assert find(*jobs, lost) == []
    assert find(*jobs) == ["at most once"]


@pytest.mark.parametrize(
    ("until", "other", "found"), [(1_080.0, [], False), (1_050.0, [], True), (1_080.0, [20], True)]
)
def test_a_frame_waits_in_vain_if_its_client_leaves_before_there_is_a_worker_again(
    until, other, found
):
    events = [
        {"event": "opened", "conn": 1, "kind": "ordered", "port": 1, "at": 999.0},
        {"event": "sent", "conn": 1, "n": 7, "place": 1, "at": 1_000.0},
        fault("freeze worker", at=1_001.0, until=until),
        *(on_socket("connect", 0, at=1_001.0 + after_s) for after_s in other),
        {"event": "closed", "conn": 1, "code": None, "was_idle": True, "at": 1_065.0},
    ]
    assert ("frames are answered" in find(*events)) is found


#: When something of a socket runs again after lost moments, and when that is closed.
AGAIN = pytest.mark.parametrize(
    ("again_at", "closed_at", "found"),
    [(1_001.5, 1_002.0, False), (1_001.5, 1_060.0, True), (1_031.0, 1_002.0, True)],
)


@AGAIN
def test_a_connect_may_run_again_after_lost_moments_until_its_socket_is_closed(
    again_at, closed_at, found
):
    events = [
        on_socket("connect", 0, at=1_000.3),
        on_socket("connect", 0, at=again_at),
        {"event": "sent", "conn": 1, "n": 7, "place": 1, "at": again_at},
        on_socket("began", 1, at=again_at + 0.1, n=7),
        on_socket("ended", 1, at=again_at + 0.2, n=7),
        {"event": "closed", "conn": 1, "code": 1012, "was_idle": False, "at": closed_at},
        fault("lose last moments", at=1_000.2, until=1_001.0),
    ]
    assert ("connect comes first" in find(*events)) is found


@pytest.mark.parametrize(
    ("code", "closed_at", "found"),
    [(1012, 1_002.0, False), (None, 1_002.0, False), (None, 1_012.0, True)],
)
def test_an_answer_may_come_again_after_lost_moments_to_who_is_closed_for_it_or_has_just_left(
    code, closed_at, found
):
    reply = {"event": "reply", "conn": 1, "n": 1}
    events = [
        {"event": "opened", "conn": 1, "kind": "ordered", "port": 1, "at": 999.0},
        {"event": "sent", "conn": 1, "n": 1, "place": 1, "at": 1_000.0},
        {**reply, "at": 1_000.1},
        fault("lose last moments", at=1_000.2, until=1_001.0),
        {**reply, "at": 1_001.5},
        {"event": "closed", "conn": 1, "code": code, "was_idle": False, "at": closed_at},
    ]
    assert ("replies come once and in order" in find(*events)) is found


@pytest.mark.parametrize(("since", "found"), [(1_000.0, False), (1_001.0, True)])
def test_answers_may_change_places_after_lost_moments_not_before(since, found):
    """The first answer of what ran again was lost, so it comes behind the next one."""
    later, earlier = ({"event": "reply", "conn": 1, "n": n} for n in (2, 1))
    events = [
        {"event": "opened", "conn": 1, "kind": "ordered", "port": 1, "at": 999.0},
        *({"event": "sent", "conn": 1, "n": n, "place": n, "at": 999.5} for n in (1, 2)),
        {**later, "at": 1_000.5},
        {**earlier, "at": 1_000.6},
        fault("lose last moments", at=since, until=since + 1.0),
        {"event": "closed", "conn": 1, "code": 1012, "was_idle": False, "at": 1_002.5},
    ]
    assert ("replies come once and in order" in find(*events)) is found


@AGAIN
def test_a_frame_may_run_again_after_lost_moments_until_its_socket_is_closed(
    again_at, closed_at, found
):
    events = [
        on_socket("began", 1, at=1_000.3, n=7),
        on_socket("ended", 1, at=1_000.4, n=7),
        {"event": "sent", "conn": 1, "n": 7, "place": 1, "at": 999.5},
        on_socket("began", 1, at=again_at, n=7),
        on_socket("ended", 1, at=again_at + 0.1, n=7),
        {"event": "closed", "conn": 1, "code": 1012, "was_idle": False, "at": closed_at},
    ]
    lost = fault("lose last moments", at=1_000.2, until=1_001.0)
    assert ("once, and in order" in find(*events, lost)) is found
    assert "once, and in order" in find(*events)


@pytest.mark.parametrize(
    ("length_s", "pid", "found"), [(45.0, 2, False), (20.0, 2, True), (45.0, 3, True)]
)
def test_a_worker_that_stood_still_and_counted_as_dead_may_run_what_it_had(length_s, pid, found):
    frozen = fault("freeze worker", at=1_000.5, until=1_000.5 + length_s, frozen=[pid])
    events = [
        {**CONNECT, "at": 999.0},
        {**on_socket("began", 2), "at": 1_010.0},
        {**on_socket("ended", 2), "at": 1_010.1},
        {**on_socket("began", 1, pid=2), "at": 1_000.5 + length_s},
    ]
    assert ("once, and in order" in find(*events, frozen)) is found


def test_of_a_worker_that_counted_as_dead_each_thread_may_leave_one_frame_without_an_answer():
    frozen = fault("freeze worker", at=1_000.5, until=1_045.5, frozen=[2])
    sent = [{"event": "sent", "conn": 1, "n": n, "at": 1_000.4} for n in range(3)]
    closed = {"event": "closed", "conn": 1, "code": None, "was_idle": True, "at": 1_090.0}
    assert find(*sent, closed, frozen, threads=2).count("frames are answered") == 1
    assert find(*sent, closed, frozen, threads=3).count("frames are answered") == 0


@pytest.mark.parametrize(("again_at", "found"), [(1_001.5, False), (1_012.0, True)])
def test_a_disconnect_may_run_again_after_lost_moments(again_at, found):
    events = [
        on_socket("connect", 0, at=990.0),
        on_socket("disconnect", 1, at=1_000.3),
        on_socket("disconnect", 1, at=again_at),
        fault("lose last moments", at=1_000.2, until=1_001.0),
    ]
    wrong = {"once, and in order", "one disconnect", "nothing after disconnect"}
    assert wrong & set(find(*events)) == (wrong if found else set())


@pytest.mark.parametrize(
    ("code", "ran_at", "found"),
    [(1006, 1_000.5, False), (1000, 1_000.5, True), (1006, 999.0, True)],
)
def test_a_disconnect_that_is_made_up_has_the_number_that_redis_still_knew(code, ran_at, found):
    events = [
        on_socket("connect", 0, at=990.0),
        on_socket("began", 5, at=ran_at, n=5),
        on_socket("ended", 5, at=ran_at + 0.1, n=5),
        {**on_socket("disconnect", 3, at=1_041.0), "code": code},
        fault("lose last moments", at=1_000.2, until=1_001.0),
    ]
    assert ("once, and in order" in find(*events)) is found


@pytest.mark.parametrize(("later_began_at", "found"), [(1_051.0, False), (1_039.0, True)])
def test_a_job_that_was_queued_as_redis_came_back_empty_is_gone(later_began_at, found):
    later = [job(2, at=1_010.0), {**ran(2), "at": later_began_at}]
    wipe = fault("wipe Redis", at=1_040.0, until=1_041.0)
    assert ("what is sent is run" in find(job(1, at=1_000.0), *later, wipe)) is found


def test_a_page_may_take_as_long_as_the_site_stood_still():
    asked = {"event": "asked", "status": 200, "took_s": 61.0, "at": 1_000.0}
    assert find(asked, fault("freeze Redis", at=1_001.0, until=1_051.0)) == []
    assert find(asked, fault("freeze Redis", at=1_001.0, until=1_003.0)) == ["no request hangs"]


@pytest.mark.parametrize(("event", "found"), [("heard", False), ("called", True)])
def test_a_text_may_come_again_after_lost_moments_and_a_message_to_an_instance_may_not(
    event, found
):
    heard = {"event": event, "conn": 1, "n": 10}
    lost = fault("lose last moments", at=1_000.5, until=1_001.0)
    events = [{**heard, "at": 1_000.0}, lost, {**heard, "at": 1_002.0}]
    assert ("broadcasts come once and in order" in find(*events)) is found


def hears_not(closed, **pause):
    """Whether it is found that a member did not hear what was sent at 1,000."""
    member = {"event": "member", "conn": 1, "hears": ["told"], "at": 990.0}
    told = {"event": "told", "n": 1, "outcome": "sent", "at": 1_000.0}
    closed = {"event": "closed", "conn": 1, "code": None, "was_idle": True, **closed}
    events = [member, told, closed, *([fault("freeze Redis", **pause)] if pause else [])]
    return "members hear every broadcast" in find(*events)


def test_what_waits_while_something_stands_still_may_come_too_late_for_who_leaves():
    assert hears_not({"at": 1_010.0})
    assert not hears_not({"at": 1_010.0}, at=999.5, until=1_008.0)
    assert hears_not({"at": 1_030.0}, at=999.5, until=1_008.0)


@pytest.mark.parametrize(("again_at", "found"), [(1_015.0, False), (1_024.0, True)])
def test_what_has_waited_may_wait_on_if_something_stands_still_again(again_at, found):
    member = {"event": "member", "conn": 1, "hears": ["told"], "at": 990.0}
    told = {"event": "told", "n": 1, "outcome": "sent", "at": 1_000.0}
    closed = {"event": "closed", "conn": 1, "code": None, "was_idle": True, "at": 1_031.0}
    pauses = [
        fault("silent network", at=999.5, until=1_008.0),
        fault("freeze Redis", at=again_at, until=1_030.0),
    ]
    assert ("members hear every broadcast" in find(member, told, closed, *pauses)) is found


def test_a_client_that_reads_nothing_hears_nothing():
    assert not hears_not({"at": 1_010.0, "deaf_since": 1_000.5})
    assert hears_not({"at": 1_010.0, "deaf_since": 1_006.0})


@pytest.mark.parametrize("length_s", [20.0, 63.0])
def test_what_was_sent_may_be_lost_if_redis_stands_still_for_longer_than_anybody_waits(length_s):
    sent = job(1, at=1_000.0)
    found = find(sent, fault("freeze Redis", at=1_000.2, until=1_000.2 + length_s), threads=1)
    assert ("what is sent is run" in found) == (length_s == 20.0)


def test_a_connect_may_be_lost_with_its_worker_long_before_its_disconnect():
    alone = {**DISCONNECT, "at": 1_020.0}
    assert find(fault("kill worker", at=1_000.0, until=1_001.0), alone) == []
    assert find(fault("kill worker", at=900.0, until=901.0), alone) == ["connect comes first"]
