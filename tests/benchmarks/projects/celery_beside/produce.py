"""Send tasks for some seconds; wait until all have run.

Usage: python -m produce SECONDS. Prints a JSON object: sent, consumed, seconds, refused.
"""

import json
import sys
import time
import uuid

import redis
import tasks


def ask_count(client, limit_s):
    """Return how many tasks the worker has run once it gets to the end of the queue."""
    reply = f"reply-{uuid.uuid4()}"
    tasks.tell_count.delay(reply)
    answer = client.blpop([reply], timeout=limit_s)
    if answer is None:
        raise SystemExit(f"the worker did not get to the end of the queue in {limit_s} s")
    return int(answer[1])


def main(seconds):
    """Measure for `seconds`, after a first task that wakes the worker up."""
    with redis.Redis.from_url(tasks.URL, socket_timeout=None) as client:
        before = ask_count(client, 20)
        start = time.time()
        sent = 0
        while time.time() - start < seconds:
            for _ in range(50):
                tasks.do_nothing.delay(sent)
                sent += 1
        consumed = ask_count(client, 100) - before
    took = time.time() - start
    print(json.dumps({"sent": sent, "consumed": consumed, "seconds": took, "refused": 0}))


if __name__ == "__main__":
    main(float(sys.argv[1]))
