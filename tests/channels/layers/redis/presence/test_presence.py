"""Who lives, who is dead, and what is left of the dead."""

import asyncio
import itertools

import pytest

from channels.exceptions import LayerUnavailable
from channels.layers.operations import Delivery, FinishOrdered, ForgetSocket, SaveSession, Turn
from channels.layers.redis.presence import heartbeat, housekeeping, replies, upkeep
from channels.layers.redis.presence import presence as presence_module
from channels.layers.redis.presence.presence import WATCHED_FOR_S
from channels.layers.redis.presence.registry import TTL_MS
from channels.layers.redis.transport.plans import Request

SERVER = "server"
#: Between two signs of life.
PAUSES = ("BEAT_EVERY_S", "COUNT_EVERY_S", "COUNT_OFTEN_S")


def beat(layer, *, is_first=False):
    """Returns (the number of the beat that is known, ids of dead servers)."""
    number, answered = (1, 0) if is_first else (2, 1)
    return layer._sync.run(layer.presence.beat(SERVER, {}, number, answered))


def open_sockets(layer, count, server_id=SERVER):
    for number in range(count):
        channel = f"websocket.send.{server_id}!{number}"
        operation = layer.prepare_send("websocket.connect", {"reply_channel": channel})
        plan = layer.presence.open_socket(server_id, str(number), operation, {"path": "/"})
        layer._sync.run(plan)
        layer.receive(["websocket.connect"])


@pytest.fixture
def die(layer, redis_server, monkeypatch):
    """Let the server have shown no sign of life for long, to processes that have long watched."""
    monkeypatch.setattr(presence_module, "WATCHED_FOR_S", 0.0)

    def die():
        with redis_server.client() as client:
            client.zadd(layer.keyspace.registry("servers"), {SERVER: 1})

    return die


def keep_house(layer):
    layer._housekeeping._next_round_s = 0.0
    layer.keep_house("worker", {}, {"websocket.connect"})


def drain(layer, channel="websocket.disconnect"):
    return [message for _, message in iter(lambda: layer.receive([channel]), (None, None))]


def test_a_server_is_known_after_an_outage_that_its_sign_of_life_did_not_outlive(
    layer, redis_server
):
    beat(layer, is_first=True)
    with redis_server.client() as client:
        assert client.delete(layer.keyspace.server(SERVER, "alive"))
    assert beat(layer)[0]


def test_groups_reach_a_server_whose_sign_of_life_did_not_outlive_an_outage(layer, redis_server):
    """Redis is back, and the server has not noticed yet: its sockets are members as before."""
    beat(layer, is_first=True)
    operation = layer.sending.pack("websocket.connect", {})
    layer._sync.run(layer.presence.open_socket(SERVER, "a", operation, {}))
    channel = f"websocket.send.{SERVER}!a"
    layer.group_add("room", channel)
    with redis_server.client() as client:
        assert client.delete(layer.keyspace.server(SERVER, "alive"))
        key = layer.keyspace.group("room")
        client.zadd(key, dict.fromkeys(client.zrange(key, 0, -1), 0))  # joined long ago
    layer.send_group("room", {"text": "hello"})
    assert layer.receive([f"websocket.send.{SERVER}!"]) == (channel, {"text": "hello"})
    assert layer.group_channels("room") == [channel]
    assert client.zcard(key) == 1


@pytest.mark.parametrize("error", [LayerUnavailable("lost a connection"), ValueError("a mistake")])
def test_a_delayed_reply_comes_though_it_could_not_be_looked_at_once(layer, monkeypatch, error):
    """And nothing else tells the server to look again."""
    monkeypatch.setattr(replies, "PROMOTE_RETRY_S", 0.01)

    async def send_later():
        replies = asyncio.Queue()
        link = layer.open_link(SERVER, lambda *reply: replies.put_nowait(reply), lambda: None)
        promote, errors = link._presence.promote, []

        def fail_at_first(server_id):
            if len(errors) < 3:  # at its start, when it is woken, and at the next look
                errors.append(error)
                raise error
            return promote(server_id)

        monkeypatch.setattr(link._presence, "promote", fail_at_first)
        await link.start()
        await layer.asend(f"http.response.{SERVER}!a", {"n": 1}, 0.01)
        assert await replies.get() == (["a"], {"n": 1})
        await link.stop()
        await layer.aclose()

    asyncio.run(asyncio.wait_for(send_later(), 30))


