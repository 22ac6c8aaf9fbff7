"""The figures to reach: each is a ratio (or a plain value) of medians, and a bound for it."""

import operator
from dataclasses import dataclass

_SIGNS = {"≥": operator.ge, "≤": operator.le, "<": operator.lt, "=": operator.eq}


@dataclass(frozen=True)
class Figure:
    """A claim about medians.

    Args:
        claim: the claim in words.
        top: (work, contender, value): what is measured.
        bottom: the same, what it is compared with; None to take `top` as it is.
        sign, bound: what the figure must be: "≥", "≤", "<" or "=" a number.
        is_difference: compare by subtraction rather than by division.
    """

    claim: str
    top: tuple[str, str, str]
    bottom: tuple[str, str, str] | None
    sign: str
    bound: float
    is_difference: bool = False

    def value(self, medians):
        """Return the figure, or None if one of its runs is missing."""
        top = _look_up(medians, self.top)
        if self.bottom is None or top is None:
            return top
        bottom = _look_up(medians, self.bottom)
        if bottom is None or (bottom == 0 and not self.is_difference):
            return None
        return top - bottom if self.is_difference else top / bottom

    def judge(self, medians):
        """Return the figure as a dict: claim, needed, value, reached (None: not measured)."""
        value = self.value(medians)
        reached = None if value is None else _SIGNS[self.sign](value, self.bound)
        needed = f"{self.sign} {self.bound:g}"
        return {"claim": self.claim, "needed": needed, "value": value, "reached": reached}


def _look_up(medians, place):
    work, contender, value = place
    return medians.get(work, {}).get(contender, {}).get(value)


def _ratio(work, value, pair, sign, bound, claim=""):
    """A Figure that compares two contenders at the same work."""
    top, bottom = pair
    claim = f"{work}{claim}: {top} / {bottom}"
    return Figure(claim, (work, top, value), (work, bottom, value), sign, bound)


def _http():
    split, daphne = "classic-uvicorn-2w", "classic-daphne-2w"
    return [
        _ratio("http-32", "rate", (split, "gunicorn-2w"), "≥", 0.9),
        _ratio("http-32", "rate", (split, "channels4-uvicorn"), "≥", 4),
        _ratio("http-32", "rate", (split, "channels1-2w"), "≥", 4),
        _ratio("http-32", "rate", (daphne, "channels4-daphne"), "≥", 3),
    ]


def _latency():
    figures = []
    for work, workers in (("http-1", "2w"), ("echo-1", "1w")):
        for host in ("uvicorn", "daphne"):
            split = f"classic-{host}-{workers}"
            old = f"channels1-{workers}"
            name = ", median latency"
            figures += [
                _ratio(work, "p50_ms", (split, f"channels4-{host}"), "≤", 2, name),
                _ratio(work, "p50_ms", (split, old), "≤", 0.05, name),
            ]
    return figures


def _sockets(host):
    split, in_process = f"classic-{host}-1w", f"channels4-{host}"
    group = "group-1000"
    return [
        _ratio("echo-50", "rate", (split, f"{in_process}-sync"), "≥", 1.5),
        _ratio("echo-50", "rate", (split, in_process), "≥", 0.95),
        Figure(
            f"{group}, bursts, share of frames delivered: {split}",
            (group, split, "delivered_share"),
            None,
            "=",
            1,
        ),
        _ratio(group, "rate", (split, in_process), "≥", 3, ", bursts"),
        Figure(
            f"enforce_ordering / plain echo, 50 sockets: {split}",
            ("ordered-50", split, "rate"),
            ("echo-50", split, "rate"),
            "≥",
            0.7,
        ),
        Figure(
            f"channel_session / plain echo, 50 sockets: {split}",
            ("session-50", split, "rate"),
            ("echo-50", split, "rate"),
            "≥",
            0.7,
        ),
    ]


