"""What a run counts: completions, their latencies, errors by kind."""

from array import array
from collections import Counter


class Record:
    """Collects while `is_on`; the warm-up is not recorded."""

    def __init__(self):
        self.latencies = array("d")
        self.errors = Counter()
        self.completed = 0

    def add(self, latency_s):
        """Count one completion."""
        self.latencies.append(latency_s)
        self.completed += 1

    def restart(self):
        """Forget what the warm-up brought, its errors excepted: those are never forgotten."""
        del self.latencies[:]

    def summary(self, seconds):
        """Return the rate and the latencies of the last `seconds`."""
        return {
            "rate": len(self.latencies) / seconds,
            "seconds": seconds,
            "completed": self.completed,
            "latency_ms": percentiles_ms(self.latencies),
            "errors": dict(self.errors),
        }


def percentiles_ms(latencies_s):
    """Return p50, p90, p99 and max of some seconds, in milliseconds; nothing for no values."""
    if not latencies_s:
        return {}
    ordered = sorted(latencies_s)
    last = len(ordered) - 1
    shares = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "max": 1.0}
    return {name: ordered[round(share * last)] * 1000 for name, share in shares.items()}