def test_a_server_is_not_known_to_an_empty_redis(layer, redis_server):
    beat(layer, is_first=True)
    redis_server.wipe()
    assert not beat(layer)[0]


def test_a_server_is_not_known_to_a_redis_that_came_back_with_older_data(layer, redis_server):
    beat(layer, is_first=True)
    redis_server.keep_copy()
    assert beat(layer)[0]
    layer.close()  # its connection does not outlive the restart
    redis_server.restart_with_copy()
    for _ in range(2):  # nor is it by having asked
        assert layer._sync.run(layer.presence.beat(SERVER, {}, 3, 2))[0] == 1


def test_beats_that_overtake_each_other_do_no_harm(layer):
    for number, answered, known in ((2, 0, 0), (1, 0, 2), (3, 2, 2)):
        assert layer._sync.run(layer.presence.beat(SERVER, {}, number, answered))[0] == known


def test_sockets_that_older_data_does_not_know_of_are_closed(
    layer, redis_server, monkeypatch, caplog
):
    """Though the server itself is known to it: it lost less than what lies between two beats."""
    for name in PAUSES:  # but for the one when Redis is back
        monkeypatch.setattr(heartbeat, name, 60.0)

    async def lose_a_socket():
        closed, lost = asyncio.Queue(), []
        link = layer.open_link(
            "loser", lambda *reply: closed.put_nowait(reply), lambda: lost.append(1)
        )
        await link.start()
        while not layer.is_read("websocket.send.loser!a"):
            await asyncio.sleep(0.01)
        channels = {client: f"websocket.send.loser!{client}" for client in "abc"}
        await link.open_socket("a", {"reply_channel": channels["a"]})
        await asyncio.to_thread(redis_server.keep_copy)
        for client in "bc":
            message = {"reply_channel": channels[client]}
            await link.open_socket(client, message)
        await link.close_socket("c", {**message, "order": 1})
        await asyncio.to_thread(redis_server.restart_with_copy)
        clients, message = await closed.get()
        assert (clients, message, lost) == (["b"], {"close": 1012}, [])
        # Only its disconnect may run, and it need not wait for what is lost.
        layer.close()
        turns = [
            layer.begin_ordered(Delivery(channel, {}), channels["b"], order, "worker")
            for channel, order in (("websocket.receive", 2), ("websocket.disconnect", 3))
        ]
        assert turns == [Turn.STALE, Turn.RUN]
        await link.stop()

    asyncio.run(asyncio.wait_for(lose_a_socket(), 30))
    assert "the layer has forgotten 1 sockets of this server" in caplog.text


def test_sockets_go_on_though_the_latest_sign_of_life_is_lost(
    layer, redis_server, monkeypatch, caplog
):
    """But for those that opened or spoke in these last moments."""
    for name in PAUSES:  # but for those here, and when Redis is back
        monkeypatch.setattr(heartbeat, name, 60.0)

    async def lose_a_sign_of_life():
        closed, lost = asyncio.Queue(), []
        link = layer.open_link(
            SERVER, lambda *reply: closed.put_nowait(reply), lambda: lost.append(1)
        )
        await link.start()
        for client in "abc":
            await link.open_socket(client, {"reply_channel": f"websocket.send.{SERVER}!{client}"})
            if client != "c":
                link.note_accepted(client)
        link._server._openings.popleft()  # "a" did so long ago
        await link._heartbeat._count()
        await asyncio.to_thread(redis_server.keep_copy)
        await link._heartbeat._count()
        await asyncio.to_thread(redis_server.restart_with_copy)
        assert await closed.get() == (["b"], {"close": 1012})
        link.note_accepted("c")
        assert await closed.get() == (["c"], {"close": 1012})
        with redis_server.client() as client:  # which takes signs of life again
            while int(client.get(layer.keyspace.server(SERVER, "known"))) <= 3:
                await asyncio.sleep(0.01)
        assert (link.server_id, lost, closed.empty()) == (SERVER, [], True)
        await link.stop()
        await layer.aclose()

    asyncio.run(asyncio.wait_for(lose_a_sign_of_life(), 30))
    assert caplog.text.count("Redis has lost its last moments") == 1


