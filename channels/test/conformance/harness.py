"""What the suite stands on: how layers are made, how time passes, and verbs in both kinds."""

import asyncio
import functools
import threading
import time
import unittest


class Harness:
    """What a layer's author sets.

    Attributes:
        short_expiry_s: an expiry that tests about time give to the layer, in seconds.
        margin_s: how late a layer may notice that something has expired, in seconds.
        patience_s: after how many seconds something that should happen has not.
        receive_tries: how often an unsuccessful `receive` is repeated before a channel counts as
            empty, for layers that look at one of several hosts each time.
    """

    short_expiry_s = 1.0
    margin_s = 1.0
    patience_s = 10.0
    receive_tries = 1

    def make_layer(self, **config):
        """Return an empty layer with this `config` (arguments of BaseChannelLayer)."""
        raise NotImplementedError("define make_layer(self, **config): it returns an empty layer")

    def make_twin(self, layer):
        """Return a second layer over the same messages, as another process would have it.

        A layer that works within one process is its own twin.
        """
        return layer

    def let_time_pass(self, layer, seconds):
        """Make `seconds` pass for `layer`: wait, or move the clock that it was given."""
        time.sleep(seconds)

    # -- for the tests ------------------------------------------------------------------------

    def open_layer(self, *extensions, **config):
        """A layer that is closed with the test; skips it if an extension is missing."""
        layer = self.make_layer(**config)
        self.addCleanup(layer.close)
        for extension in extensions:
            if extension not in layer.extensions:
                raise unittest.SkipTest(f"{type(layer).__name__} has no {extension!r} extension")
        return layer

    def open_twin(self, layer):
        """A second layer over the same messages, closed with the test."""
        twin = self.make_twin(layer)
        if twin is not layer:
            self.addCleanup(twin.close)
        return twin

    def let_expire(self, layer):
        """Let messages that were sent with `short_expiry_s` expire."""
        self.let_time_pass(layer, self.short_expiry_s + self.margin_s)

    def wait_until(self, condition, what):
        """Wait for `condition()`, but no longer than `patience_s`."""
        deadline = time.monotonic() + self.patience_s
        while not condition():
            if time.monotonic() > deadline:
                self.fail(f"not within {self.patience_s} s: {what}")
            time.sleep(0.005)

    def in_background(self, function, *args):
        """Run a function in a thread; returns a Background."""
        return Background(function, args, self.patience_s)

    def run_async(self, layer, coroutine):
        """Run a coroutine to its end in a loop of its own, but no longer than three patiences."""
        asyncio.run(_closing(layer, asyncio.wait_for(coroutine, 3 * self.patience_s)))


async def _closing(layer, awaitable):
    try:
        return await awaitable
    finally:
        await layer.aclose()


class Background:
    """A function that runs in a thread of its own."""

    def __init__(self, function, args, patience_s):
        self._outcome = []
        self._patience_s = patience_s
        self._thread = threading.Thread(target=self._run, args=(function, args), daemon=True)
        self._thread.start()

    def _run(self, function, args):
        try:
            self._outcome.append((function(*args), None))
        except BaseException as error:  # raised again by result()
            self._outcome.append((None, error))

    @property
    def is_running(self):
        return self._thread.is_alive()

    def result(self):
        """Wait for its end, and return what it returned or raise what it raised."""
        self._thread.join(self._patience_s)
        if self._thread.is_alive():
            raise AssertionError(f"still blocked after {self._patience_s} s")
        ((value, error),) = self._outcome
        if error is not None:
            raise error
        return value


class SyncVerbs:
    """A layer's plain verbs. What is not a verb is the layer's own."""

    def __init__(self, test, layer):
        self.real = layer
        self._test = test

    def __getattr__(self, name):
        return getattr(self.real, name)

    def receive(self, channels):
        """Receive without blocking, as often as the layer may need."""
        for _ in range(self._test.receive_tries):
            channel, message = self._receive_once(channels)
            if channel is not None:
                break
        return channel, message

    def _receive_once(self, channels):
        return self.real.receive(channels)

    def receive_all(self, channels):
        """Receive until nothing is left: a list of (channel, message)."""
        return list(iter(lambda: self.receive(channels), (None, None)))

    def receive_blocking(self, channels, count=1):
        """Receive `count` times, waiting each time, in a thread: a Background of the list."""
        return self._test.in_background(
            lambda: [self.real.receive(channels, block=True) for _ in range(count)]
        )


class AsyncVerbs(SyncVerbs):
    """A layer's coroutines, each run to its end in one event loop of this thread."""

    def __init__(self, test, layer):
        super().__init__(test, layer)
        self._loop = asyncio.new_event_loop()
        test.addCleanup(self._end)

    def _end(self):
        self._await(self.real.aclose())
        self._await(self._loop.shutdown_asyncgens())
        self._await(self._loop.shutdown_default_executor())
        self._loop.close()

    def _await(self, coroutine):
        return self._loop.run_until_complete(coroutine)

    def send(self, channel, message, *delay):
        return self._await(self.real.asend(channel, message, *delay))

    def _receive_once(self, channels):
        return self._await(self.real.areceive(channels))

    def receive_blocking(self, channels, count=1):
        async def receive():
            return [await self.real.areceive(channels, block=True) for _ in range(count)]

        return self._test.in_background(lambda: asyncio.run(_closing(self.real, receive())))

    def group_add(self, group, channel):
        return self._await(self.real.agroup_add(group, channel))

    def group_discard(self, group, channel):
        return self._await(self.real.agroup_discard(group, channel))

    def group_channels(self, group):
        return self._await(self.real.agroup_channels(group))

    def send_group(self, group, message):
        return self._await(self.real.asend_group(group, message))


def sync_and_async(mixin):
    """Class decorator: each `test_x(self, make)` becomes test_x__sync and test_x__async.

    `make(*extensions, **config)` returns the verbs of a new layer, in one kind or the other.
    """
    for name, test in list(vars(mixin).items()):
        if name.startswith("test_"):
            delattr(mixin, name)
            setattr(mixin, f"{name}__sync", _with_verbs(test, SyncVerbs))
            setattr(mixin, f"{name}__async", _with_verbs(test, AsyncVerbs))
    return mixin


def _with_verbs(test, verbs_class):
    @functools.wraps(test)
    def run(self):
        def make(*extensions, **config):
            return verbs_class(self, self.open_layer(*extensions, **config))

        return test(self, make)

    del run.__wrapped__  # pytest would take `make` for a fixture
    return run
