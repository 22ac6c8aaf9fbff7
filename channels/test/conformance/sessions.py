"""Channel sessions: kept by socket, merged by key."""

from channels.exceptions import InvalidMessage, InvalidName
from channels.layers.operations import ForgetSocket

SOCKET = "websocket.send.server!client"


class SessionPromises:
    def save(self, layer, changed, removed=(), socket=SOCKET):
        results = layer.apply([layer.prepare_session(socket, changed, removed)])
        self.assertEqual(results, [None])

    def test_a_session_is_empty_at_first(self):
        self.assertEqual(self.open_layer("sessions").load_session(SOCKET), {})

    def test_a_session_comes_back_as_it_was_saved(self):
        layer = self.open_layer("sessions")
        values = {"text": "ü", "bytes": b"\xff", "list": [1, {"a": None}], "a key": 1.5, "": True}
        self.save(layer, values)
        self.assertEqual(layer.load_session(SOCKET), values)

    def test_another_process_loads_the_session(self):
        layer = self.open_layer("sessions")
        self.save(layer, {"room": "lobby"})
        self.assertEqual(self.open_twin(layer).load_session(SOCKET), {"room": "lobby"})

    def test_saves_of_different_keys_are_merged(self):
        layer = self.open_layer("sessions")
        self.save(layer, {"a": 1, "b": 1})
        self.save(layer, {"b": 2, "c": 2})
        self.assertEqual(layer.load_session(SOCKET), {"a": 1, "b": 2, "c": 2})

    def test_removed_keys_go(self):
        layer = self.open_layer("sessions")
        self.save(layer, {"a": 1, "b": 1})
        self.save(layer, {"c": 1}, removed=["a", "unknown"])
        self.assertEqual(layer.load_session(SOCKET), {"b": 1, "c": 1})
        self.save(layer, {}, removed=["b", "c"])
        self.assertEqual(layer.load_session(SOCKET), {})

    def test_sockets_have_sessions_of_their_own(self):
        layer = self.open_layer("sessions")
        self.save(layer, {"a": 1})
        for other in ("websocket.send.server!other", "websocket.send.other!client", "reply"):
            self.assertEqual(layer.load_session(other), {})

    def test_a_loaded_session_is_a_copy(self):
        layer = self.open_layer("sessions")
        self.save(layer, {"list": []})
        layer.load_session(SOCKET)["list"].append(1)
        self.assertEqual(layer.load_session(SOCKET), {"list": []})

    def test_a_change_after_preparing_has_no_effect(self):
        layer = self.open_layer("sessions")
        values = {"list": []}
        operation = layer.prepare_session(SOCKET, values)
        values["list"].append(1)
        values["new"] = 1
        layer.apply([operation])
        self.assertEqual(layer.load_session(SOCKET), {"list": []})

    def test_what_can_not_be_kept_is_refused_at_once(self):
        layer = self.open_layer("sessions")
        for changed in ({"value": object()}, {1: "value"}):
            with self.assertRaises(InvalidMessage):
                layer.prepare_session(SOCKET, changed)
        with self.assertRaises(InvalidName):
            layer.prepare_session("bad name", {})
        with self.assertRaises(InvalidName):
            layer.load_session("bad name")

    def test_a_forgotten_socket_has_no_session(self):
        layer = self.open_layer("sessions")
        self.save(layer, {"a": 1})
        self.assertEqual(layer.apply([ForgetSocket(SOCKET)]), [None])
        self.assertEqual(layer.load_session(SOCKET), {})

    def test_saves_at_the_same_time_all_count(self):
        layer = self.open_layer("sessions")
        layers = [layer, self.open_twin(layer)] * 2

        def save_some(layer, thread):
            for n in range(20):
                self.save(layer, {f"{thread}-{n}": n})

        threads = [self.in_background(save_some, each, i) for i, each in enumerate(layers)]
        for thread in threads:
            thread.result()
        expected = {f"{thread}-{n}": n for thread in range(4) for n in range(20)}
        self.assertEqual(layer.load_session(SOCKET), expected)

    def test_flush_removes_sessions(self):
        layer = self.open_layer("sessions", "flush")
        self.save(layer, {"a": 1})
        layer.flush()
        self.assertEqual(layer.load_session(SOCKET), {})
