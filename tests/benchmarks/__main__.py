"""python -m tests.benchmarks: run the benchmark, or draw its report again from a JSON file."""

import json
import signal
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import click

from tests.benchmarks import machine
from tests.benchmarks.contenders import CLASSES, CLASSES_WORK, QUICK, all_contenders
from tests.benchmarks.environments import (
    EnvironmentStore,
    ThisInterpreter,
    all_environments,
    default_directory,
)
from tests.benchmarks.page import COLUMNS, number_text, value_text, write_charts, write_page
from tests.benchmarks.plan import choose, cost_s, make_plan
from tests.benchmarks.results import make_document
from tests.benchmarks.session import Session
from tests.benchmarks.work import Pace, all_work

#: Rounds and pace of a full run, of --quick, and of --smoke.
FULL = (5, Pace(seconds=0.6, warmup_s=0.2))
QUICK_RUN = (2, Pace(seconds=0.3, warmup_s=0.15, long_s=3.0))
SMOKE = (1, Pace(seconds=0.15, warmup_s=0.03, scale=0.02, long_s=0.5))


@click.command()
@click.option("--quick", is_flag=True, help="Fewer contenders, less work: under two minutes.")
@click.option("--classes", is_flag=True, help="Class consumers alone: here, split, Channels 4.")
@click.option("--smoke", is_flag=True, help="Seconds only: shows that all of it works.")
@click.option("--only", multiple=True, metavar="WORK", help="Work that begins with this.")
@click.option(
    "--contender",
    multiple=True,
    metavar="NAME",
    help="Those that begin with this, each in all rounds.",
)
@click.option("--rounds", type=click.IntRange(1), help="Rounds.  [default: 5; quick: 2]")
@click.option("--seconds", type=float, help="Of each load.  [default: 0.6; quick: 0.3]")
@click.option("--cores", help="Cores for everything, as in 0,1.  [default: the first two]")
@click.option("--json", "json_path", type=click.Path(dir_okay=False), help="Write the results.")
@click.option("--charts", type=click.Path(file_okay=False), help="Write SVG charts here.")
@click.option("--page", type=click.Path(dir_okay=False), help="Write the Markdown page.")
@click.option("--venvs", type=click.Path(file_okay=False), help="Where environments are kept.")
@click.option("--rebuild", is_flag=True, help="Make the environments anew.")
@click.option("--here", is_flag=True, help="Use this interpreter; don't make environments.")
@click.option("--from", "source", type=click.Path(exists=True), help="Report on results again.")
@click.option("--list", "do_list", is_flag=True, help="List contenders and work.")
def main(**options):
    """Measure this project against Channels 4, Channels 1.1.8 and gunicorn."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    if options["do_list"]:
        show_list()
        return
    if options["source"]:
        document = json.loads(Path(options["source"]).read_text())
    else:
        document = measure(options)
    if options["json_path"]:
        Path(options["json_path"]).write_text(json.dumps(document, separators=(",", ":")) + "\n")
    if options["charts"]:
        write_charts(document, options["charts"])
    if options["page"]:
        write_page(document, options["page"], options["charts"])
    show(document)


def measure(options):
    """Make the plan, run it with a progress bar, return the document."""
    rounds, pace = choose_pace(options)
    contenders, work = choose_who_and_what(options)
    cores = [int(core) for core in (options["cores"] or "").split(",") if core]
    cores = machine.use_cores(cores or machine.default_cores())
    facts = machine.facts(cores)
    warn_if_busy(facts["load_average"][0])
    with Session(contenders, work, all_environments(), make_store(options), pace) as session:
        session.prepare()
        ready = [one for name, one in contenders.items() if name not in session.skipped]
        for name, why in session.skipped.items():
            click.echo(f"Skipped: {name}: {why}")
        turns = make_plan(ready, work, rounds)
        start = time.monotonic()
        run_turns(session, turns, work)
        about = {"rounds": rounds, "took_s": round(time.monotonic() - start, 1), **asdict(pace)}
        return make_document(session, facts, about)


def choose_pace(options):
    """Return (rounds, Pace) for the options."""
    rounds, pace = SMOKE if options["smoke"] else QUICK_RUN if options["quick"] else FULL
    values = asdict(pace)
    if options["seconds"]:
        values["seconds"] = options["seconds"]
    return options["rounds"] or rounds, Pace(**values)


def choose_who_and_what(options):
    """Return ({name: Contender}, {name: Work}) for the options."""
    contenders, work = all_contenders(), all_work()
    if options["quick"] and not options["contender"]:
        contenders = {name: contenders[name] for name in QUICK}
    if options["quick"] and not options["only"]:
        work = {name: one for name, one in work.items() if one.in_quick}
    few, little = (CLASSES, CLASSES_WORK) if options["classes"] else ((), ())
    try:
        names = choose(contenders, options["contender"] or few, "contender")
        todo = choose(work, options["only"] or little, "work")
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    chosen = {name: contenders[name] for name in names}
    if options["contender"]:
        chosen = {name: replace(one, rounds=None) for name, one in chosen.items()}
    return chosen, {name: work[name] for name in todo}


def make_store(options):
    """Return where interpreters come from."""
    if options["here"]:
        return ThisInterpreter()
    return EnvironmentStore(options["venvs"] or default_directory(), options["rebuild"], click.echo)


def warn_if_busy(load):
    """Say so if something else runs on the machine."""
    if load > 0.5:
        click.echo(f"Something else is running (load average {load}): expect noise.", err=True)


def run_turns(session, turns, work):
    """Take all turns under a progress bar."""
    bar = click.progressbar(
        length=round(cost_s(turns, work)),
        label="Measuring",
        show_pos=False,
        item_show_func=lambda text: text or "",
    )
    done = 0.0
    with bar:
        for turn in turns:
            session.take(turn, lambda turn, name: show_step(bar, turn, name))
            before, done = round(done), done + cost_s([turn], work)
            bar.update(round(done) - before)


def show_step(bar, turn, name):
    """Show what is being done now."""
    bar.update(0, f"round {turn.round + 1}: {turn.contender} {name or ''}")


def show_list():
    """Print the names that --contender and --only take."""
    click.echo("Contenders:")
    for name, contender in all_contenders().items():
        click.echo(f"  {name:24} {contender.label}: {', '.join(contender.work)}")
    click.echo("Work:")
    for name, work in all_work().items():
        click.echo(f"  {name:24} {work.title}")


def show(document):
    """Print the medians and the figures."""
    for work, rows in document["medians"].items():
        about = document["work"][work]
        click.echo(f"\n{about['title']} ({work}), {about['unit']}")
        for contender, values in rows.items():
            metric = values.get(about["metric"])
            shown = "–" if metric is None else number_text(metric)
            more = ", ".join(
                f"{COLUMNS[name]} {value_text(name, value)}"
                for name, value in values.items()
                if name in COLUMNS and name != about["metric"]
            )
            click.echo(f"  {document['contenders'][contender]['label']:42} {shown:>12}  {more}")
    click.echo("\nFigures to reach")
    for figure in document["figures"]:
        if figure["value"] is not None:
            mark = "ok" if figure["reached"] else "NO"
            value = number_text(figure["value"])
            click.echo(f"  {mark:3} {figure['claim']:78} {value:>10}  needed {figure['needed']}")
    for failure in document["failed"]:
        first = failure["error"].partition("\n")[0]
        click.echo(f"Failed: {failure['contender']} {failure['work']}: {first}", err=True)
    click.echo(f"\nTook {document['options']['took_s']} s.")


if __name__ == "__main__":
    main()
