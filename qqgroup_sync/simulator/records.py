"""What the simulated platform keeps and reports: plain data, no rules."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.simulator import transcript

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qqgroup_sync.simulator.groups import Group, Member
    from qqgroup_sync.simulator.shelf import MediaFile
    from qqgroup_sync.simulator.streams import Stream
    from qqgroup_sync.simulator.users import User

Role = Literal["member", "admin", "owner"]

_IMAGE, _VIDEO, _VOICE = 1, 2, 3


@dataclass(slots=True, eq=False)
class Bot:
    """One bot of the platform.

    Attributes:
        appid: Its AppID.
        secret: Its client secret; None when any is accepted.
        username: Its nickname.
        openid: Its openid as a group member.
        number: Its QQ number, digits.
        certified: Whether the larger proactive quotas apply (2.5).
        sandbox: Whether no quotas apply (2.5).
        privileged: Whether invite-only endpoints are open to it, 11253 otherwise (2.3).
        ark: Whether it may send ark cards, 304004 otherwise (5.5).
        banned: Whether the platform refuses it: 100007 for tokens, 11265, 4915 at the gateway.
        delisted: Whether it was taken off the shelf: 4914 at the gateway and 40054016 for sends,
            except in the sandbox.
    """

    appid: str
    secret: str | None
    username: str
    openid: str
    number: str
    certified: bool = False
    sandbox: bool = False
    privileged: bool = True
    ark: bool = False
    banned: bool = False
    delisted: bool = False

    @property
    def name(self) -> str:
        """The nickname, as for members and users."""
        return self.username

    def __repr__(self) -> str:
        return f"<Bot {self.appid} {self.username!r}>"


@dataclass(slots=True)
class Membership:
    """One bot in one group."""

    bot: Bot
    joined_at: float
    allow_push: bool
    role: Role = "member"
    muted_until: float = 0.0


@dataclass(slots=True)
class Contact:
    """One bot and one user.

    Attributes:
        friend: Whether the bot may write to the user at all, 40054004 otherwise.
        allow_push: Whether it may write unasked, 40034105 otherwise.
        spoke_at: When the user last wrote to the bot, None for never.
        woken: Wake-up periods used since then (2.5).
        typing_until: Until when the user sees the bot typing.
    """

    friend: bool
    allow_push: bool
    spoke_at: float | None = None
    woken: set[int] = field(default_factory=set)
    typing_until: float = 0.0


class Button(str):
    """One button below a message: its label, which says more when asked.

    Attributes:
        id: By which clicks name it.
        kind: ``callback``, ``command`` or ``link``.
        data: What a click sends, types or opens.
        style: Its ``render_data.style``.
    """

    __slots__ = ("data", "id", "kind", "style")

    id: str
    kind: str
    data: str
    style: int

    @classmethod
    def of(cls, button: Mapping[str, Any]) -> Button:
        """Read a button of a keyboard (5.4)."""
        action, shown = button.get("action") or {}, button.get("render_data") or {}
        made = cls(shown.get("label", ""))
        made.id = str(button.get("id") or "")
        made.kind = {0: "link", 1: "callback", 2: "command"}.get(action.get("type", -1), "unknown")
        made.data = str(action.get("data") or "")
        made.style = int(shown.get("style") or 0)
        return made


@dataclass(slots=True, eq=False)
class ChatMessage:
    """One message of a chat, by a person or by a bot.

    Attributes:
        id: ``ROBOT1.0_...``, what replies and recalls refer to.
        chat: The group or the user it was said in.
        sender: Who said it.
        content: What was typed; for a bot the ``content`` or markdown it posted.
        timestamp: When, in simulated seconds since the epoch.
        ref_idx: ``REFIDX_...``, by which it can be quoted.
        msg_type: 0 text, 2 markdown, 3 ark, 7 media for bots; ``message_type`` for people.
        markdown: The markdown object a bot posted.
        keyboard: The keyboard a bot posted.
        media: The media object a bot posted.
        reply_to: The ``msg_id`` or ``event_id`` a bot answered; None when it spoke unasked.
        msg_seq: The ``msg_seq`` a bot gave.
        quote_ref: The REFIDX (or ``TMP_``) that is quoted.
        proactive: Whether a bot spoke unasked.
        wakeup: Whether it was a wake-up message.
        recalled: Whether it was taken back.
        audit_id: Set when the answer was "waiting for audit".
        at: AppIDs of the bots a person addressed.
        mentions: The other people mentioned, or "all".
        attachments: The media it carries, as an event tells of them.
        files: The media it carries: one of a bot, any number of a person.
        pictures: The pictures of a bot's markdown that the platform could fetch (5.3).
        dropped: The addresses of those it could not, which nobody sees.
        stream: Set when it is a streamed message; tells how far it is (2.11).
        raw: The body of the bot's POST.
    """

    id: str
    chat: Group | User
    sender: Member | User | Bot
    content: str
    timestamp: float
    ref_idx: str
    msg_type: int = 0
    markdown: dict[str, Any] | None = None
    keyboard: dict[str, Any] | None = None
    media: dict[str, Any] | None = None
    reply_to: str | None = None
    msg_seq: int | None = None
    quote_ref: str | None = None
    proactive: bool = False
    wakeup: bool = False
    recalled: bool = False
    audit_id: str | None = None
    at: frozenset[str] = frozenset()
    mentions: Sequence[Member | Literal["all"]] = ()
    attachments: Sequence[dict[str, Any]] = ()
    files: Sequence[MediaFile] = ()
    pictures: Sequence[MediaFile] = ()
    dropped: Sequence[str] = ()
    stream: Stream | None = None
    raw: Mapping[str, Any] = field(default_factory=dict)

    @property
    def from_bot(self) -> bool:
        """Whether a bot said it."""
        return isinstance(self.sender, Bot)

    @property
    def text(self) -> str:
        """The content without surrounding white space."""
        return self.content.strip()

    def wait_finished(self, timeout: float = 5.0) -> ChatMessage:
        """Wait until a streamed message is complete; see ``Chat.wait_finished``."""
        return self.chat.wait_finished(self, timeout)

    @property
    def file(self) -> MediaFile | None:
        """The (first) medium it carries, None when it carries none."""
        return self.files[0] if self.files else None

    @property
    def wav(self) -> bytes:
        """The voice it carries as the bytes of a WAV file.

        Raises:
            ValueError: It carries none, or one that cannot be decoded.
        """
        if self.file is None:
            raise ValueError(f"{self!r} carries no voice")
        return self.file.wav

    @property
    def images(self) -> list[MediaFile]:
        """Every picture it shows: attached ones and those inside markdown."""
        return [*(one for one in self.files if one.file_type == _IMAGE), *self.pictures]

    @property
    def voice(self) -> MediaFile | None:
        """The voice it carries; ``voice.wav`` is what people hear."""
        return next((one for one in self.files if one.file_type == _VOICE), None)

    @property
    def video(self) -> MediaFile | None:
        """The video it carries."""
        return next((one for one in self.files if one.file_type == _VIDEO), None)

    @property
    def quoted(self) -> ChatMessage | None:
        """The message it quotes, as far as that is remembered."""
        return self.chat.find_reference(self.quote_ref) if self.quote_ref else None

    @property
    def buttons(self) -> list[Button]:
        """The labels of the buttons below it, row by row; each knows its ``id`` and ``data``."""
        return [Button.of(button) for button in self._keys()]

    def button(self, button_id: str) -> dict[str, Any] | None:
        """Return the button of this message's keyboard with that id or label, or None.

        An id comes first; of several buttons with one label it is the first.
        """
        by_id = [button for button in self._keys() if button.get("id") == button_id]
        labelled = [button for button in self._keys() if Button.of(button) == button_id]
        return dict(found) if (found := next(iter([*by_id, *labelled]), None)) else None

    def _keys(self) -> list[dict[str, Any]]:
        content = (self.keyboard or {}).get("content") or {}
        return [button for row in content.get("rows", ()) for button in row["buttons"]]

    def __repr__(self) -> str:
        return f"<ChatMessage {transcript.line(self)}>"


@dataclass(slots=True, eq=False)
class Interaction:
    """One click on a callback button, and the bot's acknowledgement.

    Attributes:
        id: ``d.id``, what ``PUT /interactions/{id}`` names.
        event_id: The outer id, by which the click can be answered.
        message: The message that carried the button; None for other interactions.
        person: Who clicked; None when the event was emitted by hand.
        button_id: Which button.
        clicked_at: When, in simulated seconds.
        deadline: When the client stops waiting, 3 s later (2.8).
        ack_code: The code of the acknowledgement, None while there is none.
        ack_data: Its ``data``, when it had some.
        acknowledged_at: When it came.
    """

    id: str
    event_id: str
    appid: str
    message: ChatMessage | None
    person: Member | User | None
    button_id: str
    clicked_at: float
    deadline: float
    ack_code: int | None = None
    ack_data: Any = None
    acknowledged_at: float | None = None
    _done: threading.Event = field(default_factory=threading.Event, repr=False)

    def acknowledge(self, code: int, data: Any, now: float) -> None:
        """Take the bot's acknowledgement."""
        self.ack_code, self.ack_data, self.acknowledged_at = code, data, now
        self._done.set()

    def wait_acknowledged(self, timeout: float = 5.0) -> Interaction:
        """Wait for the acknowledgement, real seconds.

        Raises:
            AssertionError: None came.
        """
        if not self._done.wait(timeout):
            raise AssertionError(f"the click on {self.button_id!r} was not acknowledged")
        return self

    @property
    def acknowledged(self) -> bool:
        """Whether the bot has acknowledged the click, in time or late."""
        return self.acknowledged_at is not None

    @property
    def ack_seconds(self) -> float | None:
        """Simulated seconds from the click to the acknowledgement."""
        return None if self.acknowledged_at is None else self.acknowledged_at - self.clicked_at

    @property
    def timed_out(self) -> bool:
        """Whether the acknowledgement came too late for the person who clicked."""
        return self.acknowledged_at is not None and self.acknowledged_at > self.deadline


