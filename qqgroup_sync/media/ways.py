"""The ways to hand QQ a file: their order, what each refusal means, and what was learned from it.

Pure: nothing is sent here.
"""

from __future__ import annotations

import enum
import logging
import threading
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeVar

from qqgroup_sync.errors import (
    ApiError,
    BadResponse,
    MediaError,
    MediaTooLarge,
    QQGroupError,
    Text,
    TransportError,
)
from qqgroup_sync.masking import mask

if TYPE_CHECKING:
    from qqgroup_sync.media.formats import Format

logger = logging.getLogger(__name__)

T = TypeVar("T")

Scene = Literal["group", "c2c"]
Way = Literal["url", "base64", "chunked"]

MIB = 1024 * 1024
BASE64_FIRST = 5 * MIB  # where the official Node SDK goes over to chunks, 2026
BASE64_MOST = 10 * MIB  # undocumented: the edge answers 413 somewhere above (field reports, 2026)
BASE64_LEAST = MIB  # so much goes at once: 413 to less than this is no lesson about the size
LESSON_LIFE = 3600.0  # seconds after which the platform is asked again

_PLACES: dict[Scene, str] = {"group": "groups", "c2c": "private chats"}


class Verdict(enum.Enum):
    """What a refusal says about the other ways."""

    FINAL = "it is about this content, this chat or this bot: no other way would do better"
    NEXT = "this attempt failed: try the next way"
    REFUSED = "the way is not open: try the next one, now and later"
    TOO_LARGE = "too much for one request: try the next way, and send less this way later"


# What the platform's codes mean for the ladder. A known code that is not listed is final, unless
# it tells of trouble on the platform's side (``ServerError``): then the next way is tried.
_BY_CODE: dict[int, Verdict] = {
    10000: Verdict.REFUSED,  # unsupported operation
    11253: Verdict.REFUSED,  # the bot has no right to this interface
    11254: Verdict.REFUSED,
    850012: Verdict.NEXT,  # bad upload request, said of many things
    850026: Verdict.NEXT,  # the URL could not be fetched; those of 2024 and 2025 follow
    304010: Verdict.NEXT,
    304017: Verdict.NEXT,
    304021: Verdict.NEXT,
    304082: Verdict.NEXT,
    304083: Verdict.NEXT,
    40034004: Verdict.NEXT,
}
# Without a code that is known. Anything else is the next way's turn.
_BY_STATUS: dict[int, Verdict] = {
    401: Verdict.FINAL,
    429: Verdict.FINAL,
    413: Verdict.TOO_LARGE,
}
_NO_SUCH_WAY = (404, 405)  # when the answer has no code at all


def judge(error: Exception) -> Verdict:
    """Return what the failure of one way means for the others."""
    if isinstance(error, ApiError):
        return _judge_refusal(error)
    if isinstance(error, TransportError):
        # All ways begin at the same host: when it cannot be reached, none of them can work.
        return Verdict.FINAL if error.never_sent else Verdict.NEXT
    return Verdict.NEXT if isinstance(error, BadResponse) else Verdict.FINAL


def _judge_refusal(error: ApiError) -> Verdict:
    from qqgroup_sync.error_codes import lookup  # noqa: PLC0415 - only after a refusal

    for code in (error.err_code, error.code):  # the platform itself judges by err_code
        if code in _BY_CODE:
            return _BY_CODE[code]
        known = lookup(code)
        if known is not None:
            return Verdict.NEXT if known.error == "ServerError" else Verdict.FINAL
    if error.status in _NO_SUCH_WAY and not error.codes:
        return Verdict.REFUSED
    return _BY_STATUS.get(error.status, Verdict.NEXT)


def is_format_refused(error: Exception) -> bool:
    """Tell whether the platform does not take this format (850019)."""
    return isinstance(error, ApiError) and 850019 in error.codes


def direct_ways(size: int, ceiling: int) -> list[Way]:
    """Return the ways for so many bytes that need no public URL, the better one first.

    Args:
        size: Bytes of the content.
        ceiling: The most that goes as base64.
    """
    if size > ceiling:
        return ["chunked"]
    return ["base64", "chunked"] if size <= BASE64_FIRST else ["chunked", "base64"]


class _Lesson(NamedTuple, Generic[T]):
    """Something learned, and until when it holds."""

    what: T
    ends: float


def _held(lesson: _Lesson[T] | None, now: float, otherwise: T) -> T:
    """Return what a lesson says while it holds."""
    return lesson.what if lesson is not None and now < lesson.ends else otherwise


