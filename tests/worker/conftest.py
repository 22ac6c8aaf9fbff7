"""A worker over the in-memory layer, in threads of this process."""

import os

import django
import pytest

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
django.setup()

from channels.asgi import ChannelLayerWrapper  # noqa: E402  (needs Django)
from channels.layers.memory import MemoryChannelLayer  # noqa: E402
from channels.worker import Worker  # noqa: E402


@pytest.fixture
def run_worker():
    """Start a Worker over `routing`; returns its layer. The worker must stop in the end."""
    workers = []

    def run(routing, *, layer=None, **options):
        import threading

        wrapper = ChannelLayerWrapper(layer or MemoryChannelLayer(), "default", routing)
        worker = Worker(wrapper, signal_handlers=False, **options)
        thread = threading.Thread(target=worker.run)
        thread.start()
        workers.append((worker, thread))
        wrapper.worker = worker
        return wrapper

    yield run
    for worker, thread in workers:
        worker.stop()
        thread.join(10)
        assert not thread.is_alive()