def _background():
    work, split = "background", "classic-uvicorn-1w"
    return [
        _ratio(work, "rate", (split, "channels1-1w"), "≥", 4),
        Figure(f"{work}: messages a second, {split}", (work, split, "rate"), None, "≥", 10_000),
    ]


def _large(host):
    pair = (f"classic-{host}-2w", f"channels4-{host}")
    return [_ratio(work, "rate", pair, "≥", 0.5) for work in ("response-1mib", "upload-1mib")]


def _idle(host):
    split = f"classic-{host}-4w"
    memory = "server_bytes_per_socket"
    return [
        Figure(
            f"idle, server and 4 workers, % of one core: {split}",
            ("idle", split, "cpu_percent"),
            None,
            "<",
            1,
        ),
        Figure(
            f"idle, Redis commands a second for each process: {split}",
            ("idle", split, "commands_per_process"),
            None,
            "<",
            2,
        ),
        Figure(
            f"memory for each idle socket beyond {host}'s own, bytes",
            ("memory", f"classic-{host}-1w", memory),
            ("memory", f"hello-{host}", memory),
            "<",
            4096,
            is_difference=True,
        ),
    ]


def _class_consumers():
    four, sync = "channels4-uvicorn", "channels4-uvicorn-sync"
    here, one = "in-process-uvicorn", "split-1w"
    restart = [
        Figure(f"restart-2000: {what}", ("restart-2000", "split-4w", name), None, sign, bound)
        for what, name, sign, bound in (
            ("sockets closed", "closed", "=", 0),
            ("frames lost", "lost", "=", 0),
            ("frames twice or overtaken", "disorder", "=", 0),
            ("counts that did not travel", "miscounted", "=", 0),
            ("the longest wait, ms", "max_ms", "≤", 500),
        )
    ]
    return [
        _ratio("echo-50", "rate", (here, four), "≥", 1),
        _ratio("echo-50", "rate", ("in-process-uvicorn-sync", sync), "≥", 1),
        _ratio("group-1000", "rate", (here, four), "≥", 2),
        _ratio("http-32", "rate", (here, four), "≥", 1),
        *(
            _ratio(work, "rate", ("in-process-daphne", "channels4-daphne"), "≥", bound)
            for work, bound in (("echo-50", 1), ("group-1000", 2), ("http-32", 1))
        ),
        _ratio("echo-50", "rate", (one, four), "≥", 0.8),
        _ratio("echo-50", "rate", ("split-2w", four), "≥", 1),
        _ratio("echo-50", "rate", ("split-1w-sync", sync), "≥", 1.5),
        _ratio("sleep-50", "rate", ("split-1w-sync-50t", sync), "≥", 20),
        *(
            Figure(
                f"{work}, bursts, share of frames delivered: {one}",
                *((work, one, "delivered_share"), None, "=", 1),
            )
            for work in ("group-1000", "direct-1000")
        ),
        _ratio("group-1000", "rate", (one, four), "≥", 3, ", with a handler"),
        Figure(
            f"frames that need no code (direct-1000), {one} / group-1000, {four}",
            ("direct-1000", one, "rate"),
            ("group-1000", four, "rate"),
            *("≥", 10),
        ),
        _ratio("http-32", "rate", ("split-2w", "classic-uvicorn-2w"), "≥", 0.95),
        *restart,
        Figure(
            "memory for each idle socket in its worker, bytes",
            *(("memory", one, "worker_bytes_per_socket"), None, "<", 12_288),
        ),
    ]


def all_figures():
    """Return all Figures, in the order of the table."""
    hosts = ("uvicorn", "daphne")
    figures = _http() + _latency()
    for host in hosts:
        figures += _sockets(host)
    figures += _background()
    for host in hosts:
        figures += _large(host)
    for host in hosts:
        figures += _idle(host)
    return figures + _class_consumers()


def evaluate(medians):
    """Return each figure's claim, bound and value; reached is None where a run is missing."""
    return [figure.judge(medians) for figure in all_figures()]
