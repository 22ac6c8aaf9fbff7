"""What a worker shows of itself: its health, and its figures of the moment."""

import time
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from channels.exceptions import LayerUnavailable
from channels.metrics.health import Verdict

if TYPE_CHECKING:
    from worker.process import Worker

#: Housekeeping comes every 2 s, and may wait for a silent engine; after so long it is stuck.
STUCK_AFTER_S = 60.0


class WorkerProbes:
    """Tells of a Worker, from any thread."""

    place = "worker"

    def __init__(self, worker: "Worker") -> None:
        self._worker = worker

    @property
    def channels(self) -> Iterable[str]:
        """Those that the worker takes."""
        taken: Iterable[str] = self._worker.channels
        return taken

    def received(self) -> Mapping[str, int]:
        """Nothing beside what is counted."""
        return {}

    def gauges(self) -> Mapping[str, float]:
        """Threads and sockets."""
        worker = self._worker
        return {
            "channels_worker_threads": worker.thread_count,
            "channels_worker_threads_busy": sum(bool(t.running) for t in worker.threads),
            "channels_worker_sockets": worker.host.count if worker.host is not None else 0,
        }

    @property
    def has_started(self) -> bool:
        """Whether its threads run."""
        return bool(self._worker.threads)

    def live(self) -> Verdict:
        """Whether it is being looked after, and its threads run."""
        worker = self._worker
        silent_s = time.monotonic() - worker.looked_after_at
        if silent_s > STUCK_AFTER_S:
            return Verdict((f"the worker has not looked after itself for {silent_s:.0f} s",))
        if not worker.stopping.is_set():
            dead = [t.name for t in worker.threads if not t.is_alive()]
            if dead:
                return Verdict((f"threads have ended: {', '.join(dead)}",))
        return Verdict()

    def ready(self) -> Verdict:
        """Whether it takes messages."""
        worker = self._worker
        if worker.stopping.is_set():
            return Verdict(("it is stopping",))
        if not self.has_started:
            return Verdict(("it is starting",))
        try:
            if "status" in worker.channel_layer.extensions:
                worker.channel_layer.living_workers()
        except LayerUnavailable as error:
            return Verdict((f"the channel layer can't be reached: {error}",))
        return Verdict()
