"""ServerLink: what the layer knows of a server's sockets, of slow and of vanished clients."""

import asyncio

from channels.exceptions import ClientBusy, ClientGone, HeldBack, InvalidMessage
from channels.layers.operations import Send
from channels.test.conformance.links import RECEIVE, LinkedServer


class SocketPromises:
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
                await server.link.send_frame(server.frame("a", n))
            await asyncio.gather(
                *[server.link.send_frame(server.frame("a", n)) for n in range(100, 200)]
            )

        self.with_server(layer, scenario)
        received = [self.receive_soon(layer, RECEIVE)[1]["order"] for _ in range(200)]
        self.assertEqual(received, [*range(200)])
        self.assertEqual(layer.receive([RECEIVE]), (None, None))

    def test_a_frame_that_finds_no_room_was_not_taken_and_can_be_sent_again(self):
        layer = self.open_layer(channel_capacity={RECEIVE: 2})

        async def scenario(server):
            sending = [server.link.send_frame(server.frame("a", n)) for n in range(5)]
            results = await asyncio.gather(*sending, return_exceptions=True)
            refused = [n for n, result in enumerate(results) if result is not None]
            self.assertEqual([type(results[n]) for n in refused], [layer.ChannelFull] * 3)
            received = []
            for n in refused:
                received.append(await asyncio.to_thread(self.receive_soon, layer, RECEIVE))
                await server.link.send_frame(server.frame("a", n))
            for _ in range(2):
                received.append(await asyncio.to_thread(self.receive_soon, layer, RECEIVE))
            self.assertEqual(sorted(message["order"] for _, message in received), [*range(5)])
            self.assertEqual(layer.receive([RECEIVE]), (None, None))

        self.with_server(layer, scenario)

    def test_a_frame_that_can_not_be_sent_fails_its_own_future_only(self):
        layer = self.open_layer()

        async def scenario(server):
            bad = server.link.send_frame({**server.frame("a", 1), "text": object()})
            good = server.link.send_frame(server.frame("b", 1))
            with self.assertRaises(InvalidMessage):
                await bad
            await good

        self.with_server(layer, scenario)
        _, message = self.receive_soon(layer, RECEIVE)
        self.assertTrue(message["reply_channel"].endswith("!b"))

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
