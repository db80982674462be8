"""The platform's error codes and the exception that carries one to the caller."""

from __future__ import annotations

# Texts are ours, codes are the platform's (2.12): clients are told to judge by code only.
MESSAGES = {
    10000: "unsupported operation",
    10003: "invalid parameter",
    11241: "token is missing",
    11242: "the check of the token failed",
    11243: "token is malformed",
    11244: "token not exist or expire",
    11245: "fixed token is disabled, use an access token",
    11251: "appid is missing or wrong",
    11253: "no privilege for this api",
    11255: "invalid request",
    11282: "the bot is not an administrator of the group",
    22009: "message limit exceeded",
    11265: "the bot is banned",
    22006: "content does not match msg_type",
    304004: "no permission for ark templates",
    304026: "bad message reference",
    304061: "invalid message content",
    304080: "file_info is invalid",
    305007: "invalid keyboard",
    306009: "bad user openid",
    340069: "invalid msg_type",
    50037: "a markdown message may only carry a keyboard",
    50045: "cannot answer the bot's own message",
    50057: "markdown has both a template and content",
    50059: "bad input type",
    630001: "bad interaction parameter",
    630003: "the interaction belongs to another appid",
    630005: "the interaction was acknowledged before",
    40023002: "source ip is not in the whitelist",
    850012: "bad upload request",
    850018: "the group or the bot is muted",
    850019: "unsupported file format",
    850026: "download of the url failed",
    850031: "the file is too large",
    50001: "internal error",
    50002: "too many requests",
    40113003: "what was delivered already must not change",
    40034004: "rich media transfer failed",
    40093001: "the chunk is not ready",
    40093002: "the upload volume of today is used up",
    40030021: "command panel limit reached",
    40034005: "msg_id expired",
    304027: "msg_id expired",
    304103: "msg_id expired",
    50006: "the message is empty",
    40035007: "image library is full",
    40034006: "the content violates the rules",
    40034008: "markdown parameter value is empty",
    40034009: "markdown parameter contains a line break",
    40034010: "markdown parameter contains markdown syntax",
    40034011: "invalid markdown content",
    40034024: "msg_id is invalid or not yours",
    40034025: "event_id is invalid",
    40034026: "event_id expired",
    40034027: "this event cannot be answered",
    40034029: "too many keyboard rows or columns",
    40034100: "proactive message limit reached",
    40034101: "the bot is not a group member",
    40034102: "proactive messages are not permitted",
    40034105: "proactive messages are not permitted",
    40034122: "the wake-up message of this period is used up",
    40034123: "wake-up messages are not allowed",
    40034124: "markdown parameter error",
    40034128: "passive reply time or count exceeded",
    40035008: "image not found",
    40054002: "the bot is muted",
    40054003: "the bot is not in the group",
    40054004: "the user is not a friend of the bot",
    40054005: "message deduplicated",
    40054007: "message is too long",
    40054016: "the bot is offline or delisted",
    40054010: "url is not allowed",
    40061001: "bad recall parameter",
    40061002: "bad message id",
    40062003: "no permission to recall this message",
    40064004: "the message is too old to be recalled",
}

STATUSES = {
    **dict.fromkeys((*range(11241, 11246), 11251, 11261, 11275, 40023002), 401),
    11265: 403,
    40113003: 404,
}
"""HTTP statuses of codes; nearly all business errors come with 400 (1.3, 2.2)."""


class RefusalError(Exception):
    """The platform says no.

    Args:
        err_code: The platform's code.
        detail: What exactly was wrong, appended to the text.
        text: The platform's text; that of ``MESSAGES`` when None.
        status: HTTP status; that of ``STATUSES``, or 400, when None.
        retry_after: Seconds for the ``Retry-After`` header.
    """

    def __init__(
        self,
        err_code: int,
        detail: str = "",
        *,
        text: str | None = None,
        status: int | None = None,
        retry_after: int | None = None,
    ) -> None:
        text = MESSAGES.get(err_code, "request refused") if text is None else text
        self.err_code = err_code
        self.message = f"{text}: {detail}" if detail else text
        self.status = STATUSES.get(err_code, 400) if status is None else status
        self.retry_after = retry_after
        super().__init__(f"{err_code} {self.message}")


class StoreError(Exception):
    """The object store behind presigned URLs says no, in its own words (2.10).

    Args:
        status: HTTP status.
        code: The store's code, such as ``AccessDenied``.
        message: Its text.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        self.status = status
        self.code = code
        self.message = message
        super().__init__(f"{status} {code}: {message}")


class TokenRefusalError(Exception):
    """The token endpoint says no: HTTP 200 with ``{"code", "message"}`` (1.1)."""

    def __init__(self, code: int, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{code} {message}")
