"""WorkerLink: what a worker that hosts sockets gets, and what it can send."""

import asyncio
import contextlib
import time

from channels.layers import names
from channels.layers.worker_link import ForClients


class LinkedWorker:
    """One worker: its link, and what it got."""

    def __init__(self, layer, patience_s):
        self.layer = layer
        self.id = names.random_suffix(8)
        self.messages = []
        self._patience_s = patience_s
        self.link = layer.open_worker_link(self.id, self._on_message)
        self.local_parts = []

    def _on_message(self, message, local_parts):
        self.messages.append(message)
        self.local_parts += local_parts

    async def wait_for(self, count):
        """Wait until so many messages have come."""
        await self.wait_until(lambda: len(self.messages) >= count, f"{count} messages")

    async def wait_until(self, condition, what):
        deadline = time.monotonic() + self._patience_s
        while not condition():
            assert time.monotonic() < deadline, f"not within {self._patience_s} s: {what}"
            await asyncio.sleep(0.005)


class HostingPromises:
    @contextlib.asynccontextmanager
    async def worker(self, layer):
        """A started LinkedWorker."""
        worker = LinkedWorker(layer, self.patience_s)
        await worker.link.start()
        try:
            yield worker
        finally:
            await worker.link.stop()

    def with_server_and_worker(self, layer, scenario):
        """Run `await scenario(server, worker)` with one of each."""

        async def run():
            async with self.server(layer) as server, self.worker(layer) as worker:
                await scenario(server, worker)

        self.run_async(layer, run())

    def test_what_a_server_sends_to_a_workers_queue_comes_in_its_order(self):
        layer = self.open_layer()

        async def scenario(server, worker):
            channel = worker.link.queue + "host"
            await asyncio.gather(*(server.link.send(channel, {"n": n}) for n in range(300)))
            await worker.wait_for(300)
            self.assertEqual(worker.messages, [{"n": n} for n in range(300)])

        self.with_server_and_worker(layer, scenario)

    def test_a_batch_reaches_all_of_its_clients_in_its_order(self):
        layer = self.open_layer()

        async def scenario(server, worker):
            queue = server.link.reply_channel("websocket.send", "")
            batch = [ForClients(["a", "b"], {"n": 1}), ForClients(["b"], {"n": 2})]
            self.assertEqual(await worker.link.send_batch(queue, batch), 2)
            await server.wait_until(lambda: server.delivered == 3, "three replies")
            for client, expected in (("a", [1]), ("b", [1, 2])):
                got = [message["n"] for clients, message in server.replies if client in clients]
                self.assertEqual(got, expected)

        self.with_server_and_worker(layer, scenario)

    def test_of_a_batch_that_finds_no_room_it_is_said_how_much_was_sent(self):
        layer = self.open_layer(channel_capacity={"websocket.send.*": 5})

        async def scenario(worker):
            queue = f"websocket.send.{names.random_suffix(8)}!"
            batch = [ForClients(["a"], {"n": n}) for n in range(4)]
            self.assertEqual(await worker.link.send_batch(queue, batch), 4)
            sent = await worker.link.send_batch(queue, batch)
            self.assertIn(sent, (0, 1))

        async def run():
            async with self.worker(layer) as worker:
                await scenario(worker)

        self.run_async(layer, run())

    def test_an_instance_on_its_way_is_taken_once(self):
        layer = self.open_layer()

        async def scenario(server, worker):
            await worker.link.send("websocket.resume", {"state": b"x"})
            self.assertEqual(
                await asyncio.to_thread(self.receive_soon, layer, "websocket.resume"),
                ("websocket.resume", {"state": b"x"}),
            )
            self.assertEqual(
                await asyncio.to_thread(layer.receive, ["websocket.resume"]), (None, None)
            )

        self.with_server_and_worker(layer, scenario)

    def test_servers_and_workers_know_when_the_others_have_shown_that_they_live(self):
        layer = self.open_layer("presence")
        if layer.is_local:
            self.skipTest("servers and workers are one process")

        async def scenario(server, worker):
            await asyncio.to_thread(layer.keep_house, worker.id, {}, ["x"])
            workers_s = await server.link.worker_ages_s()
            servers_s = await worker.link.server_ages_s()
            self.assertLess(workers_s[worker.id], 5.0)
            self.assertLess(servers_s[server.link.server_id], 10.0)
            self.assertNotIn("nobody", workers_s)

        self.with_server_and_worker(layer, scenario)
