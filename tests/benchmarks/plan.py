"""Which contender does which work in which round: decided here, done in session.py."""

from dataclasses import dataclass

#: Seconds that it takes to start and stop a contender, about.
TURN_COST_S = 1.0


@dataclass(frozen=True)
class Turn:
    """One contender's turn in one round: its processes start, do this work, and end."""

    round: int
    contender: str
    work: tuple[str, ...]


def choose(names, wanted, what):
    """Return those of `names` that are wanted by name or by the first part of it; all for none.

    Raises ValueError with the names there are if one of `wanted` fits none.
    """
    names = list(names)
    chosen = set() if wanted else set(names)
    for text in wanted:
        found = [text] if text in names else [name for name in names if name.startswith(text)]
        if not found:
            raise ValueError(f"no {what} begins with {text!r}; there are: {', '.join(names)}")
        chosen.update(found)
    return [name for name in names if name in chosen]


def make_plan(contenders, work, rounds):
    """Return the Turns of `rounds` rounds: in each, every contender in turn (A B A B …).

    Args:
        contenders: Contenders, in the order of their turns.
        work: {name: Work} of what is to be done.
    """
    turns = []
    for number in range(rounds):
        for contender in contenders:
            if number >= (contender.rounds or rounds):
                continue
            todo = tuple(
                name
                for name, work_ in work.items()
                if name in contender.work and number < (work_.rounds or rounds)
            )
            if todo:
                turns.append(Turn(number, contender.name, todo))
    return turns


def cost_s(turns, work):
    """Return about how many seconds `turns` take at full pace."""
    return sum(TURN_COST_S + sum(work[name].cost_s for name in turn.work) for turn in turns)
