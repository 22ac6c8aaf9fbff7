"""What ends a command that brings up the split."""


class Stopped(Exception):
    """A signal asked for the end."""


class CannotStart(Exception):
    """Something did not come up; the text says what, why, and what to do."""
