"""What a scenario found: its figures, and which of its promises did not hold."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Figure:
    """One measured thing as text, and whether it is as promised."""

    text: str
    held: bool = True


class Result:
    """The figures of one run of a scenario, in the order in which they were found."""

    def __init__(self):
        self.figures = []

    def note(self, text):
        """Add a figure that promises nothing."""
        self.figures.append(Figure(text))

    def true(self, text, held):
        """Add a promise that is kept or not."""
        self.figures.append(Figure(text, bool(held)))

    def equal(self, what, got, wanted):
        """Promise that `got` things came out of `wanted`."""
        self.figures.append(Figure(f"{what}: {number(got)} of {number(wanted)}", got == wanted))

    def at_most(self, what, got, limit, unit=""):
        """Promise that a figure is `limit` at most."""
        text = f"{what}: {number(got)}{_unit(unit)} (≤ {number(limit)}{_unit(unit)})"
        self.figures.append(Figure(text, got <= limit))

    def at_least(self, what, got, limit, unit=""):
        """Promise that a figure is `limit` at least."""
        text = f"{what}: {number(got)}{_unit(unit)} (≥ {number(limit)}{_unit(unit)})"
        self.figures.append(Figure(text, got >= limit))

    @property
    def held(self):
        """Whether everything is as promised; False if nothing was measured."""
        return bool(self.figures) and all(figure.held for figure in self.figures)

    @property
    def broken(self):
        """The texts of the figures that are not as promised."""
        return [figure.text for figure in self.figures if not figure.held]

    def __str__(self):
        return "; ".join(f.text if f.held else f"NOT HELD: {f.text}" for f in self.figures)

    __repr__ = __str__


def _unit(unit):
    return unit and f" {unit}"


def number(value):
    """Return a number as people write it: 50,000; 0.31; 12.5."""
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{value:,}"


def percentile(values, share):
    """Return the value below which `share` (0 to 1) of `values` lie; nan if there are none."""
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)] if ordered else float("nan")