def test_sockets_that_older_data_has_again_are_forgotten_once_more(
    layer, redis_server, monkeypatch, caplog
):
    for name in PAUSES:  # but for the one when Redis is back
        monkeypatch.setattr(heartbeat, name, 60.0)
    sockets = layer.keyspace.server("keeper", "sockets")

    def clients():
        with redis_server.client() as client:
            return client.hkeys(sockets)

    async def close_a_socket_just_before_a_loss():
        link = layer.open_link("keeper", lambda *reply: None, lambda: None)
        await link.start()
        while not layer.is_read("websocket.send.keeper!a"):
            await asyncio.sleep(0.01)
        messages = {c: {"reply_channel": f"websocket.send.keeper!{c}"} for c in "ab"}
        for client, message in messages.items():
            await link.open_socket(client, message)
            await layer.agroup_add("room", message["reply_channel"])
        await asyncio.to_thread(redis_server.keep_copy)
        await link.close_socket("a", {**messages["a"], "order": 1})
        assert clients() == [b"b"]
        await asyncio.to_thread(redis_server.restart_with_copy)  # which has "a" again
        while "Redis has 1 sockets again" not in caplog.text or clients() != [b"b"]:
            await asyncio.sleep(0.01)
        layer.close()
        while layer.group_channels("room") != [messages["b"]["reply_channel"]]:
            await asyncio.sleep(0.01)
        await link.stop()
        await layer.aclose()

    asyncio.run(asyncio.wait_for(close_a_socket_just_before_a_loss(), 30))


def test_a_server_is_not_known_any_more_after_it_was_taken_for_dead(layer, die):
    beat(layer, is_first=True)
    die()
    keep_house(layer)
    assert not beat(layer)[0]


def test_it_is_not_known_either_while_something_is_left_of_it(make_layer, die):
    layer = make_layer(channel_capacity={"websocket.disconnect": 1})
    beat(layer, is_first=True)
    open_sockets(layer, 2)
    die()
    keep_house(layer)
    assert not beat(layer)[0]


def test_nobody_is_taken_for_dead_by_who_has_just_come(layer, die, monkeypatch):
    monkeypatch.setattr(presence_module, "WATCHED_FOR_S", WATCHED_FOR_S)
    beat(layer, is_first=True)
    die()
    keep_house(layer)
    assert beat(layer)[0]


def test_the_disconnects_of_a_dead_server_are_made_up_once_each(layer, die):
    beat(layer, is_first=True)
    open_sockets(layer, 3)
    die()
    for _ in range(2):
        keep_house(layer)
    messages = drain(layer)
    channels = [f"websocket.send.{SERVER}!{number}" for number in range(3)]
    assert sorted(message["reply_channel"] for message in messages) == channels
    assert {message["code"] for message in messages} == {1006}


def test_a_worker_that_cleans_up_for_long_shows_that_it_lives(
    layer, die, redis_server, monkeypatch
):
    beat(layer, is_first=True)
    open_sockets(layer, 3)
    die()
    now_s, shown_at_s = 0.0, []
    monkeypatch.setattr(layer._housekeeping, "_clock", lambda: now_s)
    plan = layer._housekeeping.keep("worker", {}, {"websocket.connect"}, now_s=0.0, lost_at_s=0.0)

    def take_a_second_for_each_step(client):
        nonlocal now_s
        step = next(plan)
        while True:
            replies = yield step
            now_s += 1.0
            if client.zrem(layer.keyspace.registry("workers"), "worker"):
                shown_at_s.append(now_s)
            try:
                step = plan.send(replies)
            except StopIteration:
                return

    with redis_server.client() as client:
        layer._sync.run(take_a_second_for_each_step(client))
    assert len(drain(layer)) == 3
    gaps_s = [b - a for a, b in itertools.pairwise([*shown_at_s, now_s])]
    assert len(gaps_s) > 3
    assert max(gaps_s) <= housekeeping.SIGN_EVERY_S + 1.0


def test_a_server_that_was_only_frozen_sends_no_second_disconnect_after_a_made_up_one(layer, die):
    beat(layer, is_first=True)
    open_sockets(layer, 1)
    die()
    keep_house(layer)
    channel = f"websocket.send.{SERVER}!0"
    own = layer.prepare_send("websocket.disconnect", {"reply_channel": channel, "code": 1012})

    layer._sync.run(layer.sending.send_once(own, channel, 120_000))

    assert [message["code"] for message in drain(layer)] == [1006]


