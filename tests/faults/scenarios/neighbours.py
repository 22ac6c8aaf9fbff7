"""Processes that must not share a Redis with those that are there."""

import contextlib

from channels.layers.redis.presence import registry
from tests.faults.result import Result
from tests.faults.scenario import scenario

#: What somebody is told to do about it.
_WAY_OUT = "Set another `prefix` in the CONFIG"


@scenario(35, hosts=("daphne", "uvicorn"), tries=(1, 5))
async def two_projects_on_one_redis(site, numbers):
    """Both have default settings; each of the second one's processes is started again and again."""
    site.configure(SECRET_KEY="of the first project")
    await site.start(workers=1)
    first = site.split
    site.configure(SECRET_KEY="of the second project")
    result = Result()
    for _ in range(numbers.tries):
        await _expect_refusals(site, result, "another SECRET_KEY")
    site.configure(layer={"prefix": "second:"}, SECRET_KEY="of the second project")
    await site.start(workers=1)
    site.layer.send("counted", {"n": 1})
    result.equal("jobs run with a prefix of its own", await site.ledger.wait_for(1, "job"), 1)
    (pid,) = {record["pid"] for record in site.ledger.records("job")}
    result.true("by its own worker", pid == site.split.workers[0].pid)
    result.true("the first project went on", all(p.is_running for p in first.workers))
    return result


@scenario(45, hosts=("daphne", "uvicorn"), tries=(1, 5))
async def versions_that_do_not_understand_one_another(site, numbers):
    """A worker of another version of the layer's protocol is there already."""
    _show_worker_of_another_version(site)
    result = Result()
    for _ in range(numbers.tries):
        await _expect_refusals(site, result, f"speaks version {registry.PROTOCOL + 1} of the")
    return result


def _show_worker_of_another_version(site):
    facts = {"host": "elsewhere", "pid": 1, "project": []}
    own = registry.PROTOCOL
    try:
        registry.PROTOCOL = own + 1
        request = site.layer.registry.enter_request("workers", "another", facts)
    finally:
        registry.PROTOCOL = own
    with site.redis.client() as client:
        client.script_load(registry.scripts.REGISTER.text)
        client.execute_command(*request.command)


async def _expect_refusals(site, result, why):
    """Start a worker and a server; both must end at once, and say why and what to do."""
    processes = [
        await site.call(site.split.start_worker, wait=False),
        await site.call(site.split.start_server, server=site.host, wait=False),
    ]
    for process in processes:
        with contextlib.suppress(AssertionError):
            await site.call(process.wait, 20)
        kind = "worker" if process is processes[0] else "interface server"
        told = why in process.log and _WAY_OUT in process.log
        result.true(
            f"{kind}: exit code {process.exit_code}, told why and what to set",
            process.exit_code == 1 and told,
        )
    site.split.stop()
