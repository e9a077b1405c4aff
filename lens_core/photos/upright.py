"""Which way is up: turning a photo as the camera says it was held."""

from __future__ import annotations

from PIL import Image

_ORIENTATION = 0x0112
_TURNED_BY_READER = "ai-lens turned by reader"
# EXIF 2.32, tag 0x0112: how a photo must be turned to stand upright.
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def remember_who_turns(image: Image.Image, encoded: bytes) -> None:
    """Keep with the image whether its reader turns it; the reader itself does not say."""
    image.info[_TURNED_BY_READER] = image.format == "HEIF" and _says_how_to_turn(encoded)


def turn_for(image: Image.Image) -> Image.Transpose | None:
    """How the photo, as read, must still be turned. Ask after its pixels are loaded."""
    if image.format != "HEIF":
        return _TURNS.get(int(image.getexif().get(_ORIENTATION, 1)))
    # The HEIF reader blanks the EXIF tag and keeps it apart, whether it has turned the photo or not.
    if image.info.get(_TURNED_BY_READER, True):
        return None
    return _TURNS.get(int(image.info.get("original_orientation") or 1))


def _says_how_to_turn(heif: bytes) -> bool:
    """Whether the file itself has rotation or mirror properties (ISO 23008-12, 6.5.10 and 6.5.12).

    They win over EXIF, and readers apply them; files without them mean what EXIF says.
    """
    position = 0
    while position + 8 <= len(heif):
        size = int.from_bytes(heif[position : position + 4], "big")
        if heif[position + 4 : position + 8] == b"meta":
            meta = heif[position : position + size]
            return b"irot" in meta or b"imir" in meta
        position += max(size, 8)
    return False
