"""ServerLink: what an interface server gets, and what the layer knows of it and its clients."""

import asyncio
import contextlib
import time

from channels.exceptions import ClientBusy, HeldBack, InvalidMessage
from channels.layers import names
from channels.layers.names import REPLY_KINDS
from channels.layers.operations import Send

RECEIVE = "websocket.receive"


class LinkedServer:
    """One interface server: its link, and what it was told."""

    def __init__(self, layer, patience_s):
        self.layer = layer
        self.replies = []
        self.losses = 0
        self.breaks_on = None
        self._patience_s = patience_s
        self.link = layer.open_link(names.random_suffix(8), self._on_reply, self._on_lost)

    def _on_reply(self, clients, message):
        if message == self.breaks_on:
            raise RuntimeError("the interface server failed on purpose")
        self.replies.append((list(clients), message))

    def _on_lost(self):
        self.losses += 1

    def socket(self, client):
        """The reply channel of a client's WebSocket."""
        return self.link.reply_channel("websocket.send", client)

    @property
    def delivered(self):
        """How many clients have got a message, in all."""
        return sum(len(clients) for clients, _ in self.replies)

    async def wait_until(self, condition, what):
        deadline = time.monotonic() + self._patience_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {self._patience_s} s: {what}"
            await asyncio.sleep(0.005)


