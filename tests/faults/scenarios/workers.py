"""Workers that stop, die, restart, ask for retries or are asked too much."""

import asyncio
import itertools
import signal
import time

from tests.faults.result import Result
from tests.faults.scenario import scenario
from tests.faults.site import wait_until


@scenario(13, ready_after_s=(2, 3), messages=(5, 20))
async def consumers_that_are_not_ready_yet(site, numbers):
    await site.start_workers(2)
    ready_at = time.time() + numbers.ready_after_s
    for number in range(numbers.messages):
        site.layer.send("later", {"n": number, "ready_at": ready_at})
    await site.ledger.wait_for(numbers.messages, "ran", limit_s=numbers.ready_after_s + 15)
    await asyncio.sleep(1)
    result = Result()
    result.equal("messages run", len(set(site.ledger.values("n", "ran"))), numbers.messages)
    result.equal("runs", site.ledger.count("ran"), numbers.messages)
    tries = site.ledger.count("tried") / numbers.messages - 1
    result.at_most("requeues a second", tries / numbers.ready_after_s, 10.0)
    return result


#: A worker that gives a message up after fewer retries than `runworker`.
_IMPATIENT = """
import django; django.setup()
from channels.asgi import channel_layers
from channels.log import setup_logger
from channels.worker import Worker
setup_logger("django.channels", 1)
Worker(channel_layers["default"], message_retries={retries}).run()
"""


@scenario(13, retries=(3, 10))
async def a_consumer_that_is_never_ready(site, numbers):
    code = _IMPATIENT.format(retries=numbers.retries)
    worker = site.split.start_command(site.split.python, "-c", code)
    await site.call(worker.wait_for_log, site.split.WORKER_READY)
    site.layer.send("later", {"n": 0, "ready_at": time.time() + 3600})

    def count_dead_letters():
        return site.layer.channel_statistics("later")["dead_letter_count"]

    await wait_until(lambda: count_dead_letters() > 0, limit_s=40)
    await asyncio.sleep(1)
    result = Result()
    result.equal("tries", site.ledger.count("tried"), numbers.retries + 1)
    result.equal("dead letters", count_dead_letters(), 1)
    result.equal("log lines", worker.log.count("gave up a message on later"), 1)
    return result


@scenario(18, jobs=(8, 8), job_s=(2, 5), waiting=(12, 12))
async def sigterm_while_all_threads_work(site, numbers):
    worker = await site.start_worker(f"--threads={numbers.jobs}")
    for number in range(numbers.jobs + numbers.waiting):
        site.layer.send("jobs", {"n": number, "sleep_ms": numbers.job_s * 1000})
    await site.ledger.wait_for(numbers.jobs, "job started")
    begun = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    code = await site.call(worker.wait)
    took_s = time.monotonic() - begun
    result = Result()
    result.true(f"exit code {code}", code == 0)
    result.at_most("exit after", took_s, numbers.job_s + 1.0, "s")
    result.equal("jobs finished", site.ledger.count("job done"), numbers.jobs)
    waiting = site.layer.channel_statistics("jobs")["messages_pending"]
    result.equal("taken and not run", numbers.waiting - waiting, 0)
    return result


@scenario(18, workers=(3, 8))
async def sigterm_while_nothing_is_to_be_done(site, numbers):
    workers = await site.start_workers(numbers.workers, "--threads=4")
    begun = time.monotonic()
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
    codes = [await site.call(worker.wait) for worker in workers]
    result = Result()
    result.true(f"exit codes {set(codes)}", set(codes) == {0})
    result.at_most("all exited after", time.monotonic() - begun, 1.0 + 0.1 * len(workers), "s")
    return result


class Producer:
    """Sends numbered messages at a steady rate until it has sent `count`; waits while it can't."""

    def __init__(self, site, channel, *, count, rate):
        self._site, self._channel = site, channel
        self._count, self._rate = count, rate
        self.sent = 0
        self.task = asyncio.create_task(self._produce())

    async def _produce(self):
        begun = time.monotonic()
        while self.sent < self._count:
            try:
                self._site.layer.send(self._channel, {"n": self.sent})
                self.sent += 1
            except self._site.layer.ChannelFull:
                await asyncio.sleep(0.01)
            late_s = time.monotonic() - begun - self.sent / self._rate
            if late_s < 0:
                await asyncio.sleep(-late_s)
            elif self.sent % 50 == 0:
                await asyncio.sleep(0)


def _count_duplicates(ledger, event):
    numbers = ledger.values("n", event)
    return len(numbers) - len(set(numbers))


