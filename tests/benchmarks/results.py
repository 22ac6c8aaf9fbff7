"""From runs to medians, and the document that is written as JSON."""

import statistics

from tests.benchmarks.figures import evaluate

FORMAT = 1


def medians(runs):
    """Return {work: {contender: {value: median}}} of `runs`."""
    return _by_work(runs, statistics.median)


def spreads(runs):
    """Return {work: {contender: {value: [least, most]}}} of `runs`."""
    return _by_work(runs, lambda values: [min(values), max(values)])


def _by_work(runs, summarize):
    table = {}
    for run in runs:
        row = table.setdefault(run["work"], {}).setdefault(run["contender"], {})
        for name, value in run["values"].items():
            row.setdefault(name, []).append(value)
    return {
        work: {
            contender: {name: summarize(values) for name, values in row.items()}
            for contender, row in rows.items()
        }
        for work, rows in table.items()
    }


def make_document(session, machine, options):
    """Return all that a run found, ready for JSON."""
    middle = medians(session.runs)
    return {
        "format": FORMAT,
        "machine": machine,
        "options": options,
        "versions": session.versions,
        "contenders": {
            name: {"label": contender.label, "environment": contender.environment}
            for name, contender in session.contenders.items()
        },
        "work": {
            name: {
                "title": work.title,
                "metric": work.metric,
                "unit": work.unit,
                "lower_is_better": work.lower_is_better,
            }
            for name, work in session.work.items()
        },
        "skipped": session.skipped,
        "failed": session.failed,
        "medians": middle,
        "spreads": spreads(session.runs),
        "figures": evaluate(middle),
        "runs": session.runs,
    }
