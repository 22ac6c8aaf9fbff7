"""Files of this repository, to be shown on its own pages."""

import dataclasses
from pathlib import Path

from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.text import slugify

from project.highlighting import highlight

ROOT = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class SourceFile:
    """A file of Python, by its path in the repository."""

    path: str

    @property
    def anchor(self):
        """Its id on a page."""
        return slugify(self.path.replace("/", "-"))

    @property
    def title(self):
        """Its path as HTML that may be broken after each slash."""
        return mark_safe(escape(self.path).replace("/", "/<wbr>"))

    @property
    def html(self):
        """What is in it, highlighted."""
        return highlight(self.read_text())

    def read_text(self):
        """Return what is in it."""
        return (ROOT / self.path).read_text("utf-8")