class LinkPromises:
    @contextlib.asynccontextmanager
    async def server(self, layer):
        """A started LinkedServer."""
        server = LinkedServer(layer, self.patience_s)
        await server.link.start()
        try:
            await server.wait_until(lambda: server.link.is_available, "the link is available")
            if "presence" in layer.extensions:
                await server.wait_until(lambda: layer.is_read(server.socket("a")), "it is known")
            yield server
        finally:
            await server.link.stop()

    def with_server(self, layer, scenario):
        """Run `await scenario(server)` with a server of the layer."""

        async def run():
            async with self.server(layer) as server:
                await scenario(server)

        self.run_async(layer, run())

    def receive_soon(self, layer, channel):
        found = []
        self.wait_until(
            lambda: found.append(layer.receive([channel])) or found[-1][0] is not None, "it arrives"
        )
        return found[-1]

    # -- replies ------------------------------------------------------------------------------

    def test_a_reply_channel_names_server_and_client(self):
        server = LinkedServer(self.open_layer(), self.patience_s)
        for kind in REPLY_KINDS:
            channel = server.link.reply_channel(kind, "c1")
            self.assertEqual(channel, f"{kind}.{server.link.server_id}!c1")

    def test_a_reply_comes_with_its_client(self):
        layer = self.open_layer()

        async def scenario(server):
            for n, kind in enumerate(REPLY_KINDS):
                channel = server.link.reply_channel(kind, f"c{n}")
                await asyncio.to_thread(layer.send, channel, {"body": bytes([n])})
                await server.wait_until(lambda n=n: len(server.replies) == n + 1, "it comes")
                self.assertEqual(server.replies[-1], ([f"c{n}"], {"body": bytes([n])}))

        self.with_server(layer, scenario)

    def test_a_delayed_reply_comes_when_it_is_due(self):
        layer = self.open_layer("delay")

        async def scenario(server):
            def send_all():
                for n, kind in enumerate(REPLY_KINDS):
                    channel = server.link.reply_channel(kind, "c1")
                    layer.send(channel, {"n": n}, 1_000.0)
                    layer.send(channel, {"n": n}, self.short_expiry_s)
                    layer.send(channel, {"now": n})

            await asyncio.to_thread(send_all)
            await server.wait_until(lambda: len(server.replies) >= 2, "what is not delayed comes")
            await asyncio.to_thread(self.let_time_pass, layer, 1.25 * self.short_expiry_s)
            await server.wait_until(lambda: len(server.replies) >= 4, "what is due comes")
            self.assertCountEqual(
                [message for _, message in server.replies],
                [{"now": 0}, {"now": 1}, {"n": 0}, {"n": 1}],
            )

        self.with_server(layer, scenario)

    def test_replies_keep_their_order(self):
        layer = self.open_layer(capacity=1_000)

        async def scenario(server):
            def send_all():
                for n in range(300):
                    layer.send(server.link.reply_channel("http.response", f"c{n % 3}"), {"n": n})

            await asyncio.to_thread(send_all)
            await server.wait_until(lambda: len(server.replies) >= 300, "all come")
            self.assertEqual([message["n"] for _, message in server.replies], [*range(300)])

        self.with_server(layer, scenario)

    def test_each_server_gets_its_own_replies(self):
        layer = self.open_layer()

        async def run():
            async with self.server(layer) as one, self.server(layer) as other:
                await layer.asend(one.socket("a"), {"n": 1})
                await layer.asend(other.socket("a"), {"n": 2})
                await one.wait_until(lambda: one.replies and other.replies, "both come")
                self.assertEqual(one.replies, [(["a"], {"n": 1})])
                self.assertEqual(other.replies, [(["a"], {"n": 2})])

        self.run_async(layer, run())

    def test_a_server_that_fails_on_one_reply_gets_the_next(self):
        layer = self.open_layer()

        async def scenario(server):
            server.breaks_on = {"n": 1}
            with self.assertLogs("channels.layers", "ERROR"):
                for n in (1, 2):
                    await layer.asend(server.socket("a"), {"n": n})
                await server.wait_until(lambda: server.replies, "the second comes")
            self.assertEqual(server.replies, [(["a"], {"n": 2})])

        self.with_server(layer, scenario)

    # -- groups -------------------------------------------------------------------------------

    def test_a_group_send_comes_once_with_all_of_its_clients(self):
        layer = self.open_layer("groups", "presence")

        async def scenario(server):
            clients = [f"c{n}" for n in range(100)]
            for client in clients:
                await server.link.open_socket(client, {"client": client})
                await layer.agroup_add("group", server.socket(client))
            await layer.asend_group("group", {"n": 1})
            await server.wait_until(lambda: server.replies, "it comes")
            ((received, message),) = server.replies
            self.assertEqual((sorted(received), message), (sorted(clients), {"n": 1}))

        self.with_server(layer, scenario)

    def test_a_big_group_on_a_layer_as_it_comes_loses_nothing(self):
        layer = self.open_layer("groups", "presence")

        async def scenario(server):
            for n in range(500):
                await server.link.open_socket(f"c{n}", {"n": n})
                await asyncio.to_thread(self.receive_soon, layer, "websocket.connect")

            def join_and_send():
                for n in range(500):
                    layer.group_add("group", server.socket(f"c{n}"))
                for n in range(50):
                    layer.send_group("group", {"n": n})

            await asyncio.to_thread(join_and_send)
            await server.wait_until(lambda: server.delivered >= 25_000, "all come")
            self.assertEqual(server.delivered, 25_000)

        self.with_server(layer, scenario)

    def test_members_of_a_live_server_do_not_expire(self):
        layer = self.open_layer("groups", "presence", group_expiry=self.short_expiry_s)

        async def scenario(server):
            await server.link.open_socket("a", {})
            await layer.agroup_add("group", server.socket("a"))
            await layer.agroup_add("group", server.link.reply_channel("http.response", "b"))
            await layer.agroup_add("group", "plain")
            await asyncio.to_thread(self.let_expire, layer)
            self.assertEqual(await layer.agroup_channels("group"), [server.socket("a")])
            await layer.asend_group("group", {"n": 1})
            await server.wait_until(lambda: server.replies, "it comes")

        self.with_server(layer, scenario)

    def test_members_of_a_stopped_server_leave_their_groups(self):
        layer = self.open_layer("groups", "presence")

        async def run():
            async with self.server(layer) as stopped, self.server(layer) as live:
                for server in (stopped, live):
                    await server.link.open_socket("a", {})
                    await layer.agroup_add("group", server.socket("a"))
                await stopped.link.stop()
                self.assertEqual(await layer.agroup_channels("group"), [live.socket("a")])
                await layer.asend_group("group", {"n": 1})
                await live.wait_until(lambda: live.replies, "it comes")
                self.assertEqual(stopped.replies, [])

        self.run_async(layer, run())

    def test_a_socket_that_has_closed_joins_no_group(self):
        layer = self.open_layer("groups", "presence")

        async def scenario(server):
            for client in "ab":
                await server.link.open_socket(client, {"client": client})
            await server.link.close_socket("a", {"client": "a"})
            for client in "ab":
                await layer.agroup_add("group", server.socket(client))
            await layer.agroup_add("empty", server.socket("a"))
            self.assertEqual(await layer.agroup_channels("group"), [server.socket("b")])
            self.assertEqual(await layer.agroup_channels("empty"), [])

        self.with_server(layer, scenario)

    def test_a_socket_that_could_not_be_opened_joins_no_group(self):
        layer = self.open_layer("groups", "presence", capacity=1)

        async def scenario(server):
            await server.link.open_socket("a", {})
            with self.assertRaises(layer.ChannelFull):
                await server.link.open_socket("b", {})
            await layer.agroup_add("group", server.socket("b"))
            self.assertEqual(await layer.agroup_channels("group"), [])

        self.with_server(layer, scenario)

    def test_a_request_whose_client_has_left_is_in_no_group(self):
        layer = self.open_layer("groups", "presence")

        async def scenario(server):
            names = [server.link.reply_channel("http.response", client) for client in "ab"]
            for name in names:
                await layer.agroup_add("group", name)
            server.link.mark_gone("a")
            await server.wait_until(
                lambda: layer.group_channels("group") == names[1:], "it has left the group"
            )
            await layer.agroup_add("group", names[0])
            self.assertEqual(await layer.agroup_channels("group"), names[1:])

        self.with_server(layer, scenario)

    # -- sockets ------------------------------------------------------------------------------

    def test_a_link_sends(self):
        layer = self.open_layer(capacity=1)

        async def scenario(server):
            await server.link.send("http.request", {"path": "/"})
            with self.assertRaises(layer.ChannelFull):
                await server.link.send("http.request", {"path": "/"})

        self.with_server(layer, scenario)
        self.assertEqual(self.receive_soon(layer, "http.request"), ("http.request", {"path": "/"}))

    def test_frames_come_once_each_and_in_their_order(self):
        layer = self.open_layer(channel_capacity={RECEIVE: 1_000})

        async def scenario(server):
            for n in range(100):
                await server.link.send_frame({"n": n})
            await asyncio.gather(*[server.link.send_frame({"n": 100}) for _ in range(100)])

        self.with_server(layer, scenario)
        received = [self.receive_soon(layer, RECEIVE)[1]["n"] for _ in range(200)]
        self.assertEqual(received, [*range(100), *[100] * 100])
        self.assertEqual(layer.receive([RECEIVE]), (None, None))

    def test_a_frame_that_finds_no_room_was_not_taken_and_can_be_sent_again(self):
        layer = self.open_layer(channel_capacity={RECEIVE: 2})

        async def scenario(server):
            sending = [server.link.send_frame({"n": n}) for n in range(5)]
            results = await asyncio.gather(*sending, return_exceptions=True)
            refused = [n for n, result in enumerate(results) if result is not None]
            self.assertEqual([type(results[n]) for n in refused], [layer.ChannelFull] * 3)
            received = []
            for n in refused:
                received.append(await asyncio.to_thread(self.receive_soon, layer, RECEIVE))
                await server.link.send_frame({"n": n})
            for _ in range(2):
                received.append(await asyncio.to_thread(self.receive_soon, layer, RECEIVE))
            self.assertEqual(sorted(message["n"] for _, message in received), [*range(5)])
            self.assertEqual(layer.receive([RECEIVE]), (None, None))

        self.with_server(layer, scenario)

    def test_a_frame_that_can_not_be_sent_fails_its_own_future_only(self):
        layer = self.open_layer()

        async def scenario(server):
            bad = server.link.send_frame({"n": object()})
            good = server.link.send_frame({"n": 1})
            with self.assertRaises(InvalidMessage):
                await bad
            await good

        self.with_server(layer, scenario)
        self.assertEqual(self.receive_soon(layer, RECEIVE), (RECEIVE, {"n": 1}))

    def test_opening_a_socket_sends_its_connect(self):
        layer = self.open_layer(capacity=1)

        async def scenario(server):
            connect = {"reply_channel": server.socket("a"), "path": "/", "order": 0}
            await server.link.open_socket("a", connect)
            with self.assertRaises(layer.ChannelFull):
                await server.link.open_socket("b", {**connect, "reply_channel": server.socket("b")})
            received = await asyncio.to_thread(self.receive_soon, layer, "websocket.connect")
            self.assertEqual(received, ("websocket.connect", connect))

        self.with_server(layer, scenario)

    def test_closing_a_socket_sends_its_disconnect_and_takes_it_out_of_its_groups(self):
        layer = self.open_layer("groups", "presence")

        async def scenario(server):
            for client in "ab":
                await server.link.open_socket(client, {"reply_channel": server.socket(client)})
                await layer.agroup_add("group", server.socket(client))
            disconnect = {"reply_channel": server.socket("a"), "code": 1001, "order": 1}
            await server.link.close_socket("a", disconnect)
            received = await asyncio.to_thread(self.receive_soon, layer, "websocket.disconnect")
            self.assertEqual(received, ("websocket.disconnect", disconnect))
            self.assertEqual(await layer.agroup_channels("group"), [server.socket("b")])

        self.with_server(layer, scenario)

    def test_a_disconnect_waits_until_its_channel_has_room(self):
        layer = self.open_layer("statistics", capacity=1)
        channel = "websocket.disconnect"

        async def scenario(server):
            for client in "ab":
                await server.link.open_socket(client, {"client": client})
                await asyncio.to_thread(self.receive_soon, layer, "websocket.connect")
            await server.link.close_socket("a", {"client": "a"})
            closing = asyncio.ensure_future(server.link.close_socket("b", {"client": "b"}))
            await server.wait_until(
                lambda: layer.channel_statistics(channel)["channel_full_count"], "it is refused"
            )
            self.assertFalse(closing.done())
            for client in "ab":
                received = await asyncio.to_thread(self.receive_soon, layer, channel)
                self.assertEqual(received, (channel, {"client": client}))
            await closing

        self.with_server(layer, scenario)

    # -- slow and vanished clients, servers that stop ---------------------------------------------

    async def wait_for_result(self, server, operation, kind):
        """Apply an operation until its result is of one `kind`."""
        await server.wait_until(
            lambda: isinstance(server.layer.apply([operation])[0], kind), f"the result is {kind}"
        )

    def test_senders_to_a_held_client_are_refused_until_it_is_resumed(self):
        layer = self.open_layer("presence", capacity=100_000)

        async def scenario(server):
            channel = server.link.reply_channel("http.response", "slow")
            operation = layer.prepare_send(channel, {"content": b"x"})
            server.link.hold("slow")
            await self.wait_for_result(server, operation, ClientBusy)
            refusals = layer.apply([operation, operation, operation])
            self.assertEqual([type(each) for each in refusals], [ClientBusy, HeldBack, HeldBack])
            other = server.link.reply_channel("http.response", "quick")
            self.assertEqual(layer.apply([layer.prepare_send(other, {})]), [None])
            server.link.resume("slow")
            await self.wait_for_result(server, operation, type(None))

        self.with_server(layer, scenario)

    def test_senders_to_a_vanished_client_are_told_so(self):
        from channels.exceptions import ClientGone

        layer = self.open_layer("presence", capacity=100_000)

        async def scenario(server):
            channel = server.link.reply_channel("http.response", "away")
            operation = layer.prepare_send(channel, {"content": b"x"})
            self.assertIsInstance(operation, Send)
            server.link.mark_gone("away")
            await self.wait_for_result(server, operation, ClientGone)
            self.assertEqual(layer.apply([operation])[0].channel, channel)
            with self.assertRaises(ClientGone):
                layer.send(channel, {})
            other = server.link.reply_channel("http.response", "here")
            self.assertEqual(layer.apply([layer.prepare_send(other, {})]), [None])

        self.with_server(layer, scenario)

    def test_nobody_reads_the_channels_of_a_stopped_server(self):
        layer = self.open_layer("presence")

        async def run():
            async with self.server(layer) as server:
                self.assertTrue(layer.is_read(server.socket("a")))
                await server.link.stop()
                await server.wait_until(
                    lambda: not layer.is_read(server.socket("a")), "it is known"
                )

        self.run_async(layer, run())

    def test_a_link_can_be_stopped_twice_and_before_its_start(self):
        layer = self.open_layer()

        async def run():
            server = LinkedServer(layer, self.patience_s)
            await server.link.stop()
            await server.link.start()
            await server.link.stop()
            await server.link.stop()

        self.run_async(layer, run())

    def test_a_server_that_the_layer_has_forgotten_is_told_and_goes_on_under_a_new_id(self):
        layer = self.open_layer("presence", "flush")

        async def scenario(server):
            old_id = server.link.server_id
            await asyncio.to_thread(layer.flush)
            await server.wait_until(lambda: server.losses, "on_lost is called")
            self.assertEqual(server.losses, 1)
            self.assertNotEqual(server.link.server_id, old_id)
            await server.wait_until(lambda: layer.is_read(server.socket("a")), "it is known again")
            await layer.asend(server.socket("a"), {"n": 1})
            await server.wait_until(lambda: server.replies, "the reply comes")
            self.assertEqual(server.replies, [(["a"], {"n": 1})])

        self.with_server(layer, scenario)
