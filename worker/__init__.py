"""The process that takes messages and runs consumers. Users import it from `channels.worker`."""

from worker.applications.finding import find_hosted
from worker.process import Worker, WorkerGroup

__all__ = ["Worker", "WorkerGroup", "find_hosted"]
