"""Messages that were given up are kept, and can be looked at, sent again and removed."""

import time

from channels.layers.operations import DeadLetter, Retry


class DeadLetterPromises:
    def open_with_letters(self, count, *extensions, **config):
        """A layer whose channel "work" has dead letters, numbered from 0, and its reader."""
        layer = self.open_layer("delay", *extensions, **config)
        reader = layer.open_reader(["work"])
        self.addCleanup(reader.close)
        for n in range(count):
            layer.send("work", {"n": n})
            _, delivery = reader.take(block_s=self.patience_s)
            layer.apply([DeadLetter(delivery, f"reason {n}")])
        return layer, reader

    def numbers(self, layer):
        return [letter["content"]["n"] for letter in layer.dead_letters("work")]

    def take_numbers(self, reader, count):
        deliveries = [reader.take(block_s=self.patience_s)[1] for _ in range(count)]
        return [(delivery.content["n"], delivery.attempts) for delivery in deliveries]

    def test_a_dead_letter_has_its_content_its_reason_and_its_attempts(self):
        layer, reader = self.open_with_letters(0)
        layer.send("work", {"text": "ü", "bytes": b"\xff"})
        retry = Retry(reader.take(block_s=self.patience_s)[1], 0.0)
        _, delivery = reader.take([retry], block_s=self.patience_s)
        layer.apply([DeadLetter(delivery, "it asked too often")])
        (letter,) = layer.dead_letters("work")
        self.assertEqual(letter["content"], {"text": "ü", "bytes": b"\xff"})
        self.assertEqual((letter["reason"], letter["attempts"]), ("it asked too often", 1))
        self.assertIsInstance(letter["id"], str)

    def test_a_dead_letter_knows_when_it_died(self):
        layer, _ = self.open_with_letters(1)
        now = getattr(layer, "clock", time.time)()
        self.assertLess(abs(layer.dead_letters("work")[0]["at"] - now), self.patience_s)

    def test_dead_letters_are_listed_by_channel_oldest_first(self):
        layer, _ = self.open_with_letters(3)
        self.assertEqual(self.numbers(layer), [0, 1, 2])
        self.assertEqual(layer.dead_letters("other"), [])
        self.assertEqual(layer.dead_letter_channels(), ["work"])

    def test_replayed_letters_come_again_as_new_messages(self):
        layer, reader = self.open_with_letters(2)
        self.assertEqual(layer.replay_dead_letters("work"), 2)
        self.assertEqual(self.take_numbers(reader, 2), [(0, 0), (1, 0)])
        self.assertEqual(layer.dead_letters("work"), [])
        self.assertEqual(layer.dead_letter_channels(), [])
        self.assertEqual(layer.replay_dead_letters("work"), 0)

    def test_one_letter_of_many_can_be_replayed(self):
        layer, reader = self.open_with_letters(3)
        chosen = layer.dead_letters("work")[1]["id"]
        self.assertEqual(layer.replay_dead_letters("work", [chosen, "0-0"]), 1)
        self.assertEqual(self.take_numbers(reader, 1), [(1, 0)])
        self.assertEqual(self.numbers(layer), [0, 2])

    def test_a_full_channel_takes_its_dead_letters_back(self):
        layer, reader = self.open_with_letters(3, capacity=1)
        self.assertEqual(layer.replay_dead_letters("work"), 3)
        self.assertEqual(len(self.take_numbers(reader, 3)), 3)

    def test_purged_letters_are_gone(self):
        layer, reader = self.open_with_letters(3)
        first = layer.dead_letters("work")[0]["id"]
        self.assertEqual(layer.purge_dead_letters("work", [first]), 1)
        self.assertEqual(self.numbers(layer), [1, 2])
        self.assertEqual(layer.purge_dead_letters("work"), 2)
        self.assertEqual(layer.dead_letters("work"), [])
        self.assertEqual(layer.dead_letter_channels(), [])
        self.assertEqual(layer.purge_dead_letters("unknown"), 0)

    def test_another_process_sees_dead_letters(self):
        layer, _ = self.open_with_letters(1)
        self.assertEqual(self.numbers(self.open_twin(layer)), [0])

    def test_flush_removes_dead_letters(self):
        layer, _ = self.open_with_letters(1, "flush")
        layer.flush()
        self.assertEqual(layer.dead_letters("work"), [])
