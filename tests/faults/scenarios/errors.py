"""Errors say where they come from."""

import re

from tests.faults.result import Result
from tests.faults.scenario import scenario


@scenario(45, errors=(20, 200))
async def every_error_reaches_one_hook(site, numbers):
    """The hook is a receiver of the signal `consumer_failed`."""
    site.configure(layer={"channel_capacity": {"failing": 1_000}})
    await site.start(workers=2, threads=2)
    for number in range(numbers.errors):
        site.layer.send("failing", {"n": number})
    sockets = await site.open_sockets(5, "/errors")
    for socket in sockets:
        socket.send("oops")
    await site.ledger.wait_for(numbers.errors + 5, "failed")
    noted = site.ledger.records("failed")
    result = Result()
    result.equal("errors at the hook", len(noted), numbers.errors + 5)
    names = set(site.ledger.values("socket", "connect"))
    with_socket = {record["socket"] for record in noted if record["channel"] != "failing"}
    result.true("with channel and socket", with_socket == names)
    ids = set(re.findall(r"Running worker (\S+)", site.split.logs))
    result.true("and worker", {record["worker"] for record in noted} <= ids)
    logged = re.findall(r"failed on a message from (\S+)", site.split.logs)
    result.equal("logged", len(logged), numbers.errors + 5)
    return result
