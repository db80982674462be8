"""Every error that a user can meet: one class per different thing he can do about it.

QQGroupError
├── ConfigError(ValueError)       wrong setting, raised in the caller's line
├── StateError(RuntimeError)      used in the wrong state
├── TransportError                no answer: DNS, TCP, TLS
│   ├── TransportTimeout(TimeoutError)
│   └── NotConnected              the gateway did not come back in time
├── ApiError                      the platform said no
│   ├── AuthError  IPNotAllowed  Forbidden  NotFound  RateLimited  ServerError
│   ├── ReplyExpired  ReplyLimitReached  DuplicateMessage  ContentRejected  ProactiveNotAllowed
│   └── MediaRejected
├── BadResponse                   2xx, but not what the API promises
├── PartialSendError              some parts of a message went out, one did not
├── GatewayError
│   ├── GatewayRejected           fatal: banned, delisted, intents, shard
│   └── GatewayClosed             normal life of a connection; not seen by users
├── WaitTimeout(TimeoutError)  WaitCancelled
└── MediaError
    └── UnsupportedMedia(ValueError)  MediaTooLarge  VoiceEncodeError  HostingError

``str(error)`` begins with one English line that can be pasted into a ticket. Cause and remedy
follow on lines of their own, in Chinese when the language is ``zh``.
"""

from __future__ import annotations

import locale
import os
from typing import TYPE_CHECKING, Any, NamedTuple

from qqgroup_sync.masking import mask

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


class Text(NamedTuple):
    """One sentence in both languages."""

    en: str
    zh: str

    def in_language(self, language: str | None = None) -> str:
        """Return the sentence in ``language``, or in that of the environment."""
        return self.zh if (language or default_language()) == "zh" else self.en


def default_language(environment: Mapping[str, str] = os.environ) -> str:
    """Return ``zh`` when ``QQ_LANGUAGE`` or the locale is Chinese, else ``en``."""
    variables = ("QQ_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")
    chosen = next((environment[name] for name in variables if environment.get(name)), None)
    chosen = chosen or locale.getlocale()[0] or ""
    return "zh" if chosen.lower().startswith(("zh", "chinese")) else "en"


class QQGroupError(Exception):
    """Base of everything that this package raises on purpose.

    Attributes:
        summary: One English line.
    """

    cause_text: Text | None = None
    remedy_text: Text | None = None

    def __init__(
        self,
        summary: str,
        *,
        cause: Text | None = None,
        remedy: Text | None = None,
        language: str | None = None,
    ) -> None:
        self.summary = mask(summary)
        super().__init__(self.summary)
        self.language = language or default_language()
        self._cause = cause or self.cause_text
        self._remedy = remedy or self.remedy_text

    @property
    def cause(self) -> str:
        """Why it happened, in the user's language; may be empty."""
        return self._cause.in_language(self.language) if self._cause else ""

    @property
    def remedy(self) -> str:
        """What to do about it, in the user's language; may be empty."""
        return self._remedy.in_language(self.language) if self._remedy else ""

    def __str__(self) -> str:
        labels = ("原因", "办法") if self.language == "zh" else ("cause", "remedy")
        lines = [self.summary]
        lines += [
            f"  {label}: {text}"
            for label, text in zip(labels, (self.cause, self.remedy), strict=True)
            if text
        ]
        return "\n".join(lines)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.summary!r})"


class ConfigError(QQGroupError, ValueError):
    """A setting is missing, unknown or wrong."""


class StateError(QQGroupError, RuntimeError):
    """Something was called in a state in which it cannot work.

    Attributes:
        trouble: What is wrong with a file, in one word: ``full``, ``barred``, ``damaged``,
            ``foreign``, ``newer``, ``busy``, ``broken``, ``moved``; empty when no file is meant.
    """

    trouble = ""


class TransportError(QQGroupError):
    """No answer came: name resolution, connection or TLS failed. ``__cause__`` says which.

    Attributes:
        never_sent: Whether the platform certainly did not act on the request.
    """

    never_sent = False


class TransportTimeout(TransportError, TimeoutError):
    """No answer came in time; the platform may or may not have acted."""


class NotConnected(TransportError):
    """The gateway did not come back in time, so the message was not sent."""

    never_sent = True


