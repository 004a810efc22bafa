"""Pictures that people send: what they are by their content, and nothing in them that was not meant to be shown.

A telephone writes where and when into every photo. Unless that is the evidence, the picture is decoded and written
anew: only what can be seen is left, upright, and not larger than a screen needs. It also takes away whatever else hid
in the file.
"""

import struct
from io import BytesIO

from msgspec import Struct
from PIL import Image, ImageOps, UnidentifiedImageError

from schemas.refusals import Refused

LONGEST_SIDE = 2048
QUALITY = 85
MOST_PIXELS = 25_000_000  # decoded at once: 75 MB
MOST_PIXELS_JPEG = 120_000_000  # decoded at a fraction of its size
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


class Picture(Struct, frozen=True):
    """A picture that may be kept."""

    media_type: str
    width: int
    height: int
    data: bytes


def picture_of(raw: bytes, *, as_sent: bool) -> Picture:
    """The picture in these bytes; `as_sent` keeps them as they are, place and time included.

    Raises Refused: photo_type for anything but JPEG, PNG and WebP, whatever it calls itself; photo_unreadable for a
    broken one; photo_too_large for more pixels than can be taken in.
    """
    try:
        with Image.open(BytesIO(raw), formats=tuple(MEDIA_TYPES)) as image:
            kind = image.format or ""
            _check_size(image, kind)
            if as_sent:
                width, height = image.size
                image.load()
                return Picture(MEDIA_TYPES[kind], width, height, raw)
            return _written_anew(image, kind)
    except Refused:
        raise
    except Image.DecompressionBombError as error:
        raise Refused("photo_too_large", str(error)[:200]) from None
    except UnidentifiedImageError:
        raise Refused("photo_type") from None
    except (OSError, ValueError, SyntaxError, EOFError, MemoryError) as error:  # what its decoders raise
        raise Refused("photo_unreadable", str(error)[:200]) from None


def _check_size(image: Image.Image, kind: str) -> None:
    width, height = image.size
    most = MOST_PIXELS_JPEG if kind == "JPEG" else MOST_PIXELS
    if width * height > most:
        raise Refused("photo_too_large", f"{width} x {height}; at most {most} pixels")


def _written_anew(image: Image.Image, kind: str) -> Picture:
    if kind == "JPEG":
        image.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))
    image.load()
    shown = _upright(image)
    shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    shown = shown.convert("RGB" if kind == "JPEG" or shown.mode not in ("RGBA", "LA", "PA", "P") else "RGBA")
    shown.info = {}
    out = BytesIO()
    shown.save(out, kind, **({} if kind == "PNG" else {"quality": QUALITY}))
    return Picture(MEDIA_TYPES[kind], *shown.size, out.getvalue())


def _upright(image: Image.Image) -> Image.Image:
    """Turned as the telephone was held; as it is when what the telephone wrote about that is broken."""
    try:
        return ImageOps.exif_transpose(image)
    except (SyntaxError, ValueError, KeyError, TypeError, OSError, struct.error):
        return image.copy()