@scenario(28, restarts=(5, 20), rate=(200, 200))
async def workers_are_restarted_under_load(site, numbers):
    """In turn, with SIGTERM, while messages come all the time."""
    workers = await site.start_workers(2)
    producer = Producer(site, "counted", count=10**9, rate=numbers.rate)
    for number in range(numbers.restarts):
        await asyncio.sleep(0.3)
        await site.call(workers[number % 2].stop)
        workers[number % 2] = await site.start_worker()
    producer.task.cancel()
    run = await site.ledger.wait_for(producer.sent, "job", limit_s=10)
    await asyncio.sleep(0.3)
    result = Result()
    result.note(f"{numbers.restarts} restarts")
    result.equal("messages run", run, producer.sent)
    result.equal("duplicates", _count_duplicates(site.ledger, "job"), 0)
    return result


@scenario(19, kills=(6, 50), messages=(3_000, 100_000), rate=(1_000, 2_000))
async def workers_are_killed_under_load(site, numbers):
    workers = await site.start_workers(4)
    producer = Producer(site, "counted", count=numbers.messages, rate=numbers.rate)
    for number in range(numbers.kills):
        share = (number + 0.5) / numbers.kills
        await wait_until(lambda at=share: producer.sent >= at * numbers.messages, limit_s=300)
        await site.call(workers[number % 4].kill)
        workers[number % 4] = await site.start_worker()
    await producer.task
    pending = site.layer.channel_statistics
    await wait_until(lambda: pending("counted")["messages_pending"] == 0, limit_s=60)
    await asyncio.sleep(1)
    lost = numbers.messages - len(set(site.ledger.values("n", "job")))
    result = Result()
    result.note(f"{numbers.messages:,} messages, {numbers.kills} kills")
    result.at_most("lost", lost, numbers.kills)
    result.equal("duplicates", _count_duplicates(site.ledger, "job"), 0)
    return result


@scenario(19, kills=(4, 50), messages=(1_500, 100_000), rate=(500, 2_000))
async def workers_are_killed_over_an_acknowledged_channel(site, numbers):
    """What a dead worker owned comes again; what had run already may run twice for that."""
    site.configure(
        layer={
            "acknowledged": {"counted": {"timeout_s": 5, "max_deliveries": 20}},
            "channel_capacity": {"counted": 20_000},
        }
    )
    workers = await site.start_workers(4)
    producer = Producer(site, "counted", count=numbers.messages, rate=numbers.rate)
    for number in range(numbers.kills):
        share = (number + 0.5) / numbers.kills
        await wait_until(lambda at=share: producer.sent >= at * numbers.messages, limit_s=300)
        await site.call(workers[number % 4].kill)
        workers[number % 4] = await site.start_worker()
    await producer.task

    def lost():
        return numbers.messages - len(set(site.ledger.values("n", "job")))

    await wait_until(lambda: lost() == 0, limit_s=60)
    result = Result()
    result.note(f"{numbers.messages:,} messages, {numbers.kills} kills")
    result.equal("lost", lost(), 0)
    result.at_most("run twice", _count_duplicates(site.ledger, "job"), numbers.kills)
    return result


@scenario(56, jobs=(2, 2), job_s=(60, 60))
async def a_worker_is_killed_with_plain_messages_in_its_hands(site, numbers):
    (worker,) = await site.start_workers(1, f"--threads={numbers.jobs}")
    for number in range(numbers.jobs):
        site.layer.send("slow", {"n": number, "sleep_ms": numbers.job_s * 1000})

    def is_shown():
        workers = site.layer.status()["workers"]
        return [len(one.get("running", ())) for one in workers] == [numbers.jobs]

    await wait_until(is_shown)
    await site.start_workers(1)
    await site.call(worker.kill)

    def lost():
        return site.layer.channel_statistics("slow")["lost_count"]

    await wait_until(lambda: lost() >= numbers.jobs, limit_s=60)
    result = Result()
    result.equal("counted as lost", lost(), numbers.jobs)
    told = f"died while it ran {numbers.jobs} message(s) of slow"
    result.true("told, once", site.split.logs.count(told) == 1)
    return result


