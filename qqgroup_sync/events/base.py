"""What every event has in common, and what those have that can be answered."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypeVar

from qqgroup_sync.errors import StateError, Text
from qqgroup_sync.events.lenient import seconds
from qqgroup_sync.masking import mask

if TYPE_CHECKING:
    from collections.abc import Collection
    from dataclasses import Field

    from qqgroup_sync.events.actions import Actions
    from qqgroup_sync.sending.sent import Sent
    from qqgroup_sync.sending.streaming import Stream

    _Head = tuple[str, str, dict[str, Any], float | None, float, Actions | None, str]

A = TypeVar("A")

_LONGEST_SHOWN = 48
_NO_CLIENT = (
    Text(
        "The object was built by hand or by parse() without actions.",
        "这个对象是手工构造的，或者 parse() 没有传入 actions。",
    ),
    Text(
        "Use the object that a handler of a Client receives.",
        "请使用 Client 的处理函数收到的对象。",
    ),
)


def shown(value: object) -> str:
    """Return how a value stands in a ``repr``: short, and with its secrets hidden."""
    if isinstance(value, str):
        text = mask(value)
        return repr(text if len(text) <= _LONGEST_SHOWN else text[:_LONGEST_SHOWN] + "…")
    return f"<{len(value)}>" if isinstance(value, tuple) else repr(value)


def bound(actions: A | None, owner: object) -> A:
    """Return the actions behind an object.

    Raises:
        StateError: There is no client behind it.
    """
    if actions is None:
        cause, remedy = _NO_CLIENT
        summary = f"this {type(owner).__name__} has no client behind it"
        raise StateError(summary, cause=cause, remedy=remedy)
    return actions


class Record:
    """A value that shows its fields without the empty ones."""

    __slots__ = ()
    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def __repr__(self) -> str:
        values = ((item.name, getattr(self, item.name)) for item in fields(self) if item.repr)
        told = ", ".join(f"{name}={shown(value)}" for name, value in values if value)
        return f"{type(self).__name__}({told})"


@dataclass(frozen=True, slots=True, repr=False)
class Event(Record):
    """Something that the platform told; also the type of events that this package does not know.

    Two deliveries of the same thing are equal: ``raw``, ``received_at`` and what belongs to the
    client do not count.

    Attributes:
        name: The platform's name, such as ``GROUP_AT_MESSAGE_CREATE``.
        event_id: Id of the outer frame, ``NAME:token``; a reply by ``event_id`` uses it.
        raw: The payload ``d`` as it came. Not masked: it may hold ``auth_token`` and presigned
            links. What was not a JSON object stands under the key ``d``.
        timestamp: When it happened (Unix seconds); None when the platform did not say.
        received_at: When it arrived (Unix seconds).
        actions: The client behind ``reply`` and its like; None for an event built by hand.
        appid: Of the bot that received it.
        budget: What the sending room remembers about replies to this event. It travels with the
            event, also through ``dataclasses.replace``; set it with :func:`attach_budget`.
    """

    name: str = ""
    event_id: str = ""
    raw: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    timestamp: float | None = field(default=None, repr=False)
    received_at: float = field(default=0.0, repr=False, compare=False)
    actions: Actions | None = field(default=None, repr=False, compare=False)
    appid: str = field(default="", repr=False)
    budget: Any = field(default=None, repr=False, compare=False)

    @property
    def conversation(self) -> tuple[str, str] | None:
        """Tell where it happened.

        ``("group", group_openid)``, ``("c2c", user_openid)``, or None when it has no such place.
        """
        return None

    @property
    def sender(self) -> str:
        """Return the openid of the person behind it; empty when it names nobody."""
        return ""

    @property
    def event_name(self) -> str:
        """Return ``name``, as the seed family calls it."""
        return self.name

    @property
    def data(self) -> dict[str, Any]:
        """Return ``raw``, as the seed family calls it."""
        return self.raw


class Delivery(NamedTuple):
    """A dispatch frame as it reaches the reader of one kind of event."""

    name: str
    event_id: str
    raw: dict[str, Any]
    now: float
    actions: Actions | None
    appid: str
    own: Collection[str]

    def head(self, moment: object) -> _Head:
        """Return what every event begins with; ``moment`` is when it happened."""
        return (
            self.name,
            self.event_id,
            self.raw,
            seconds(moment),
            self.now,
            self.actions,
            self.appid,
        )


class Replyable(Event):
    """An event that can be answered: by ``msg_id`` when it is a message, else by ``event_id``."""

    __slots__ = ()

    def reply(self, content: Any, *, quote: bool = False, timeout: float | None = None) -> Sent:
        """Answer this event.

        Blocks until QQ has accepted every part. Safe to call from any thread.

        Args:
            content: A string, a ``Chain``, or an element of one.
            quote: Show the answered message above the answer.
            timeout: Seconds for one request; None for the client's own limit.

        Returns:
            A ``Sent``: the ids that the platform gave, and ``recall``.

        Raises:
            StateError: There is no client behind this event.
            ReplyExpired: It is too old to be answered.
            ReplyLimitReached: All its replies were used.
            ApiError: QQ refused a part.
        """
        return bound(self.actions, self).reply(self, content, quote=quote, timeout=timeout)

    def stream(self, *, markdown: bool = True, interval: float | None = None) -> Stream:
        """Begin an answer that grows while it is written, for text that comes bit by bit.

        ``with message.stream() as stream: stream.write(text)``. It uses up one reply, however
        long it takes. Groups have no streams: there it is sent as one message at the end.
        Source: stream-message page, 2026-08.

        Args:
            markdown: Whether the text is markdown.
            interval: Seconds between two updates; 0.5 by default, the platform refuses less
                than 0.3.

        Raises:
            StateError: There is no client behind this event.
        """
        return bound(self.actions, self).stream(self, markdown=markdown, interval=interval)

    @property
    def replies_left(self) -> int:
        """Return how many replies are left; 0 when they are used up or it is too late.

        Source: a group message allows 5 in 5 minutes, a C2C message 4 in 60 minutes
        (send-message page, 2026-08).

        Raises:
            StateError: There is no client behind this event.
        """
        return bound(self.actions, self).replies_left(self)

    @property
    def expires_at(self) -> float | None:
        """Return when it can be answered no more (Unix seconds); None if it never can.

        Raises:
            StateError: There is no client behind this event.
        """
        return bound(self.actions, self).expires_at(self)


def attach_budget(event: Event, budget: object) -> None:
    """Set ``event.budget``, the one thing about an event that changes.

    Not synchronised: whoever attaches does so before other threads see the event, or under a lock.
    """
    object.__setattr__(event, "budget", budget)
