"""What goes wrong outside of this program, in a user's files and in plug-ins, as one line in its own words."""

from __future__ import annotations

import re
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.errors import LONGEST_NAME, UsageError
from bench.text import printable

LONGEST = 500  # characters of a message
# What torchvision tells whoever misses a file. Nothing is downloaded here.
ADVICE = re.compile(r"\W*\bYou can use download=True\b[\w ]*")


@contextmanager
def in_one_line(what: str) -> Iterator[None]:
    """Whatever is raised within is a ``UsageError`` about ``what``; one that quotes a library is put into other words.

    Warnings of the library that decodes images, which name no file, are not shown.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", module=r"PIL\b")
        try:
            yield
        except UsageError as error:
            if (text := _line(_reworded(error))) == str(error):
                raise
            raise UsageError(text) from None
        except Exception as error:
            raise UsageError(_line(f"{what}: {in_words(error)}")) from None


def in_words(error: BaseException) -> str:
    """What an error means to whoever gave the files; of one that no file causes, its type and where it was raised."""
    from PIL import Image, UnidentifiedImageError

    if isinstance(error, UnicodeEncodeError):
        # In an identity, a name stands before others.
        name, *_ = error.object.split("\0")
        return f"the name of a file is not UTF-8: {printable(name, LONGEST_NAME)}; rename it"
    if isinstance(error, MemoryError):
        return "it needs more memory than there is"
    if isinstance(error, UnidentifiedImageError):
        return "its format is not known"
    if isinstance(error, Image.DecompressionBombError):
        return f"an image of more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels"
    if isinstance(error, OSError) and error.strerror:
        return f"{printable(str(error.filename), LONGEST_NAME)}: {error.strerror}" if error.filename else error.strerror
    said = ADVICE.sub("", _first_line(error)).strip()
    if isinstance(error, OSError) and said:
        return said
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}: {said or 'no message'} ({Path(frame.filename).name}, line {frame.lineno})"


def _reworded(error: UsageError) -> str:
    """The message of an error, without the words of the library's error that it was made from."""
    from PIL import Image

    cause, text = error.__context__, ADVICE.sub("", str(error))
    if isinstance(cause, OSError | Image.DecompressionBombError) and _first_line(cause):
        return text.replace(_first_line(cause), in_words(cause))
    return text


def _first_line(error: BaseException) -> str:
    first, *_ = str(error).splitlines() or [""]
    return first


def _line(text: str) -> str:
    return printable(text, LONGEST).replace("\n", "\\n")