def test_a_disconnect_that_was_sent_just_before_its_server_froze_is_not_made_up(layer, die):
    beat(layer, is_first=True)
    open_sockets(layer, 1)
    channel = f"websocket.send.{SERVER}!0"
    own = layer.prepare_send("websocket.disconnect", {"reply_channel": channel, "code": 1001})
    layer._sync.run(layer.sending.send_once(own, channel, 120_000))
    die()

    keep_house(layer)

    assert [message["code"] for message in drain(layer)] == [1001]


def test_a_disconnect_whose_answer_was_lost_comes_once(layer):
    channel = f"websocket.send.{SERVER}!0"
    own = layer.prepare_send("websocket.disconnect", {"reply_channel": channel, "code": 1001})

    for _ in range(3):
        layer._sync.run(layer.sending.send_once(own, channel, 120_000))

    assert len(drain(layer)) == 1


def test_a_disconnect_that_found_no_room_is_sent_when_there_is_some(make_layer):
    layer = make_layer(channel_capacity={"websocket.disconnect": 1})
    sends = [
        layer.prepare_send(
            "websocket.disconnect", {"reply_channel": f"websocket.send.{SERVER}!{n}"}
        )
        for n in range(2)
    ]
    layer._sync.run(layer.sending.send_once(sends[0], "0", 120_000))
    with pytest.raises(layer.ChannelFull):
        layer._sync.run(layer.sending.send_once(sends[1], "1", 120_000))
    assert len(drain(layer)) == 1

    layer._sync.run(layer.sending.send_once(sends[1], "1", 120_000))

    assert [message["reply_channel"][-2:] for message in drain(layer)] == ["!1"]


@pytest.mark.parametrize("ended", [True, False])
def test_a_made_up_disconnect_comes_after_what_ran(layer, die, ended):
    open_sockets(layer, 1)
    channel = f"websocket.send.{SERVER}!0"
    for number in (0, 1):
        turn = layer.begin_ordered(Delivery("websocket.receive", {}), channel, number, "worker")
        assert turn is Turn.RUN
        if ended or number == 0:
            layer.apply([FinishOrdered(channel, number)])
    die()
    keep_house(layer)
    (message,) = drain(layer)
    assert message["order"] == 2


def test_a_dead_server_counts_as_living_for_nobody_while_something_of_it_runs(
    layer, die, redis_server
):
    beat(layer, is_first=True)
    layer.keep_house("worker", {}, set())
    disconnect = Delivery("websocket.disconnect", {})
    assert layer.begin_ordered(disconnect, f"websocket.send.{SERVER}!0", 0, "worker") is Turn.RUN
    die()
    assert layer._sync.run(layer.presence.bury(SERVER)) == 0
    assert layer._sync.run(layer.registry.ages_s("servers")) == {}

    assert layer._sync.run(layer.presence.bury(SERVER)) is None  # the first one may be at it
    with redis_server.client() as client:
        client.zincrby(layer.keyspace.registry("servers"), TTL_MS["servers"], SERVER)
    assert layer._sync.run(layer.presence.bury(SERVER)) == 0


def test_disconnects_that_do_not_fit_are_made_up_as_soon_as_there_is_room(make_layer, layer, die):
    layer = make_layer(channel_capacity={"websocket.disconnect": 2})
    beat(layer, is_first=True)
    open_sockets(layer, 5)
    die()
    seen = []
    for _ in range(3):
        keep_house(layer)
        seen += [message["reply_channel"] for message in drain(layer)]
    assert len(seen) == len(set(seen)) == 5


def test_nothing_is_left_of_a_dead_server(layer, die, redis_server):
    beat(layer, is_first=True)
    open_sockets(layer, 3)
    die()
    keep_house(layer)
    drain(layer)
    layer.leave_house("worker")
    with redis_server.client() as client:
        left = {key.decode().removeprefix(layer.prefix) for key in client.scan_iter()}
    assert left <= {
        "{websocket.connect}:n:websocket.connect",
        "{websocket.disconnect}:n:websocket.disconnect",
        "{websocket.disconnect}:once",  # for a day: it may only be frozen
    }


