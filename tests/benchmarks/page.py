"""The page docs/benchmarks.md, the charts, and the lines for the terminal: from a document."""

import math
from pathlib import Path
from string import Template

from tests.benchmarks.charts import Bar, Panel, draw, number_text
from tests.benchmarks.work.definition import ERROR

#: The panels of the one picture for the README, and who is in it.
OVERVIEW_WORK = ("http-32", "echo-50", "group-1000", "background")
OVERVIEW_CONTENDERS = (
    "classic-uvicorn-2w",
    "classic-uvicorn-1w",
    "channels4-uvicorn",
    "channels4-uvicorn-sync",
    "channels4-worker",
    "gunicorn-2w",
    "channels1-2w",
    "channels1-1w",
)
#: Values that a work's table shows besides its metric, with their heads, in order.
COLUMNS = {
    "rate": "per second",
    "p50_ms": "median ms",
    "p99_ms": "p99 ms",
    "delivered_share": "delivered",
    "paced_delivered_share": "delivered, paced",
    "fan_out_p50_ms": "fan-out, paced, median ms",
    "handshake_p50_ms": "handshake median ms",
    "handshake_p99_ms": "handshake p99 ms",
    "open": "open",
    "refused": "refused",
    "lost": "lost",
    "closed": "closed",
    "disorder": "twice or overtaken",
    "max_ms": "longest, ms",
    "over_500_ms": "over 500 ms",
    "calm_max_ms": "longest before, ms",
    "cpu_percent": "% of a core",
    "commands_per_process": "Redis commands/s a process",
    "server_bytes_per_socket": "server B/socket",
    "worker_bytes_per_socket": "workers B/socket",
    "redis_bytes_per_socket": "Redis B/socket",
    "one_by_one": "one by one",
    "redis_benchmark_rpush": "redis-benchmark RPUSH",
    "redis_benchmark_lpop": "… LPOP",
    "server_us": "server µs",
    "worker_us": "worker µs",
    "redis_us": "Redis µs",
    "generator_share": "generator",
    "errors": "errors",
}
_SHARES = ("delivered_share", "paced_delivered_share", "generator_share")
_TEXT = Path(__file__).with_name("page.md")


def is_reference(document, contender):
    """Whether a contender only shows a limit."""
    return document["contenders"][contender]["environment"] == "hello"


def rivals(document):
    """Return the contenders that are in the charts."""
    return [name for name in document["contenders"] if not is_reference(document, name)]


def panel(document, work, contenders):
    """Return the Panel of one work for `contenders`, or None if none of them did it."""
    about = document["work"][work]
    rows = document["medians"].get(work, {})
    bars = []
    for name in contenders:
        value = rows.get(name, {}).get(about["metric"])
        if value is not None:
            least, most = document["spreads"][work][name][about["metric"]]
            label, note = document["contenders"][name]["label"], loss_note(rows[name])
            bars.append(Bar(label, value, least, most, name.startswith("classic"), note))
    bars.sort(key=lambda bar: bar.value, reverse=not about["lower_is_better"])
    if not bars:
        return None
    return Panel(about["title"], about["unit"], tuple(bars), about["lower_is_better"])


def loss_note(values):
    """Return what a chart must add to a rate: what did not arrive does not count as fast."""
    share = values.get("delivered_share", 1)
    return "" if share == 1 else f"({math.floor(100 * share)} % arrived)"


