"""Pairs of channel sessions that are saved at the same moment, in a database of one's own.

    python -m tests.channels.consuming.session_pairs ENGINE DATABASE

ENGINE is a session engine, DATABASE what Django's DATABASES says of the default one, as JSON.
Prints the changes that are missing afterwards, as JSON.
"""

import concurrent.futures
import json
import sys
import threading

import django
from django.conf import settings

#: Pairs that save a session which is there, and as many that both make one.
PAIRS = 15


def main(engine, database):
    settings.configure(
        DATABASES={"default": database},
        CHANNEL_SESSION_ENGINE=engine,
        INSTALLED_APPS=["django.contrib.sessions"],
        USE_TZ=True,
        SECRET_KEY="only for tests",
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    names = [f"websocket.send.Server!{number}" for number in range(2 * PAIRS)]
    for name in names[:PAIRS]:
        change(name, {"before": 1, "gone": 1})
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        missing = [lost for name in names for lost in save_twice(threads, name)]
        list(threads.map(close, [threading.Barrier(2)] * 2))
    print(json.dumps(missing))


def save_twice(threads, name):
    """Change one session in two threads; return what it lacks then."""
    barrier = threading.Barrier(2)
    before = dict(find(name).items())
    list(threads.map(lambda key: change(name, {key: 1}, barrier), ["a", "b"]))
    after = dict(find(name).items())
    wanted = {**{key: 1 for key in before if key != "gone"}, "a": 1, "b": 1}
    return [f"{name} {key}" for key in wanted.keys() ^ after.keys()]


def change(name, data, barrier=None):
    session = find(name)
    session.update(data)
    if barrier:
        session.pop("gone", None)
        barrier.wait(10)
    session.save()


def find(name):
    from channels.layers.memory import MemoryChannelLayer
    from channels.sessions import session_for_reply_channel

    return session_for_reply_channel(name, MemoryChannelLayer())


def close(barrier):
    barrier.wait(10)  # so that each thread closes its own
    django.db.connections.close_all()


if __name__ == "__main__":
    main(sys.argv[1], json.loads(sys.argv[2]))