def test_what_a_forgotten_server_writes_does_not_stay_for_ever(layer, redis_server):
    beat(layer, is_first=True)
    redis_server.wipe()
    open_sockets(layer, 1)
    for request in layer.presence.set_state_requests(SERVER, "0", "gone"):
        layer._sync.run(ask(request))
    running = layer.keyspace.server(SERVER, "running")
    layer._sync.run(ask(Request(0, ("HSET", running, "0", "worker 2 websocket.receive"))))
    layer._sync.run(layer.make_guardian().look_after(SERVER, 0.0))

    with redis_server.client() as client:
        lives_s = {key: client.ttl(key) for key in client.scan_iter()}
    assert running.encode() in lives_s
    assert [key for key, ttl_s in lives_s.items() if ttl_s == -1] == []


@pytest.fixture
def lives_s(redis_server):
    """The seconds that each key which may expire has left to live, by its name."""

    def lives_s():
        with redis_server.client() as client:
            return {key.decode(): client.ttl(key) for key in client.scan_iter()}

    return lives_s


def keep_much(layer, channel):
    """Have a socket be in two groups, and have a session and an order."""
    for group in ("room", "hall"):
        layer.group_add(group, channel)
    save_session(layer, channel)
    layer.begin_ordered(Delivery("websocket.receive", {}), channel, 1, "worker")


KEPT_BY_SOCKETS = (":in:", ":of:", ":session:", ":order:", "{g.")


def is_kept_by_a_socket(key):
    return any(part in key for part in KEPT_BY_SOCKETS)


def test_what_open_sockets_keep_lives_longer_than_a_membership(make_layer, lives_s):
    layer = make_layer(group_expiry=1)
    beat(layer, is_first=True)
    open_sockets(layer, 1)
    keep_much(layer, f"websocket.send.{SERVER}!0")
    layer.group_add("room", "plain")
    kept = {key: life for key, life in lives_s().items() if is_kept_by_a_socket(key)}
    short = [key for key, life in kept.items() if life < 6 * 86_400]
    assert sorted(key.partition(":in:")[2] for key in short) == ["", "plain:room"]
    assert len(kept) == 2 + 2 + 1 + 1 + 1 + 2  # in, groups, of, session, order; plain's in and of


def test_it_is_renewed_for_those_who_are_silent_for_longer(layer, redis_server, lives_s):
    beat(layer, is_first=True)
    open_sockets(layer, 2)
    gone, open_ = (f"websocket.send.{SERVER}!{number}" for number in range(2))
    for channel in (gone, open_):
        keep_much(layer, channel)
    layer._sync.run(layer.presence.forget_socket(SERVER, "0"))
    with redis_server.client() as client:
        for key in filter(is_kept_by_a_socket, lives_s()):
            client.expire(key, 60)
    layer._sync.run(layer.presence.renew(SERVER))

    kept = {key: life for key, life in lives_s().items() if is_kept_by_a_socket(key)}
    of_the_gone = [key for key, life in kept.items() if life <= 60]
    assert sorted(key.partition("}")[2] for key in of_the_gone) == [
        f":order:{gone}",
        f":session:{gone}",
    ]
    assert len(kept) - len(of_the_gone) == 2 + 2 + 3
    assert min(life for key, life in kept.items() if key not in of_the_gone) > 6 * 86_400


def save_session(layer, channel):
    layer.apply([SaveSession(channel, {"name": layer.codec.pack_value("amy", "a name")})])


def test_a_session_that_is_saved_when_its_socket_has_closed_goes_soon(layer, lives_s):
    beat(layer, is_first=True)
    open_sockets(layer, 3)
    early, late, open_, request = channels = [
        *(f"websocket.send.{SERVER}!{number}" for number in range(3)),
        f"http.response.{SERVER}!3",
    ]
    save_session(layer, early)
    for number in "01":
        layer._sync.run(layer.presence.forget_socket(SERVER, number))
    for channel in channels:
        save_session(layer, channel)
    lives = {channel: lives_s()[layer.sockets.place_of(channel).session] for channel in channels}
    assert 60 < min(lives[early], lives[late]) <= max(lives[early], lives[late]) <= 90
    assert min(lives[open_], lives[request]) > 6 * 86_400
    assert layer.load_session(late) == {"name": "amy"}


def test_a_session_waits_for_each_save_after_its_socket_has_closed(layer, redis_server, lives_s):
    open_sockets(layer, 1)
    channel = f"websocket.send.{SERVER}!0"
    save_session(layer, channel)
    layer._sync.run(layer.presence.forget_socket(SERVER, "0"))
    session = layer.sockets.place_of(channel).session
    with redis_server.client() as client:
        client.expire(session, 10)
    save_session(layer, channel)
    assert 60 < lives_s()[session] <= 90