@dataclass(slots=True, eq=False)
class JoinRequest:
    """One person who asks to join a group (4.7)."""

    id: str
    user: User
    fields: dict[str, Any]
    state: Literal["waiting", "approved", "declined"] = "waiting"
    reason: str = ""


@dataclass(slots=True, frozen=True)
class ApiCall:
    """One request to the REST face and its answer; reported as ``api``."""

    method: str
    path: str
    status: int
    appid: str | None
    request: Any
    response: Any
    trace_id: str
    seconds: float
    faults: tuple[str, ...] = ()


@dataclass(slots=True, frozen=True)
class Frame:
    """One gateway frame; reported as ``frame``."""

    direction: Literal["in", "out"]
    appid: str | None
    session_id: str | None
    text: str


@dataclass(slots=True, frozen=True)
class Connection:
    """A gateway connection came or went; reported as ``connection``.

    ``code`` is that of the close frame, None without one; ``ours`` tells who closed.
    """

    state: Literal["opened", "closed"]
    appid: str | None
    session_id: str | None
    code: int | None = None
    reason: str = ""
    ours: bool = False


@dataclass(slots=True, frozen=True)
class Event:
    """One event on its way to one bot, whatever way it is delivered; reported as ``event``.

    ``frames`` tells how many gateway frames it became: 0 when no session wanted it.
    """

    appid: str
    name: str
    id: str
    data: dict[str, Any]
    frames: int = 0


@dataclass(slots=True, frozen=True)
class WebhookPost:
    """One attempt to deliver an event by webhook; reported as ``webhook``.

    ``status`` is None when no answer came; ``answer`` then says why.
    """

    appid: str
    url: str
    name: str
    id: str
    attempt: int
    status: int | None
    answer: str
    seconds: float
    outcome: str


@dataclass(slots=True, frozen=True)
class Typing:
    """A bot shows a user that it is typing; reported as ``typing``."""

    bot: Bot
    user: User
    until: float
