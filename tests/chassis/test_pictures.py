"""Pictures are taken by what they are; what a telephone hid in them goes, unless it is the evidence."""

import struct
import zlib
from io import BytesIO

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from schemas.refusals import Refused
from services.chassis.pictures import LONGEST_SIDE, picture_of

PLACE = b"Zhongshan Park, gate 3"


def a_photo(kind: str = "JPEG", size: tuple[int, int] = (60, 40), **saved: object) -> bytes:
    out = BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind, **saved)  # type: ignore[arg-type]
    return out.getvalue()


def with_place(orientation: int = 1) -> bytes:
    """A JPEG as a telephone makes one: with where it was taken, and which side is up."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    exif[0x010E] = PLACE.decode()
    exif.get_ifd(0x8825)[2] = (31.0, 13.0, 12.0)  # latitude
    return a_photo(exif=exif)


def refused(raw: bytes) -> str:
    with pytest.raises(Refused) as told:
        picture_of(raw, as_sent=False)
    return told.value.code


def test_the_place_is_taken_out_of_a_photo_and_it_stands_upright() -> None:
    raw = with_place(orientation=6)
    assert PLACE in raw
    kept = picture_of(raw, as_sent=False)
    assert (kept.media_type, kept.width, kept.height) == ("image/jpeg", 40, 60), "turned as the telephone was held"
    assert PLACE not in kept.data
    with Image.open(BytesIO(kept.data)) as image:
        assert dict(image.getexif()) == {}


def test_evidence_is_kept_byte_for_byte_with_its_place() -> None:
    raw = with_place()
    kept = picture_of(raw, as_sent=True)
    assert kept.data == raw and (kept.width, kept.height) == (60, 40)


def test_words_hidden_in_other_formats_go_too() -> None:
    words = PngInfo()
    words.add_text("place", PLACE.decode())
    for raw, media_type in (
        (a_photo("PNG", pnginfo=words), "image/png"),
        (a_photo("WEBP", exif=b"Exif\0\0" + PLACE), "image/webp"),
        (a_photo("JPEG", comment=PLACE), "image/jpeg"),
        (a_photo("JPEG") + PLACE, "image/jpeg"),  # behind the end of the picture
    ):
        assert PLACE in raw
        kept = picture_of(raw, as_sent=False)
        assert kept.media_type == media_type and PLACE not in kept.data, media_type


def test_a_large_photo_becomes_one_for_a_screen() -> None:
    kept = picture_of(a_photo(size=(4000, 3000)), as_sent=False)
    assert (kept.width, kept.height) == (LONGEST_SIDE, LONGEST_SIDE * 3 // 4)


def test_what_is_no_such_picture_is_refused_whatever_it_calls_itself() -> None:
    for raw in (b"", b"<html><script>alert(1)</script>", b"%PDF-1.7", a_photo("GIF"), a_photo("BMP"), b"\xff\xd8"):
        assert refused(raw) == "photo_type", raw[:20]


def test_a_broken_picture_is_refused() -> None:
    for kind in ("JPEG", "PNG", "WEBP"):
        whole = a_photo(kind, size=(600, 400))
        assert refused(whole[: len(whole) // 2]) == "photo_unreadable", kind


def test_a_picture_that_would_fill_the_memory_is_refused_before_it_is_decoded() -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 2, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0" * 1000))
    assert refused(bomb + chunk(b"IEND", b"")) == "photo_too_large"