def test_a_session_waits_for_the_ordered_messages_that_its_closed_socket_left(layer, lives_s):
    open_sockets(layer, 1)
    channel = f"websocket.send.{SERVER}!0"
    save_session(layer, channel)
    layer._sync.run(layer.presence.forget_socket(SERVER, "0"))
    bye = Delivery("websocket.disconnect", {})
    layer.begin_ordered(Delivery("websocket.receive", {}), channel, 1, "worker")
    assert layer.begin_ordered(bye, channel, 2, "worker") is Turn.PARKED
    session = layer.sockets.place_of(channel).session
    assert lives_s()[session] > 6 * 86_400
    save_session(layer, channel)
    assert lives_s()[session] > 6 * 86_400
    layer.apply([FinishOrdered(channel, 1)])
    assert layer.begin_ordered(bye, channel, 2, "worker") is Turn.RUN
    layer.apply([FinishOrdered(channel, 2), ForgetSocket(channel)])
    assert layer.load_session(channel) == {}


def test_a_server_renews_it_again_and_again(layer, redis_server, lives_s, monkeypatch):
    monkeypatch.setattr(upkeep, "RENEW_EVERY_S", 0.0)
    monkeypatch.setattr(heartbeat, "BEAT_EVERY_S", 0.02)

    async def stay_open():
        link = layer.open_link("stayer", lambda clients, message: None, lambda: None)
        await link.start()
        while not layer.is_read("websocket.send.stayer!a"):
            await asyncio.sleep(0.01)
        await link.open_socket("a", {})
        await asyncio.to_thread(layer.group_add, "room", "websocket.send.stayer!a")
        for _ in range(2):
            with redis_server.client() as client:
                for key in filter(is_kept_by_a_socket, lives_s()):
                    client.expire(key, 60)
            while min(life for key, life in lives_s().items() if is_kept_by_a_socket(key)) <= 60:
                await asyncio.sleep(0.01)
        await link.stop()

    asyncio.run(asyncio.wait_for(stay_open(), 20))


def ask(request):
    """Plan: one request."""
    yield [request]


def test_a_worker_is_registered_while_it_lives(layer, redis_server):
    def registered():
        with redis_server.client() as client:
            return client.zrange(layer.keyspace.registry("workers"), 0, -1)

    layer.keep_house("worker-1", {}, {"work"})
    assert registered() == [b"worker-1"]
    layer.leave_house("worker-1")
    assert registered() == []


def test_housekeeping_without_redis_says_so(layer, redis_server):
    redis_server.stop()
    with pytest.raises(LayerUnavailable):
        layer.keep_house("worker", {}, {"work"})


async def stop_with_full_disconnects(layer, clients):
    """Stop a server whose sockets close while websocket.disconnect is full; return its id."""
    link = layer.open_link("leaver", lambda *reply: None, lambda: None)
    await link.start()
    while not layer.is_read("websocket.send.leaver!a"):
        await asyncio.sleep(0.01)
    messages = {}
    for client in clients:
        messages[client] = {"reply_channel": link.reply_channel("websocket.send", client)}
        await link.open_socket(client, messages[client])
    closing = [
        asyncio.ensure_future(link.close_socket(client, {**messages[client], "order": 1}))
        for client in clients
    ]
    while not closing[0].done():
        await asyncio.sleep(0.01)
    await link.stop()
    await asyncio.gather(*closing)
    return link.server_id


def test_disconnects_that_a_stopping_server_could_not_send_are_made_up_for(
    make_layer, redis_server, monkeypatch, caplog
):
    monkeypatch.setattr(presence_module, "WATCHED_FOR_S", 0.0)
    layer = make_layer(channel_capacity={"websocket.disconnect": 1})
    asyncio.run(stop_with_full_disconnects(layer, "abc"))
    assert "2 of 2 disconnects could not be sent" in caplog.text
    assert [server["id"] for server in layer.status()["servers"]] == []
    disconnected = drain(layer)
    for _ in range(2):
        keep_house(layer)
        disconnected += drain(layer)
    assert sorted(message["reply_channel"][-2:] for message in disconnected) == ["!a", "!b", "!c"]
    keep_house(layer)
    with redis_server.client() as client:
        assert list(client.scan_iter("*leaver*")) == []
