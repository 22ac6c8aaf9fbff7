"""The page on metrics says what there is."""

import re

from channels.metrics.names import METRICS
from tests.docs.blocks import DOCS


def test_table_of_metrics_is_complete_and_true():
    rows = re.findall(r"^\| `(channels_\w+)` \|(.*)\|$", (DOCS / "metrics.md").read_text(), re.M)
    told = {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows}
    assert told == {
        name + ("_total" if it.kind == "counter" else ""): [
            it.kind,
            ", ".join(f"`{label}`" for label in it.labels),
            it.where,
            it.help,
        ]
        for name, it in METRICS.items()
    }
