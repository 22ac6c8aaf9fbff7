"""For commands that start again when code changes."""

import traceback


def name_guilty_file(error: BaseException) -> None:
    """Tell Django's autoreloader, which looks at `error.filename`, what file to wait for.

    That is where the first cause was raised: it may be in a module that could not be imported.
    """
    cause = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    frames = traceback.extract_tb(cause.__traceback__)
    vars(error)["filename"] = getattr(cause, "filename", None) or (
        frames[-1].filename if frames else None
    )
