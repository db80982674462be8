"""Turns pictures that QQ does not take into ones that it does. Needs Pillow (extra ``image``)."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from qqgroup_sync.errors import MediaError, MediaTooLarge, Text, UnsupportedMedia
from qqgroup_sync.media import formats
from qqgroup_sync.media.checks import LIMITS, LISTED_IMAGES, NATIVE_IMAGES, has_pillow

if TYPE_CHECKING:
    from PIL.Image import Image

    from qqgroup_sync.media.sources import Source

# Of a picture that is converted, all its frames together: 320 MB in memory. Pillow itself warns
# the user from 89 million on.
MOST_PIXELS = 80_000_000

_PNG_MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16", "I;16B")
_NEAREST_MODES = {"I": "I;16", "F": "L", "PA": "RGBA", "RGBa": "RGBA", "La": "LA"}
_LONGEST_JPEG_SIDE = 65_500
_MOVING = ("GIF", "WEBP", "PNG", "AVIF")  # of others, such as TIFF, the first page is shown
_ORIENTATION = 0x0112  # EXIF; from 5 on width and height change places
_WIDTH, _HEIGHT = 0x0100, 0x0101  # TIFF


def sendable(source: Source) -> Source:
    """Return a picture that QQ takes: the same one, or a png (gif when it moves) made of it.

    Takes up to seconds; from any thread.

    Raises:
        UnsupportedMedia: It cannot be decoded.
        MediaTooLarge: It has too many pixels to be converted, or too many bytes afterwards.
        MediaError: The file cannot be read any more.
    """
    if source.format in NATIVE_IMAGES or (source.format in LISTED_IMAGES and not has_pillow()):
        return source
    from PIL import Image as Pictures  # noqa: PLC0415 - an extra
    from PIL import UnidentifiedImageError  # noqa: PLC0415 - an extra

    try:
        with source.open() as file, Pictures.open(file) as picture:
            data, found = _converted(picture, source)
    except MediaError:
        raise
    except (Pictures.DecompressionBombError, Pictures.DecompressionBombWarning) as error:
        raise _too_many_pixels(source) from error
    except Exception as error:  # a damaged picture makes Pillow raise almost anything
        unknown = isinstance(error, UnidentifiedImageError)
        why = "it is damaged, or new to this Pillow" if unknown else error
        raise UnsupportedMedia(
            f"{source} cannot be read as {source.format.name} picture: {why}",
            remedy=Text("Save it as png or jpg.", "请另存为 png 或 jpg。"),
        ) from error
    if len(data) > LIMITS["image"]:
        raise MediaTooLarge(
            f"{source} is larger than {LIMITS['image'] >> 20} MB as a {found.name}",
            remedy=Text("Make it smaller, or save it as jpg.", "请缩小图片，或另存为 jpg。"),
        )
    return source.replaced(data, found)


def encoded(picture: Image) -> tuple[bytes, formats.Format]:
    """Return a PIL image as png; as jpg when that is too large and nothing is transparent.

    One that moves and stands at its first frame becomes a gif; after ``seek()`` it is the frame
    that it stands at. EXIF data turn the pixels, because a png has none that a client would heed.

    Raises:
        MediaTooLarge: All frames together have too many pixels.
    """
    if _moves(picture):
        if picture.width * picture.height * _frames(picture) > MOST_PIXELS:
            raise _too_many_pixels("the moving picture")
        return _as_gif(picture), formats.GIF
    if _orientation(picture) != 1:
        from PIL import ImageOps  # noqa: PLC0415 - an extra

        picture = ImageOps.exif_transpose(picture)
    if picture.mode not in _PNG_MODES:
        picture = picture.convert(_NEAREST_MODES.get(picture.mode, "RGB"))
    target = io.BytesIO()
    picture.save(target, format="PNG")
    if target.tell() <= LIMITS["image"] or not _fits_jpeg(picture):
        return target.getvalue(), formats.PNG
    target = io.BytesIO()
    picture.convert("RGB").save(target, format="JPEG", quality=90)
    return target.getvalue(), formats.JPEG


def size_of(source: Source) -> tuple[int, int] | None:
    """Return width and height of what :func:`sendable` makes of a picture; None when unknown.

    Raises:
        MediaError: The file cannot be read any more.
    """
    if source.url or source.format in NATIVE_IMAGES or not has_pillow():
        return source.picture_size()
    from PIL import Image as Pictures  # noqa: PLC0415 - an extra

    try:
        with source.open() as file, Pictures.open(file) as picture:
            tags = getattr(picture, "tag_v2", {})  # of a TIFF, whose size Pillow may have turned
            size = tags.get(_WIDTH, picture.width), tags.get(_HEIGHT, picture.height)
            turned = not _moves(picture) and _orientation(picture) >= 5
    except MediaError:
        raise
    except Exception:  # damaged, or a bomb: what sends it tells
        return None
    return size[::-1] if turned else size


def _fits_jpeg(picture: Image) -> bool:
    return (
        max(picture.size) <= _LONGEST_JPEG_SIDE
        and not picture.mode.startswith("I")  # 16 bit
        and not _is_transparent(picture)
    )


def _is_transparent(picture: Image) -> bool:
    if not picture.has_transparency_data:
        return False
    least, _ = picture.convert("RGBA").getchannel("A").getextrema()
    return isinstance(least, tuple) or least < 255


def _converted(picture: Image, source: Source) -> tuple[bytes, formats.Format]:
    frames = _frames(picture) if _moves(picture) else 1
    if picture.width * picture.height * frames > MOST_PIXELS:
        raise _too_many_pixels(source)
    return encoded(picture)


def _moves(picture: Image) -> bool:
    return picture.format in _MOVING and _frames(picture) > 1 and picture.tell() == 0


def _frames(picture: Image) -> int:
    return getattr(picture, "n_frames", 1)


def _orientation(picture: Image) -> int:
    """Return how EXIF data turn a picture; 1 for not at all."""
    try:
        found = picture.getexif().get(_ORIENTATION, 1)
    except Exception:  # Pillow raises almost anything; the pixels may be fine
        return 1
    return found if found in range(2, 9) else 1


def _as_gif(picture: Image) -> bytes:
    """Return all frames, with their durations."""
    target = io.BytesIO()
    # disposal: each frame replaces the one before, which else shows through its transparent parts
    loop = picture.info.get("loop", 0)
    picture.save(target, format="GIF", save_all=True, disposal=2, loop=loop)
    picture.seek(0)  # where the user left it
    return target.getvalue()


def _too_many_pixels(what: object) -> MediaTooLarge:
    return MediaTooLarge(
        f"{what} has too many pixels to convert, the limit is {MOST_PIXELS // 10**6} million",
        cause=Text("All frames count.", "所有帧的像素合计。"),
        remedy=Text("Make it smaller, or save it as jpg.", "请缩小图片，或另存为 jpg。"),
    )
