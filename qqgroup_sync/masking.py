"""The one place that hides secrets.

Everything that leaves the process as text (log lines, ``repr``, exceptions) and may carry a
secret, a token, a presigned URL or base64 goes through :func:`mask`: by hand, by a filter on the
loggers that write what others wrote, or because the value is a :class:`Secret`.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

HIDDEN = "***"

_HIDDEN_KEYS = (
    r"client_?secret|app_?secret|secret_?id|secret_?(?:access_?)?key|secret|access_?key|api_?key|"
    r"access_?token|refresh_?token|auth_?token|token|password|file_data|presigned_url|rkey|"
    r"signature|sign|x-amz-[a-z-]+|q-ak|ossaccesskeyid|awsaccesskeyid"
)
# A value in quotes, which may be escaped (JSON inside a string) or never closed (a text cut off).
_QUOTED = r"""\\+["'][^"']*["']? | b?"(?:\\.|[^"\\])*(?:"|\\?\Z) | b?'(?:\\.|[^'\\])*(?:'|\\?\Z)"""
_BARE = r"""[^\s"',;&}\])]+"""


def _without_query(url: re.Match[str]) -> str:
    address, question_mark, _ = url.group().partition("?")
    return address + (question_mark and question_mark + HIDDEN)


# Each pattern takes linear time: what is masked may be a whole body of megabytes.
_PATTERNS: tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...] = (
    # "QQBot <token>", "Bot <appid>.<token>", "Bearer <token>": what Authorization carries
    (
        re.compile(r"(?a)\b(QQBot|Bearer|Bot(?=\s+\d+\.))\s+[A-Za-z0-9._~+/=-]{6,}"),
        r"\1 " + HIDDEN,
    ),
    # Authorization: <scheme> <anything>
    (
        re.compile(
            rf"""(?isx) (?<![a-z0-9_]) (authorization \\*["']? \s*[:=：]\s*)
            (?: {_QUOTED} | (?:[a-z]+[ ]+)? {_BARE} )"""
        ),
        r"\1" + HIDDEN,
    ),
    # "key": "value", 'key': b'value', key=value; also auth_token=... inside a list of strings
    (
        re.compile(
            rf"""(?isx) (?<![a-z0-9_-])
            ((?:[a-z0-9_-]*[_-])? (?:{_HIDDEN_KEYS}) \\*["']? \s*[:=：]\s*)
            [\[({{\s]* (?: {_QUOTED} | {_BARE} )
            (?: \s*[:=：]\s* (?: {_QUOTED} | {_BARE} ) )?"""  # it was a key, then: a line was empty
        ),
        r"\1" + HIDDEN,
    ),
    # user:password@ in a URL
    (re.compile(r"(?ia)\b([a-z][a-z0-9+.-]{0,30}://)[^\s/@:]*:[^\s/@]+@"), r"\1" + HIDDEN + "@"),
    # the query of any download link: presigned links are secrets as a whole
    (re.compile(r"(?ia)\b(?:https?|wss?):\\?/\\?/[!#-&(-;=?-~]+"), _without_query),
    # long base64 or hex runs: file contents, not prose
    (re.compile(r"[A-Za-z0-9+/_-]{200,}={0,2}"), HIDDEN),
)


_MOST_TOKENS = 64  # or two per account, where there are many of them
_LEAST_OF_PROXIES = 8  # characters; people choose these passwords
_lasting: dict[str, None] = {}  # as many as there are accounts and proxies
_passing: dict[str, None] = {}  # tokens, which end by themselves; the oldest first


def know(secret: str, *, least: int = 16, lasting: bool = False) -> None:
    """Let :func:`mask` hide a secret of this process wherever it stands from now on.

    Args:
        secret: What to hide.
        least: A shorter one, which may be a word of prose, is not remembered.
        lasting: Never forget it. Of the others only the last many are remembered.
    """
    if len(secret) < least:
        return
    (_lasting if lasting else _passing)[secret] = None
    while len(_passing) > max(_MOST_TOKENS, 2 * len(_lasting)):
        _passing.pop(next(iter(_passing.copy()), ""), None)


def know_proxy(url: str) -> None:
    """Hide the password in a proxy's URL, also as the proxy is told it.

    A proxy that refuses may say back what it was told, and libraries quote it.
    """
    import base64  # noqa: PLC0415 - only where there is a proxy
    from urllib.parse import unquote, urlsplit  # noqa: PLC0415 - as above

    try:
        parts = urlsplit(url if "//" in url else f"//{url}")
    except ValueError:  # who uses it tells
        return
    user, password = parts.username or "", parts.password or ""
    for name, word in {(user, password), (unquote(user), unquote(password))}:
        if word:
            told = base64.b64encode(f"{name}:{word}".encode()).decode()
            for secret in (told, word):
                know(secret, least=_LEAST_OF_PROXIES, lasting=True)


def mask(text: object, *secrets: str | None) -> str:
    """Return ``str(text)`` with everything hidden that looks like a secret, or is a known one.

    Args:
        text: Any object; its ``str`` is used.
        secrets: Values known to be secret; hidden wherever they stand, also outside a pattern.
    """
    masked = str(text)
    for secret in (*secrets, *_lasting.copy(), *_passing.copy()):
        if secret and len(secret) >= 4:
            masked = masked.replace(secret, HIDDEN)
    for pattern, replacement in _PATTERNS:
        masked = pattern.sub(replacement, masked)
    return masked


def presentable(error: BaseException) -> BaseException:
    """Return an exception as it may be the cause of another: with a masked text if it needs one.

    A traceback shows the texts of all causes, and some libraries quote a proxy's password there.
    """
    import traceback  # noqa: PLC0415 - only after a failure

    chain = traceback.TracebackException.from_exception(error)
    told = "".join(chain.format())
    if mask(told) == told:
        return error
    return ConnectionError(mask(f"{type(error).__name__}: {error}"))


class Secret(str):
    """A string that does not show itself where values are shown.

    Debuggers, notebooks and tracebacks with local variables print ``repr`` of what they find.
    Whoever asks for the text itself gets it.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(HIDDEN)


class SecretBytes(bytes):
    """The same for bytes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(HIDDEN.encode())


class MaskingFilter(logging.Filter):
    """Masks what a logger writes, with the traceback and all exceptions that it is made of."""

    # A frame as it goes over the wire, which websocket-client traces beside its readable form:
    # scrambled, but the key stands in front.
    _RAW = re.compile(r"(\+\+(?:Sent|Rcv) raw: ).*", re.DOTALL)

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the record; let it pass."""
        try:
            message = record.getMessage()
        except Exception:  # a wrong format; logging itself complains of it
            return True
        masked = mask(self._RAW.sub(rf"\1{HIDDEN}", message))
        if masked != message:
            record.msg, record.args = masked, ()
        if record.exc_info and not record.exc_text:
            told = logging.Formatter().formatException(record.exc_info)
            if (masked := mask(told)) != told:
                record.exc_text = masked  # what every formatter takes, when it is there
        return True


_FILTER = MaskingFilter()


def masked_logger(name: str) -> logging.Logger:
    """Return a logger that masks what it writes: for texts and exceptions of others.

    A filter, because a handler of the user's may be anywhere; it does not reach the loggers below.
    """
    logger = logging.getLogger(name)
    logger.addFilter(_FILTER)  # a second time changes nothing
    return logger


def mask_library(name: str) -> None:
    """Mask what a library writes, with all its loggers that there are by now."""
    for known in list(logging.root.manager.loggerDict):  # other threads may add to it
        if known.startswith(f"{name}."):
            masked_logger(known)
    masked_logger(name)