class ApiError(QQGroupError):
    """The platform refused a request.

    Attributes:
        status: HTTP status.
        code: ``code`` of the body; 0 when absent.
        err_code: ``err_code`` of the body; 0 when absent. May differ from ``code``
            (protocol: response envelope).
        message: The platform's own words, verbatim.
        trace_id: What Tencent's support asks for.
        method: HTTP method.
        path: Path without host and query.
        retry_after: Seconds the platform asked to wait; None when it did not say.
    """

    def __init__(
        self,
        summary: str = "",
        *,
        status: int = 0,
        code: int = 0,
        err_code: int = 0,
        message: str = "",
        trace_id: str = "",
        method: str = "",
        path: str = "",
        retry_after: float | None = None,
        cause: Text | None = None,
        remedy: Text | None = None,
        language: str | None = None,
    ) -> None:
        self.status = status
        self.code = code
        self.err_code = err_code
        self.message = mask(message)
        self.trace_id = trace_id
        self.method = method
        self.path = path
        self.retry_after = retry_after
        super().__init__(
            summary or self._summarise(), cause=cause, remedy=remedy, language=language
        )

    def _summarise(self) -> str:
        numbers = f"HTTP {self.status}"
        if self.err_code or self.code:
            numbers += f", code {self.err_code or self.code}"
        if self.code and self.err_code and self.code != self.err_code:
            numbers += f" ({self.code})"
        where = f"{self.method} {self.path}".strip()
        trace = f" [trace {self.trace_id}]" if self.trace_id else ""
        return f"{where}: {self.message or 'refused'} ({numbers}){trace}"

    @property
    def codes(self) -> frozenset[int]:
        """Both codes of the body, without zero."""
        return frozenset({self.code, self.err_code} - {0})


class AuthError(ApiError):
    """AppID, secret or token is wrong."""


class IPNotAllowed(AuthError):
    """The address of this machine is not in the bot's IP whitelist."""


class Forbidden(ApiError):
    """The bot may not do this: a right, a role or an invitation is missing."""


class NotFound(ApiError):
    """The group, user, message or route does not exist, or not for this bot."""


class RateLimited(ApiError):
    """Too many requests; ``retry_after`` says how long to wait when the platform told."""


class ServerError(ApiError):
    """The platform failed; the request may be repeated later."""


class ReplyExpired(ApiError):
    """The message or event is too old to be answered."""


class ReplyLimitReached(ApiError):
    """All replies that this message or event allows were used."""


class DuplicateMessage(ApiError):
    """The platform has seen this (msg_id, msg_seq) before."""


class ContentRejected(ApiError):
    """The platform refuses this content.

    Attributes:
        reason: ``url``, ``sensitive``, ``too_long``, ``empty`` or ``format``.
    """

    def __init__(self, *args: Any, reason: str = "format", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.reason = reason


class ProactiveNotAllowed(ApiError):
    """The group or user has switched proactive messages off, or the quota is used up."""


class MediaRejected(ApiError):
    """The platform refuses this picture, voice, video or file."""


class BadResponse(QQGroupError):
    """The platform answered 2xx, but not with what its documentation promises."""


def may_have_acted(error: QQGroupError) -> bool:
    """Return whether the platform may have done what a request asked for, though it failed."""
    if isinstance(error, TransportError):
        return not error.never_sent
    return isinstance(error, BadResponse) or (isinstance(error, ApiError) and error.status >= 500)


class PartialSendError(QQGroupError):
    """Some parts of a message went out before one failed; ``__cause__`` is that failure.

    Attributes:
        sent: What the platform accepted, in order.
        unclear: Whether the part after those may have gone out as well.
    """

    def __init__(
        self,
        summary: str,
        *,
        sent: Sequence[Any],
        unclear: bool = False,
        language: str | None = None,
    ) -> None:
        remedy = Text(
            "error.sent lists what did go out; send only the rest again.",
            "error.sent 里是已经发出的部分；只需重发剩下的。",
        )
        if unclear:
            remedy = Text(
                "error.sent lists what certainly went out. Look into the chat for the part after"
                " it before you send the rest again.",
                "error.sent 里是确定已发出的部分；重发之前，请先在聊天中确认下一部分是否已送达。",
            )
        super().__init__(summary, language=language, remedy=remedy)
        self.sent = tuple(sent)
        self.unclear = unclear


class GatewayError(QQGroupError):
    """The gateway connection failed."""


class GatewayRejected(GatewayError):
    """The gateway refuses this bot for good; trying again changes nothing.

    Attributes:
        code: WebSocket close code; 0 when there was none.
    """

    def __init__(
        self,
        summary: str,
        *,
        code: int = 0,
        cause: Text | None = None,
        remedy: Text | None = None,
        language: str | None = None,
    ) -> None:
        super().__init__(summary, cause=cause, remedy=remedy, language=language)
        self.code = code


class GatewayClosed(GatewayError):
    """A gateway connection ended; the runner opens the next one.

    Attributes:
        code: WebSocket close code; None when the connection broke without one.
        reason: The gateway's own words.
    """

    def __init__(self, summary: str, *, code: int | None = None, reason: str = "") -> None:
        super().__init__(summary)
        self.code = code
        self.reason = reason


class WaitTimeout(QQGroupError, TimeoutError):
    """Nobody answered in time."""


class WaitCancelled(QQGroupError):
    """Nobody answers a question any more, and that is all right: its handler ends quietly.

    A newer question to the same person took its place, the person called it off or turned to
    another handler, or the client stopped.
    """


class MediaError(QQGroupError):
    """A picture, voice, video or file cannot be used."""


class UnsupportedMedia(MediaError, ValueError):
    """The format cannot be sent, nor be turned into one that can."""


class MediaTooLarge(MediaError):
    """The content is larger than the platform takes."""


class VoiceEncodeError(MediaError):
    """The voice could not be turned into SILK."""


class HostingError(MediaError):
    """A file could not be put where QQ can fetch it."""
