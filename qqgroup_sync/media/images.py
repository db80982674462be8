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

    The pixels are taken as they stand: EXIF data do not turn them.
    """
    if picture.mode not in _PNG_MODES:
        picture = picture.convert(_NEAREST_MODES.get(picture.mode, "RGB"))
    target = io.BytesIO()
    picture.save(target, format="PNG")
    if target.tell() <= LIMITS["image"] or not _fits_jpeg(picture):
        return target.getvalue(), formats.PNG
    target = io.BytesIO()
    picture.convert("RGB").save(target, format="JPEG", quality=90)
    return target.getvalue(), formats.JPEG


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
    moving = source.format in (formats.WEBP, formats.AVIF)  # of a tiff the first page is shown
    frames = getattr(picture, "n_frames", 1) if moving else 1
    if picture.width * picture.height * frames > MOST_PIXELS:
        raise _too_many_pixels(source)
    if frames > 1:
        return _as_gif(picture), formats.GIF
    from PIL import ImageOps  # noqa: PLC0415 - an extra

    return encoded(ImageOps.exif_transpose(picture))


def _as_gif(picture: Image) -> bytes:
    """Return all frames, with their durations."""
    target = io.BytesIO()
    # disposal: each frame replaces the one before, which else shows through its transparent parts
    loop = picture.info.get("loop", 0)
    picture.save(target, format="GIF", save_all=True, disposal=2, loop=loop)
    return target.getvalue()


def _too_many_pixels(source: Source) -> MediaTooLarge:
    return MediaTooLarge(
        f"{source} has too many pixels to convert, the limit is {MOST_PIXELS // 10**6} million",
        cause=Text("All frames count.", "所有帧的像素合计。"),
        remedy=Text("Make it smaller, or save it as jpg.", "请缩小图片，或另存为 jpg。"),
    )
