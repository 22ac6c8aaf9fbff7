"""Python source as HTML, in a few plain colours."""

import builtins
import io
import keyword
import token
import tokenize

from django.utils.html import escape
from django.utils.safestring import mark_safe

#: Kind of token -> CSS class. Names are told apart by `_class_of_name`.
_CLASSES = {
    token.STRING: "s",
    tokenize.COMMENT: "c",
    token.NUMBER: "n",
    # An f-string is one token up to Python 3.11, and several from 3.12 on.
    getattr(token, "FSTRING_START", -1): "s",
    getattr(token, "FSTRING_MIDDLE", -1): "s",
    getattr(token, "FSTRING_END", -1): "s",
}


def highlight(source):
    """Return Python `source` as safe HTML.

    Its spans have the classes k (keyword), s (string), c (comment), n (number), b (built-in) and
    d (what is defined here, and decorators). Raises tokenize.TokenError if it is no Python.
    """
    offsets = [0]
    for line in io.StringIO(source):
        offsets.append(offsets[-1] + len(line))
    parts, done, before = [], 0, ""
    for found in tokenize.generate_tokens(io.StringIO(source).readline):
        start = offsets[min(found.start[0], len(offsets)) - 1] + found.start[1]
        end = offsets[min(found.end[0], len(offsets)) - 1] + found.end[1]
        css = _class_of(found, before)
        if css and start < end:
            parts += [escape(source[done:start]), _span(css, source[start:end])]
            done = end
        if found.type not in (token.NEWLINE, tokenize.NL, token.INDENT, token.DEDENT):
            before = found.string
    return mark_safe("".join([*parts, escape(source[done:])]))


def _span(css, text):
    return f'<span class="{css}">{escape(text)}</span>'


def _class_of(found, before):
    if found.type == token.NAME:
        return _class_of_name(found.string, before)
    if found.type == token.OP and found.string == "@":
        return "d"
    return _CLASSES.get(found.type)


def _class_of_name(name, before):
    if keyword.iskeyword(name):
        return "k"
    if before in ("def", "class", "@"):
        return "d"
    return "b" if hasattr(builtins, name) and before != "." else None
