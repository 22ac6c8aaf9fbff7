"""How a message finds its consumer: steps compiled once, followed on the values, nothing copied.

A step is (key, compiled pattern). The pattern must match at the start of what earlier steps have
left of the message's value for that key; what it matches is then used up, and its named groups
become keyword arguments, later ones over earlier ones.
"""


def as_text(value):
    """Return what filters match of a value: text, bytes as Latin-1, and None for all else."""
    if isinstance(value, str):
        return value
    return value.decode("latin-1") if isinstance(value, bytes) else None


def follow(steps, content):
    """Return (keyword arguments, what is left of each value) if `content` passes, or None."""
    kwargs, rest = {}, {}
    for key, pattern in steps:
        text = rest[key] if key in rest else as_text(content.get(key))
        found = None if text is None else pattern.match(text)
        if found is None:
            return None
        kwargs.update(found.groupdict())
        rest[key] = text[found.end() :]
    return kwargs, rest


class Candidate:
    """A consumer, with the steps of its route and of the includes around it."""

    __slots__ = ("consumer", "route", "steps")

    def __init__(self, consumer, steps, route):
        self.consumer, self.steps, self.route = consumer, steps, route

    @property
    def takes_all(self):
        """Whether no message gets past it."""
        return not self.steps

    def match(self, message):
        """Return (consumer, keyword arguments), or None."""
        if not self.steps:
            return self.consumer, {}
        found = follow(self.steps, message.content)
        return found and (self.consumer, found[0])


class ForeignCandidate:
    """Somebody else's object with a `match(message)` of its own, behind the steps of includes."""

    __slots__ = ("consumer", "route", "steps")

    takes_all = False

    def __init__(self, routable, steps):
        self.consumer, self.route, self.steps = None, routable, steps

    def match(self, message):
        """Return (consumer, keyword arguments), or None; it sees values without their prefixes."""
        found = follow(self.steps, message.content)
        if found is None:
            return None
        kwargs, rest = found
        if rest:
            content = {**message.content, **rest}
            message = type(message)(content, message.channel.name, message.channel_layer)
        matched = self.route.match(message)
        return matched and (matched[0], {**kwargs, **matched[1]})


def build_table(candidates):
    """Return channel -> candidates in order, as a dict of tuples, without those never reached.

    `candidates`: an iterable of (channel, candidate).
    """
    table = {}
    for channel, candidate in candidates:
        row = table.setdefault(channel, [])
        if not (row and row[-1].takes_all):
            row.append(candidate)
    return {channel: tuple(row) for channel, row in table.items()}


def find_match(row, message):
    """Return (consumer, keyword arguments) of the first candidate that matches, or None."""
    for candidate in row:
        found = candidate.match(message)
        if found is not None:
            return found
    return None
