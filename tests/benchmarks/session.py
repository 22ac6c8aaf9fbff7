"""One run of the benchmark: makes the environments, takes the turns, keeps what was measured."""

import subprocess

from tests.benchmarks.engines import Engines
from tests.benchmarks.environments import installed_versions
from tests.benchmarks.stack import BenchmarkError, Stack
from tests.pythons import MissingInterpreterError


class Session:
    """Runs turns and collects their values; `with` ends what the turns share.

    Args:
        contenders: {name: Contender}.
        work: {name: Work}.
        environments: {name: Environment}.
        store: has `python(environment)`, see environments.EnvironmentStore.
        pace: a Pace.
    """

    def __init__(self, contenders, work, environments, store, pace):
        self.contenders = contenders
        self.work = work
        self.environments = environments
        self.store = store
        self.pace = pace
        self.runs = []
        self.failed = []
        self.skipped = {}
        self.versions = {}
        self._pythons = {}
        self._engines = Engines()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self._engines.__exit__(*exc_info)

    def prepare(self):
        """Make the environments; contenders whose environment can't be made are skipped."""
        for name, contender in self.contenders.items():
            try:
                self._prepare(contender.environment)
            except MissingInterpreterError as error:
                self.skipped[name] = str(error)
            except subprocess.CalledProcessError as error:
                self.skipped[name] = f"pip failed: {error.stderr}"

    def _prepare(self, name):
        if name not in self._pythons:
            python = self.store.python(self.environments[name])
            self._pythons[name] = python
            self.versions[name] = installed_versions(python)

    def take(self, turn, on_step=lambda turn, name: None):
        """Take a turn; `on_step` is called before each piece of work and, with None, at its end."""
        contender = self.contenders[turn.contender]
        on_step(turn, "starting")
        try:
            with Stack(contender, self._pythons[contender.environment], self._engines) as stack:
                for name in turn.work:
                    on_step(turn, name)
                    self._measure(stack, turn, name)
        except BenchmarkError as error:
            for name in turn.work:
                self._fail(turn, name, error)
        on_step(turn, None)

    def _measure(self, stack, turn, name):
        try:
            stack.settle()
            values = self.work[name].run(stack, self.pace)
        except (BenchmarkError, subprocess.TimeoutExpired) as error:
            self._fail(turn, name, error)
        else:
            run = {"round": turn.round, "contender": turn.contender, "work": name}
            self.runs.append({**run, "values": values})

    def _fail(self, turn, name, error):
        run = {"round": turn.round, "contender": turn.contender, "work": name}
        self.failed.append({**run, "error": str(error)[-3000:]})
