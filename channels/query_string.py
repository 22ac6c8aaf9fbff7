"""The query string of a handshake or request, as consumers of 1.x read it.

Under Python 2 it was bytes and text at once, under Python 3 bytes. So there are consumers that look
for "username" in what `urllib.parse.parse_qs` makes of it, some for b"username", whose value they
decode, and some that decode it first. All of them are right here.
"""

from urllib.parse import unquote


class QueryString(str):
    """Text that is equal to its bytes, in UTF-8, and can be decoded like them.

    What `split`, `partition` and `replace` give is so too, and with it what `parse_qs` and
    `parse_qsl` do; only a value in which a percent sign is left comes from them as plain text.
    """

    __slots__ = ()

    @classmethod
    def from_message(cls, value):
        """Return the QueryString for `value`, str or bytes; anything else as it is."""
        if isinstance(value, bytes):
            return cls(value.decode("utf-8", "surrogateescape"))
        return cls(value) if isinstance(value, str) else value

    def to_bytes(self):
        """Return the bytes that came from the network."""
        return self.encode("utf-8", "surrogateescape")

    # The hash of ASCII text and that of the same bytes are one in CPython, so that dicts find it.
    __hash__ = str.__hash__

    def __eq__(self, other):
        if isinstance(other, bytes):
            return self.to_bytes() == other
        return str.__eq__(self, other)

    def __ne__(self, other):
        return not self == other

    def decode(self, encoding="utf-8", errors="strict"):
        """Return it as str, as bytes would; the encoding is UTF-8 in any case."""
        return str(self)

    def split(self, sep=None, maxsplit=-1):
        return [QueryString(part) for part in super().split(sep, maxsplit)]

    def partition(self, sep):
        return tuple(QueryString(part) for part in super().partition(sep))

    def replace(self, old, new, count=-1):
        replaced = super().replace(old, new, count)
        if (old, new) == ("+", " "):
            # So `urllib.parse` begins to unquote a name or value; it leaves what it finds done.
            unquoted = unquote(replaced)
            replaced = replaced if "%" in unquoted else unquoted
        return QueryString(replaced)