class Lessons:
    """What the platform does not take, by scene. Thread-safe.

    Each lesson holds for an hour, so that neither one odd file nor a bad day of the platform closes
    anything for ever. ``now`` is always the time on the monotonic clock.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # held for the look-ups below, never for anything long
        self._refused: dict[tuple[Way, Scene], _Lesson[str]] = {}
        self._ceilings: dict[Scene, _Lesson[int]] = {}
        self._formats: dict[tuple[str, Scene], _Lesson[bool]] = {}

    def refusal(self, way: Way, scene: Scene, now: float) -> str:
        """Return why a way is not open; empty when it is."""
        return _held(self._refused.get((way, scene)), now, "")

    def refuse(self, way: Way, scene: Scene, reason: str, now: float) -> None:
        """Remember that a way is not open."""
        with self._lock:
            new = not self.refusal(way, scene, now)
            self._refused[way, scene] = _Lesson(reason, now + LESSON_LIFE)
        if new:
            logger.warning(
                "QQ does not take media by %s in %s, so other ways come first for an hour: %s",
                way,
                _PLACES[scene],
                reason,
            )

    def allow(self, way: Way, scene: Scene) -> None:
        """Forget that a way was not open: it just worked."""
        with self._lock:
            self._refused.pop((way, scene), None)

    def ceiling(self, scene: Scene, now: float) -> int:
        """Return the most bytes that are sent as base64."""
        return _held(self._ceilings.get(scene), now, BASE64_MOST)

    def lower_ceiling(self, scene: Scene, size: int, now: float) -> None:
        """Remember that ``size`` bytes are too many for base64, unless that cannot be the reason.

        Something on the way may answer 413 to anything; that closes nothing.
        """
        if size <= BASE64_LEAST:
            return
        with self._lock:
            lower = size - 1 < self.ceiling(scene, now)
            if lower:
                self._ceilings[scene] = _Lesson(size - 1, now + LESSON_LIFE)
        if lower:
            logger.info(
                "%d bytes are too many for one request in %s: that much goes in chunks for an hour",
                size,
                _PLACES[scene],
            )

    def takes(self, found: Format, scene: Scene, now: float) -> bool:
        """Tell whether a format of voices has not been refused of late."""
        return not _held(self._formats.get((found.name, scene)), now, otherwise=False)

    def refuse_format(self, found: Format, scene: Scene, now: float) -> None:
        """Remember that voices of a format have to be converted."""
        with self._lock:
            new = self.takes(found, scene, now)
            self._formats[found.name, scene] = _Lesson(what=True, ends=now + LESSON_LIFE)
        if new:
            logger.info(
                "QQ does not take %s voices in %s: they are converted for an hour",
                found.name,
                _PLACES[scene],
            )


class Attempts:
    """What was tried for one piece of content, and why it failed.

    Args:
        name: What errors call the content.
        language: Language of cause and remedy.
    """

    def __init__(self, name: str, language: str | None = None) -> None:
        self._name = name
        self._language = language
        self._failures: list[tuple[str, str]] = []
        self._errors: list[Exception] = []
        self._fetching: Text | None = None

    def failed(self, way: str, error: Exception) -> str:
        """Note the failure of a way; return its reason in one line."""
        reason = _reason(error)
        self._errors.append(error)
        self._failures.append((way, reason))
        return reason

    def failed_here(self, error: QQGroupError) -> None:
        """Note that this machine could not fetch a URL either: what helps is what helps here."""
        self.failed("fetching it here", error)
        if isinstance(error, MediaTooLarge):
            self._fetching = _TOO_LARGE  # its own is for those who fetch by a call
        elif error.remedy:
            self._fetching = Text(error.remedy, error.remedy)  # it is in the user's language
        else:
            self._fetching = _CHECK_LINK

    @property
    def last(self) -> str:
        """Why the last way failed; empty when none did."""
        return self._failures[-1][1] if self._failures else ""

    def skipped(self, way: str, reason: str) -> None:
        """Note a way that could not be tried."""
        self._failures.append((way, reason))

    def error(self) -> QQGroupError:
        """Return what to raise: the failure itself when there was but one."""
        if len(self._failures) == 1 and self._errors:
            (only,) = self._errors
            if isinstance(only, QQGroupError):
                return only
        ways = ", ".join(dict.fromkeys(way for way, _ in self._failures))
        lines = "".join(f"\n    {way}: {reason}" for way, reason in self._failures)
        failure = MediaError(
            f"{self._name} could not be handed to QQ; tried {ways or 'nothing'}",
            cause=Text(f"every way was refused or failed:{lines}", f"所有方式都失败了：{lines}"),
            remedy=self._fetching or _REMEDY,
            language=self._language,
        )
        failure.__cause__ = self._errors[-1] if self._errors else None
        return failure


def _reason(error: Exception) -> str:
    if isinstance(error, QQGroupError):
        return " ".join(error.summary.split())
    return mask(" ".join(f"{type(error).__name__}: {error}".split()))


_TOO_LARGE = Text(
    "Make it smaller, or send the link as text.", "请压缩该文件，或直接以文字发送链接。"
)
_CHECK_LINK = Text(
    "Check the link: open it in a browser on the machine that the bot runs on.",
    "请检查链接：在运行机器人的机器上用浏览器打开试试。",
)
_REMEDY = Text(
    "Try again later. If it stays so, let QQ fetch the file from a public address: "
    'Client(media="auto") with a port that is reachable from outside, or a ChainBuilder whose '
    "get_image, get_voice, get_video and get_file return URLs.",
    '稍后再试。若一直如此，请让 QQ 从公网地址获取文件：使用 Client(media="auto") 并开放端口，'
    "或使用 get_image、get_voice、get_video、get_file 返回 URL 的 ChainBuilder。",
)