@scenario(56, sockets=(12, 200), kills=(1, 10), leave_ms=(500, 500))
async def workers_are_killed_over_acknowledged_disconnects(site, numbers):
    """What a killed worker had in its hands runs in another one, after `timeout_s`."""
    site.configure(layer={"acknowledged": {"websocket.disconnect": {"timeout_s": 5}}})
    await site.start(workers=1, threads=4)
    sockets = await site.open_sockets(numbers.sockets, f"/leave/{numbers.leave_ms}")
    for socket in sockets:
        socket.vanish()
    for number in range(numbers.kills):
        share = number * numbers.sockets // numbers.kills
        await site.ledger.wait_for(share + 1, "leaving")
        await site.call(site.split.workers[-1].kill)
        await site.start_worker("--threads=4")

    def left():
        return len(set(site.ledger.values("socket", "disconnect")))

    await wait_until(lambda: left() == numbers.sockets, limit_s=90)
    begun = site.ledger.count("leaving")
    result = Result()
    result.equal("sockets whose disconnect ran to its end", left(), numbers.sockets)
    result.at_least("disconnects that were begun again", begun - numbers.sockets, 1, "")
    twice = site.ledger.count("disconnect") - numbers.sockets
    result.at_most("run to their end twice", twice, 4 * numbers.kills)
    return result


@scenario(57, hosts=("daphne", "uvicorn"), kills=(2, 20))
async def workers_are_killed_while_they_run_ordered_messages(site, numbers):
    await site.start(workers=1)
    result, waits_s = Result(), []
    for _ in range(numbers.kills):
        socket = await site.open_socket("/ordered")
        count = site.ledger.count("began")
        socket.send('{"n": 1, "sleep_ms": 60000}')
        await site.ledger.wait_for(count + 1, "began", limit_s=10)
        name = site.ledger.values("socket", "began")[-1]
        socket.send('{"n": 2}')
        await asyncio.sleep(0.2)
        await site.start_worker()
        begun = time.monotonic()
        await site.call(site.split.workers[-2].kill)
        await wait_until(lambda s=name: site.ledger.count("began", socket=s) > 1, limit_s=40)
        waits_s.append(time.monotonic() - begun)
        result.equal("frames after the one that was lost", await socket.wait_for_texts(1), 1)
        result.true("the socket is open", socket.is_open)
    result.at_most("longest stall", max(waits_s), 5.0, "s")
    return result


@scenario(29, times=(10, 30), every_ms=(300, 1_000))
async def sends_from_the_middle_of_a_consumer(site, numbers):
    await site.start(workers=1)
    socket = await site.open_socket("/tick")
    socket.send(f'{{"times": {numbers.times}, "every_ms": {numbers.every_ms}}}')
    delays_s = []
    for number in range(numbers.times):
        await socket.wait_for_texts(number + 1, limit_s=10)
        delays_s.append(time.time() - float(socket.texts[number]))
    result = Result()
    result.equal("arrived", len(socket.texts), numbers.times)
    result.at_most("slowest", max(delays_s) * 1000, 100.0, "ms")
    return result


@scenario(30, workers=(4, 8), sockets=(100, 500), rate=(100, 100))
async def a_rolling_restart_under_traffic(site, numbers):
    """Each message of each socket is echoed, and none is closed, while all workers are replaced."""
    site.split.env["CHANNELS_CODE_VERSION"] = "old"
    await site.start(workers=numbers.workers)
    sockets = await site.open_sockets(numbers.sockets, "/echo")
    chatter = asyncio.create_task(_chat(sockets, numbers.rate))
    site.split.env["CHANNELS_CODE_VERSION"] = "new"
    seen = []
    for worker in list(site.split.workers):
        await site.start_worker()
        await site.call(worker.stop)
        seen.append("".join(sorted(each["version"][0] for each in site.layer.status()["workers"])))
    await asyncio.sleep(1)
    chatter.cancel()
    await asyncio.wait([chatter])
    said = sum(socket.said for socket in sockets)
    await wait_until(lambda: sum(len(s.texts) for s in sockets) >= said, limit_s=5)
    result = Result()
    result.equal("sockets still open", sum(s.is_open for s in sockets), numbers.sockets)
    heard = [list(map(int, socket.texts)) for socket in sockets]
    result.equal("messages echoed", sum(map(len, heard)), said)
    result.equal(
        "sockets with each message once",
        sum(
            set(h) == set(range(s.said)) and len(h) == s.said
            for h, s in zip(heard, sockets, strict=True)
        ),
        numbers.sockets,
    )
    codes = {worker.exit_code for worker in site.split.workers[: numbers.workers]}
    result.true(f"exit codes of the old workers: {codes}", codes == {0})
    steps = [
        "n" * (done + 1) + "o" * (numbers.workers - done - 1) for done in range(numbers.workers)
    ]
    result.true("the status showed each worker's version, step by step", seen == steps)
    return result


async def _chat(sockets, rate):
    """Let the sockets speak in turn, `rate` messages a second in all."""
    for socket in sockets:
        socket.said = 0
    for socket in itertools.cycle(sockets):
        socket.send(str(socket.said))
        socket.said += 1
        await asyncio.sleep(1 / rate)
