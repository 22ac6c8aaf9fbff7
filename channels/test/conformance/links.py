"""ServerLink: what an interface server gets, and what the layer knows of it and its clients."""

import asyncio
import contextlib
import time

from channels.layers import names
from channels.layers.names import REPLY_KINDS

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

    def frame(self, client, order):
        """The `websocket.receive` of a client's frame."""
        return {"reply_channel": self.socket(client), "path": "/", "order": order, "text": "hi"}

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
