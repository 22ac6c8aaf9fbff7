"""Readers that wait, readers at the same time, fairness: nothing twice, nothing lost."""

import asyncio
import itertools
import random

from channels.test.conformance.harness import sync_and_async


@sync_and_async
class ConcurrencyPromises:
    def test_a_blocked_receive_is_woken_by_a_send(self, make):
        layer = make()
        blocked = layer.receive_blocking(["quiet", "ping"], 50)
        for n in range(50):
            layer.send("ping", {"n": n})
        received = sorted(message["n"] for _, message in blocked.result())
        self.assertEqual(received, [*range(50)])

    def test_two_that_wait_for_one_another_get_on(self, make):
        layer = make()

        def answer():
            for _ in range(30):
                _, message = layer.receive_blocking(["ping"]).result()[0]
                layer.real.send("pong", message)

        answering = self.in_background(answer)
        for n in range(30):
            layer.send("ping", {"n": n})
            self.assertEqual(layer.receive_blocking(["pong"]).result(), [("pong", {"n": n})])
        answering.result()

    def test_each_blocked_receive_gets_one_of_as_many_messages(self, make):
        layer = make()
        blocked = [layer.receive_blocking(["shared"]) for _ in range(6)]
        for n in range(6):
            layer.send("shared", {"n": n})
        received = sorted(background.result()[0][1]["n"] for background in blocked)
        self.assertEqual(received, [*range(6)])

    def test_a_receive_blocked_on_two_channels_leaves_no_message_unread(self, make):
        layer = make()
        for n in range(20):
            blocked = [layer.receive_blocking(["left", "right"]) for _ in range(2)]
            layer.send("left", {"n": n})
            layer.send("right", {"n": n})
            received = sorted(background.result()[0][0] for background in blocked)
            self.assertEqual(received, ["left", "right"])

    def test_a_message_has_one_reader_of_many(self, make):
        layer = make(capacity=1_000)
        for n in range(400):
            layer.send(f"shared-{n % 4}", {"n": n})
        channels = [f"shared-{n}" for n in range(4)]
        readers = [layer.real, self.open_twin(layer.real)] * 2
        received = []

        def receive_some(reader):
            while len(received) < 400:
                channel, message = reader.receive(channels)
                if channel is not None:
                    received.append(message["n"])

        threads = [self.in_background(receive_some, reader) for reader in readers]
        for thread in threads:
            thread.result()
        self.assertEqual(sorted(received), [*range(400)])

    def test_a_busy_channel_does_not_starve_a_quiet_one(self, make):
        layer = make(capacity=20)
        for n in range(20):
            layer.send("busy", {"n": n})
        layer.send("quiet", {})
        seen = set()
        for n in range(100):
            channel, _ = layer.receive(["busy", "quiet", "unused"])
            seen.add(channel)
            if channel == "busy":
                layer.send("busy", {"n": n})
        self.assertIn("quiet", seen)

    def test_a_cancelled_receive_loses_no_message(self, make):
        layer = make("async", capacity=1_000)
        received = []

        async def receive_until_cancelled():
            while True:
                _, message = await layer.real.areceive(["cancelled"], block=True)
                received.append(message["n"])

        async def hammer():
            numbers = iter(range(200))
            while True:
                reader = asyncio.ensure_future(receive_until_cancelled())
                for n in itertools.islice(numbers, random.randrange(1, 5)):
                    await layer.real.asend("cancelled", {"n": n})
                    last = n
                await asyncio.sleep(random.random() / 1_000)
                reader.cancel()
                await asyncio.gather(reader, return_exceptions=True)
                if last == 199:
                    return

        self.run_async(layer.real, hammer())
        received += [message["n"] for _, message in layer.receive_all(["cancelled"])]
        self.assertEqual(sorted(received), [*range(200)])

    def test_what_a_cancelled_receive_was_woken_for_goes_to_another(self, make):
        layer = make("async")

        async def receive():
            return (await layer.real.areceive(["shared"], block=True))[1]["n"]

        async def hammer():
            for n in range(30):
                first, second = (asyncio.ensure_future(receive()) for _ in range(2))
                await asyncio.sleep(random.random() / 500)
                await layer.real.asend("shared", {"n": n})
                first.cancel()
                await asyncio.wait([first])
                if first.cancelled():
                    self.assertEqual(await asyncio.wait_for(second, self.patience_s), n)
                else:
                    self.assertEqual(first.result(), n)
                    second.cancel()

        self.run_async(layer.real, hammer())

    def test_loops_in_several_threads_share_a_layer(self, make):
        layer = make("async")

        async def pass_on(source, target):
            for _ in range(20):
                _, message = await layer.real.areceive([source], block=True)
                await layer.real.asend(target, message)

        threads = [
            self.in_background(self.run_async, layer.real, pass_on(f"stage-{n}", f"stage-{n + 1}"))
            for n in range(3)
        ]
        for n in range(20):
            layer.send("stage-0", {"n": n})
        for thread in threads:
            thread.result()
        received = [message["n"] for _, message in layer.receive_all(["stage-3"])]
        self.assertEqual(sorted(received), [*range(20)])
