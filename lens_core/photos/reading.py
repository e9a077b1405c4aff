"""The bytes of a photo's file, and no more than a photo can have."""

from __future__ import annotations

import stat
from pathlib import Path

from lens_core.errors import PhotoTooLargeError, PhotoUnreadableError
from lens_core.photos.bombs import MOST_BYTES


def photo_bytes(path: Path, name: str) -> bytes:
    """What the file holds; ``name`` is what errors call it.

    Raises PhotoUnreadableError (E120), also for pipes and devices, which might never end, and
    PhotoTooLargeError (E122).
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise PhotoUnreadableError(f"{name} is not a file.", "Name the photo itself.")
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
    except FileNotFoundError as error:
        raise PhotoUnreadableError(f"There is no file {name}.", "Check the path.") from error
    except OSError as error:
        reason = error.strerror or error
        raise PhotoUnreadableError(f"{name} cannot be read: {reason}.", "Check its permission.") from error
    refuse_too_long(content, name)
    return content


def refuse_too_long(content: bytes, name: str) -> None:
    """Raises PhotoTooLargeError (E122)."""
    if len(content) > MOST_BYTES:
        raise PhotoTooLargeError(f"{name} is larger than any photo ({MOST_BYTES >> 20} MiB).")