def write_charts(document, directory):
    """Write <work>.svg for each work, and overview.svg; return their names."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    charts = {work: [panel(document, work, rivals(document))] for work in document["work"]}
    picks = [name for name in OVERVIEW_CONTENDERS if name in document["contenders"]]
    works = [work for work in OVERVIEW_WORK if work in document["work"]]
    charts["overview"] = [panel(document, work, picks) for work in works]
    written = []
    for name, panels in charts.items():
        if panels := [panel_ for panel_ in panels if panel_]:
            (directory / f"{name}.svg").write_text(draw(panels), encoding="utf-8")
            written.append(name)
    return written


def write_page(document, path, charts=None):
    """Write the Markdown page to `path`; `charts` is the directory of the charts, if there are."""
    path = Path(path)
    folder = None if charts is None else Path(charts).resolve().relative_to(path.parent.resolve())
    text = Template(_TEXT.read_text(encoding="utf-8")).substitute(
        machine=machine_lines(document),
        figures=figures_table(document["figures"]),
        work=work_sections(document, folder),
        skipped=skipped_lines(document),
        limits=limits_table(document),
        generator=generator_table(document),
        versions=versions_table(document),
        rounds=document["options"]["rounds"],
        seconds=document["options"]["seconds"],
        overview="" if folder is None else f"![Overview]({folder.as_posix()}/overview.svg)",
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def table(head, rows):
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def machine_lines(document):
    """Return the facts of the machine as a table."""
    machine = document["machine"]
    rows = [[name.replace("_", " "), _fact(value)] for name, value in machine.items()]
    return table(["", ""], rows)


def _fact(value):
    return ", ".join(map(str, value)) if isinstance(value, list) else value


def figures_table(figures):
    """Return the table of the figures to reach."""
    words = {True: "yes", False: "**no**", None: "not measured"}
    rows = []
    for figure in figures:
        value = "–" if figure["value"] is None else number_text(figure["value"])
        rows.append([figure["claim"], figure["needed"], value, words[figure["reached"]]])
    return table(["figure", "needed", "measured", "reached"], rows)


def value_text(name, value):
    """Return a value for people; shares are written as percentages."""
    if value is None:
        return ""
    return f"{100 * value:.0f} %" if name in _SHARES else number_text(value)


def work_table(document, work):
    """Return the table of one work: a row for each contender, best first."""
    about, rows = document["work"][work], document["medians"][work]
    found = {name for row in rows.values() for name in row}
    columns = [name for name in COLUMNS if name in found]
    order = sorted(
        rows,
        key=lambda name: rows[name].get(about["metric"], 0),
        reverse=not about["lower_is_better"],
    )
    lines = [
        [
            document["contenders"][contender]["label"],
            *(value_text(name, rows[contender].get(name)) for name in columns),
        ]
        for contender in order
    ]
    return table(["contender", *(COLUMNS[name] for name in columns)], lines)


def work_sections(document, folder):
    """Return a section for each work, with its chart and its table."""
    parts = []
    for work, about in document["work"].items():
        if work in document["medians"]:
            parts.append(f"### {about['title']} (`{work}`)\n")
            if folder is not None and panel(document, work, rivals(document)):
                parts.append(f"![{about['title']}]({folder.as_posix()}/{work}.svg)\n")
            parts.append(work_table(document, work) + "\n")
    return "\n".join(parts)


def skipped_lines(document):
    """Return what did not run, and why, and what went wrong in what ran."""
    lines = [f"- `{name}`: {why}" for name, why in document["skipped"].items()]
    failures = {(one["contender"], one["work"]): one["error"] for one in document["failed"]}
    for (contender, work), error in failures.items():
        first = error.strip().partition("\n")[0][:200]
        lines.append(f"- `{contender}` failed at `{work}`: {first}")
    for work, rows in document["medians"].items():
        for contender, values in rows.items():
            for name, count in values.items():
                if name.startswith(ERROR):
                    kind = name.removeprefix(ERROR)
                    lines.append(f"- `{contender}` at `{work}`: {number_text(count)} × {kind}")
    return "\n".join(lines) or "Everything ran, without an error."


def limits_table(document):
    """Return how far each work is from the bare host server, and from what Redis can do."""
    pushes = document["medians"].get("redis", {}).get("redis", {}).get("redis_benchmark_rpush")
    rows = []
    for work, contenders in document["medians"].items():
        for name, values in contenders.items():
            rate, redis_us = values.get("rate"), values.get("redis_us")
            if not name.startswith("classic-") or rate is None or redis_us is None:
                continue
            bare = contenders.get(f"hello-{name.split('-')[1]}", {}).get("rate")
            rows.append(
                [
                    work,
                    document["contenders"][name]["label"],
                    number_text(rate),
                    "" if bare is None else number_text(bare),
                    "" if bare is None else percent_text(rate / bare),
                    percent_text(rate * redis_us / 1e6),
                    "" if pushes is None else percent_text(rate / pushes),
                ]
            )
    head = [
        "work",
        "contender",
        "per second",
        "the host's bare hello",
        "share of it",
        "Redis, of a core",
        "of redis-benchmark's RPUSH",
    ]
    return table(head, rows)


def percent_text(share):
    """Return a share as a percentage."""
    return f"{100 * share:.{1 if share < 0.995 else 0}f} %"


def generator_table(document):
    """Return, by work, the load generator's largest share of a core among the rivals."""
    rows = []
    for work, contenders in document["medians"].items():
        shares = {
            name: contenders[name]["generator_share"]
            for name in rivals(document)
            if "generator_share" in contenders.get(name, {})
        }
        if shares:
            most = max(shares, key=shares.get)
            ceiling = contenders.get("bare-socket", {}).get("rate")
            rows.append(
                [
                    work,
                    f"{100 * shares[most]:.0f} %",
                    document["contenders"][most]["label"],
                    number_text(contenders[most]["rate"]),
                    "" if ceiling is None else number_text(ceiling),
                ]
            )
    head = ["work", "generator's largest share of a core", "with", "its rate", "bare socket's rate"]
    return table(head, rows)


def versions_table(document):
    """Return the versions of what matters, by environment."""
    packages = (
        "python",
        "django",
        "channels-classic",
        "channels",
        "channels-redis",
        "asgi-redis",
        "daphne",
        "uvicorn",
        "hypercorn",
        "granian",
        "gunicorn",
        "twisted",
        "uvloop",
        "httptools",
        "websockets",
        "redis",
        "hiredis",
        "msgpack",
        "asgiref",
    )
    names = list(document["versions"])
    rows = []
    for package in packages:
        row = [document["versions"][name].get(package, "") for name in names]
        if any(row):
            rows.append([package, *row])
    return table(["", *names], rows)
