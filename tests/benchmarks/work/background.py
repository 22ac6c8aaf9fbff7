"""Messages sent to a background channel by one process, consumed by one worker."""

from tests.benchmarks.work.definition import Work


def run(stack, pace):
    """Send for some seconds, and wait until the worker is at the end of the queue."""
    before = stack.usage().cpu_s()
    result = stack.run_producer(pace.seconds, limit_s=120)
    after = stack.usage().cpu_s()
    values = {
        "rate": result["consumed"] / result["seconds"],
        "refused": result["refused"],
        "lost": result["sent"] - result["consumed"],
        "errors": 0,
    }
    for role in after:
        values[f"{role}_us"] = (after[role] - before[role]) / max(1, result["consumed"]) * 1e6
    return values


WORK = [
    Work(
        "background",
        "Background channel: sent and consumed by one worker",
        "rate",
        "messages/s",
        run,
        cost_s=3.0,
    )
]
