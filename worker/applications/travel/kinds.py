"""What can travel beyond what MessagePack has: the number of each kind on the wire.

A value of such a kind is a MessagePack extension of this type; its data is a packed list, whose
parts each kind has for itself. The numbers never change: an old worker hands over to a new one.
"""

from __future__ import annotations

import enum


class Kind(enum.IntEnum):
    """The types of extensions, and what their packed lists hold."""

    #: The items.
    TUPLE = 1
    #: The items.
    SET = 2
    #: The items.
    FROZENSET = 3
    #: The most items, or None; then a list of the items.
    DEQUE = 4
    #: An ISO 8601 text; the key of the time zone, or None.
    DATETIME = 5
    #: An ISO 8601 text.
    DATE = 6
    #: An ISO 8601 text.
    TIME = 7
    #: Days, seconds, microseconds.
    TIMEDELTA = 8
    #: The number as text.
    DECIMAL = 9
    #: 16 bytes.
    UUID = 10
    #: The class; the member's name, or None; its value.
    ENUM = 11
    #: The class; a list of the fields' values.
    NAMED_TUPLE = 12
    #: The class; a dict of the fields.
    DATACLASS = 13
    #: "app_label.ModelName"; the database's alias, or None; the primary key.
    MODEL = 14
    #: A whole number of more than 64 bits, as text.
    BIG_INT = 15
    #: The dotted module of the session's engine; the key.
    SESSION = 16
    #: Nothing: a user who has not logged in.
    ANONYMOUS = 17


#: Values lie in one another no deeper than this.
MAX_DEPTH = 64
