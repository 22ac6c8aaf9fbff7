"""Making pictures smaller, with Pillow. It is not among what Channels Classic needs itself."""

import importlib.util
import io

#: Pixels of a picture that one worker should take on: its memory is at stake.
MAX_PIXELS = 40_000_000
FORMATS = ("PNG", "JPEG", "GIF", "WEBP")

NO_PILLOW = 'Pillow is not installed where the workers run: pip install "channels-classic[demo]"'


class CannotScale(Exception):
    """There can be no thumbnails; the message tells the visitor why."""


def is_available():
    """Whether Pillow is there."""
    return importlib.util.find_spec("PIL") is not None


def scale(file, widths):
    """Yield the picture in `file` as WebP (bytes), for each of `widths`: that of its longer side.

    Raises CannotScale.
    """
    if not is_available():
        raise CannotScale(NO_PILLOW)
    from PIL import Image

    try:
        with Image.open(file, formats=FORMATS) as image:
            yield from _scale(image, widths)
    except (OSError, SyntaxError, ValueError, EOFError, Image.DecompressionBombError) as error:
        raise CannotScale("This is no picture, or a broken one.") from error


def _scale(image, widths):
    from PIL import ImageOps

    if image.width * image.height > MAX_PIXELS:
        raise CannotScale(f"More than {MAX_PIXELS // 1_000_000} megapixels.")
    upright = ImageOps.exif_transpose(image).convert("RGBA")
    for width in widths:
        smaller = upright.copy()
        smaller.thumbnail((width, width))
        written = io.BytesIO()
        smaller.save(written, "WEBP", quality=82)
        yield written.getvalue()
