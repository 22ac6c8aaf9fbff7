"""Bar charts as SVG: horizontal bars, an axis that begins at zero, whiskers for the spread."""

import math
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LABEL_WIDTH, VALUE_WIDTH = 840, 265, 145
ROW, BAR, TOP, BOTTOM = 24, 15, 40, 34
PLOT = WIDTH - LABEL_WIDTH - VALUE_WIDTH
INK, FAINT, GRID = "#1f2328", "#59636e", "#d1d9e0"
OWN, OTHER = "#0a6e5c", "#a8b3bf"
_FONT = "font-family=\"system-ui, -apple-system, 'Segoe UI', Helvetica, Arial, sans-serif\""


@dataclass(frozen=True)
class Bar:
    """One bar: its label, its value, the least and the most of its rounds, and whose it is.

    `note` is written behind the value.
    """

    label: str
    value: float
    least: float
    most: float
    is_own: bool = False
    note: str = ""


@dataclass(frozen=True)
class Panel:
    """A title, the unit of its axis, and its bars from top to bottom."""

    title: str
    unit: str
    bars: tuple[Bar, ...]
    lower_is_better: bool = False

    @property
    def height(self):
        return TOP + ROW * len(self.bars) + BOTTOM


def draw(panels):
    """Return an SVG document with `panels` one below the other."""
    height = sum(panel.height for panel in panels)
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" {_FONT} font-size="12">',
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
    ]
    y = 0
    for panel in panels:
        parts += _panel(panel, y)
        y += panel.height
    return "\n".join([*parts, "</svg>", ""])


def _panel(panel, y):
    step, end = axis(max((bar.most for bar in panel.bars), default=1))
    scale = PLOT / end
    better = "less is better" if panel.lower_is_better else "more is better"
    parts = [
        _text(12, y + 22, panel.title, INK, 'font-size="14" font-weight="600"'),
        *_grid(panel, y, step, end),
        _text(
            LABEL_WIDTH, y + panel.height - 4, f"{panel.unit} ({better})", FAINT, 'font-size="11"'
        ),
    ]
    for number, bar in enumerate(panel.bars):
        parts += _bar(bar, y + TOP + ROW * number, scale)
    return parts


def _grid(panel, y, step, end):
    """Vertical lines at round values, the first of them at zero."""
    top, bottom = y + TOP - 4, y + TOP + ROW * len(panel.bars)
    for number in range(round(end / step) + 1):
        x = LABEL_WIDTH + PLOT * number * step / end
        colour = FAINT if number == 0 else GRID
        yield f'<path d="M{x:.1f} {top}V{bottom}" stroke="{colour}"/>'
        yield _text(
            x, bottom + 13, number_text(number * step), FAINT, 'font-size="10" text-anchor="middle"'
        )


def _bar(bar, y, scale):
    middle, fill = y + BAR / 2, OWN if bar.is_own else OTHER
    least, most = LABEL_WIDTH + bar.least * scale, LABEL_WIDTH + bar.most * scale
    weight = 'font-weight="600"' if bar.is_own else ""
    yield _text(LABEL_WIDTH - 8, middle + 4, bar.label, INK, f'text-anchor="end" {weight}')
    yield (
        f'<rect x="{LABEL_WIDTH}" y="{y}" width="{bar.value * scale:.1f}" height="{BAR}" '
        f'fill="{fill}"/>'
    )
    yield (
        f'<path d="M{least:.1f} {middle}H{most:.1f}M{least:.1f} {middle - 3}v6'
        f'M{most:.1f} {middle - 3}v6" stroke="{INK}" fill="none"/>'
    )
    yield _text(most + 7, middle + 4, f"{number_text(bar.value)} {bar.note}".strip(), INK, weight)


def _text(x, y, text, colour, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{colour}" {more}>{escape(text)}</text>'


def axis(most):
    """Return (step, end) of an axis from zero that holds `most`, with at most six round steps."""
    if most <= 0:
        return 1.0, 1.0
    power = 10.0 ** math.floor(math.log10(most))
    step = next(f * power for f in (0.2, 0.5, 1.0, 2.0) if most / (f * power) <= 6)
    return step, step * math.ceil(most / step - 1e-9)


def number_text(value):
    """Return a number for people: 12,345 or 12.3 or 0.0123."""
    if value == 0:
        return "0"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
