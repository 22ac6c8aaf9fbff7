"""How fast frames that found no room are tried again. No I/O and no clock here."""

#: Between two tries: this long at first, and this long at most while nothing is taken.
FIRST_DELAY_S, LONGEST_DELAY_S = 0.002, 0.25
#: While some are taken and some not, the channel is full, and the workers have enough to do: less
#: often will do, and costs the layer less.
FULL_DELAY_S = 0.02
#: The most frames that are tried at once.
LARGEST_BURST = 512


class Pace:
    """Finds out how many waiting frames can go out at once, and how soon the next ones.

    As long as all that are tried are taken, twice as many follow; when some are refused, as many
    as were taken; when none is, half as many, and later. So a backlog goes out as fast as it is
    taken, and a layer that takes nothing is asked four times a second.

    Attributes:
        burst: how many frames to try next.
        delay_s: how long before that, in seconds.
    """

    __slots__ = ("burst", "delay_s")

    def __init__(self) -> None:
        self.burst = 1
        self.delay_s = FIRST_DELAY_S

    def note(self, taken: int, refused: int) -> None:
        """Of the frames that were tried, so many were taken and so many refused."""
        if not refused:
            self.burst = min(max(self.burst, taken) * 2, LARGEST_BURST)
            self.delay_s = max(self.delay_s / 2, FIRST_DELAY_S)
        elif taken:
            self.burst = taken
            self.delay_s = max(min(self.delay_s * 2, FULL_DELAY_S), FIRST_DELAY_S)
        else:
            self.burst = max(self.burst // 2, 1)
            self.delay_s = min(self.delay_s * 2, LONGEST_DELAY_S)
