"""One run: a site, its traffic, the faults of a seed, rest, and the verdict."""

import asyncio
import random
import time

from tests.faults.checker import checks
from tests.faults.checker.checks import ONCE, OWNED, Past
from tests.faults.checker.history import History
from tests.faults.checker.traffic import Traffic
from tests.faults.checker.trouble import SERVER_ARGS, Trouble, plan
from tests.faults.site import Site, wait_until

SERVERS, WORKERS, THREADS = 2, 3, 2
#: What all channels have to be through with.
CHANNELS = [
    ONCE,
    OWNED,
    "http.request",
    "websocket.connect",
    "websocket.receive",
    "websocket.disconnect",
]
#: How long everything may take to come to rest.
REST_LIMIT_S = 60.0


class Run:
    """A seed, and what came of it: `history`, `findings` and `figures`."""

    def __init__(self, seed, seconds, say=lambda text: None):
        self.seed, self.seconds, self._say = seed, seconds, say
        self.history, self.findings, self.logs = History(), [], ""

    def execute(self):
        """Do it; return whether nothing was found."""
        asyncio.run(self._execute())
        return not self.findings

    async def _execute(self):
        async with Site() as site:
            site.configure(
                layer={
                    "acknowledged": {OWNED: {"timeout_s": 5}},
                    "channel_capacity": {"checked.*": 5_000},
                },
                HASTE=True,
            )
            trouble = Trouble(site, self.history, THREADS)
            await self._start(site, trouble)
            await self._break(site, trouble)
            await self._rest(site)
            past = Past([*self.history.events, *site.ledger.records()], THREADS)
            self.history.events = past.events
            self.findings = checks.check(past)
            self.figures = figures_of(past)
            if self.findings:
                self.logs = site.split.logs

    async def _start(self, site, trouble):
        for _ in range(SERVERS):
            await site.start_server(*SERVER_ARGS)
        for _ in range(WORKERS):
            await trouble.start_worker()
            self.history.note("workers")

    async def _break(self, site, trouble):
        ports = [server.port for server in site.split.servers]
        addresses = [("127.0.0.1", port) for port in ports]
        traffic = Traffic(
            self.history, random.Random(f"traffic {self.seed}"), site.layer, lambda: addresses
        )
        traffic.start()
        begun = time.monotonic()
        for wait_s, name, chance in plan(self.seed, self.seconds):
            await asyncio.sleep(wait_s)
            self._say(f"{time.monotonic() - begun:6.1f} s  {name}")
            await trouble.make(name, chance)
        await asyncio.sleep(max(2.0, self.seconds - (time.monotonic() - begun)))
        await traffic.stop()

    async def _rest(self, site):
        """Wait until nothing moves any more; note what is left then."""
        event = self.history.note("rest")
        await wait_until(lambda: not self._waiting(site), limit_s=REST_LIMIT_S)
        await self._settle(site)
        event.update(
            at=time.time(),
            waiting=self._waiting(site),
            sockets=sum(server["sockets"] for server in site.layer.status()["servers"]),
            eternal_keys=_eternal_keys(site),
            is_well=(await site.fetch("/")).status == 200,
        )

    async def _settle(self, site):
        """Wait until nobody has noted anything for a while: owned jobs come again, dead servers
        are buried."""
        count = -1
        while count != len(site.ledger.records()):
            count = len(site.ledger.records())
            await asyncio.sleep(7.0)

    @staticmethod
    def _waiting(site):
        pending = {
            name: site.layer.channel_statistics(name)["messages_pending"] for name in CHANNELS
        }
        return {name: count for name, count in pending.items() if count}


def _eternal_keys(site):
    """The keys that would stay for good, but for the registry, which is of a fixed size."""
    with site.redis.client() as client:
        keys = [key for key in client.scan_iter() if b"{registry}" not in key]
        return [key.decode() for key in keys if client.pttl(key) == -1]


def figures_of(past):
    """What to tell of a run: name -> number."""
    ran = {event["n"] for event in past.of("ran")}
    jobs = past.of("job", outcome="sent")
    return {
        "faults": len(past.of("fault")),
        "sockets": len(past.of("opened")),
        "frames": len(past.of("sent")),
        "replies": len(past.of("reply")),
        "broadcasts heard": len(past.of("heard")),
        "requests": len(past.of("asked")),
        "answered 200": len(past.of("asked", status=200)),
        "jobs": len(jobs),
        "jobs lost": sum(job["n"] not in ran for job in jobs),
        "owned jobs run again": _run_again(past),
    }


def _run_again(past):
    runs = past.grouped("n", "ran")
    return sum(len(events) - 1 for events in runs.values() if events[0]["channel"] == OWNED)
