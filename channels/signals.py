"""Signals of a worker's life, under their Channels 1.x names.

`worker_process_ready` once a process, `worker_ready` once a worker thread; `consumer_started`
(with `environ={}`, as 1.x sent) and `consumer_finished` around each consumer. New here:
`consumer_failed`, whose sender is the consumer, with `message`, `error` and `worker_id`.
"""

from django.db import close_old_connections
from django.dispatch import Signal

consumer_started = Signal()
consumer_finished = Signal()
consumer_failed = Signal()
worker_ready = Signal()
worker_process_ready = Signal()

# As Django does after a request: a connection past its CONN_MAX_AGE, or broken, is closed.
consumer_finished.connect(close_old_connections)
#: What waits for `consumer_finished` in any case. A worker looks whether anybody else does.
OWN_RECEIVERS = list(consumer_finished.receivers)
