"""Celery, as it stands beside Django: a task that does nothing, and one that tells how many ran."""

import os

import redis
from celery import Celery

URL = f"redis://127.0.0.1:{os.environ['BENCH_REDIS_PORT']}/0"

app = Celery("tasks", broker=URL)
app.conf.update(task_ignore_result=True, broker_connection_retry_on_startup=True)
#: Tasks that this process has run.
_ran = 0


@app.task
def do_nothing(number):
    """What is measured."""
    global _ran
    _ran += 1


@app.task
def tell_count(reply):
    """Put the number of tasks that were run into a list of Redis."""
    with redis.Redis.from_url(URL) as client:
        client.rpush(reply, _ran)
