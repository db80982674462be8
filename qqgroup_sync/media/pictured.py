"""Objects that are pictures: of PIL and of matplotlib."""

from __future__ import annotations

import io
from typing import Any

from qqgroup_sync.errors import MediaError, Text, UnsupportedMedia


def drawn(content: Any) -> bytes | None:
    """Return the picture of a PIL image or a matplotlib figure; None for anything else.

    Both are known by the names of their classes' modules, so that neither is imported.
    """
    if "PIL" in _homes(content) and hasattr(content, "save"):
        from qqgroup_sync.media.images import encoded  # noqa: PLC0415 - only for PIL images

        try:
            return encoded(content)[0]
        except MediaError:
            raise
        except Exception as error:  # a damaged file, read only now, makes Pillow raise anything
            raise UnsupportedMedia(
                f"the PIL image ({content.mode}, {content.width} x {content.height}) cannot be"
                f" saved as png: {error}",
                remedy=Text('Pass image.convert("RGB").', '请传入 image.convert("RGB")。'),
            ) from error
    figure: Any = content if hasattr(content, "savefig") else getattr(content, "figure", None)
    figure = getattr(figure, "figure", None) or figure  # of an axes in a part of a figure
    if "matplotlib" not in _homes(figure) or not hasattr(figure, "savefig"):
        return None
    target = io.BytesIO()
    try:
        figure.savefig(target, format="png", bbox_inches="tight")
    except Exception as error:  # drawn only now: wrong formulas, sizes without measure, no memory
        why = " ".join(str(error).split()) or type(error).__name__
        raise MediaError(
            f"the matplotlib figure cannot be drawn: {why}",
            remedy=Text(
                "Try figure.savefig('x.png'): formulas, fonts and the size must be right.",
                "请先试 figure.savefig('x.png')：检查公式、字体和尺寸。",
            ),
        ) from error
    return target.getvalue()


def _homes(thing: object) -> set[str]:
    """Return the packages that a thing's class comes from."""
    return {klass.__module__.partition(".")[0] for klass in type(thing).__mro__}
