"""What happens to a bot's POST (2.4, 2.5): who may speak, on what ground, and what it uses up."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from qqgroup_sync.simulator import content, identifiers, intents, quotas, replies
from qqgroup_sync.simulator.groups import Group
from qqgroup_sync.simulator.records import ChatMessage, Typing
from qqgroup_sync.simulator.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qqgroup_sync.simulator.groups import Member
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import Bot, Contact
    from qqgroup_sync.simulator.rules import Rules
    from qqgroup_sync.simulator.shelf import MediaFile
    from qqgroup_sync.simulator.users import User


@dataclass(slots=True)
class Ground:
    """On what a message stands: an open window, or quotas, or a wake-up period."""

    window: replies.Window | None = None
    sequence: int | None = None
    reply_to: str | None = None
    quotas: list[quotas.Quota] = field(default_factory=list)
    period: int | None = None


class Pictures(NamedTuple):
    """What became of the pictures in markdown: those fetched, and addresses of the others."""

    fetched: tuple[MediaFile, ...] = ()
    dropped: tuple[str, ...] = ()


_NONE = Pictures()
_MENTION = re.compile(r'<@!?(\w+)>|<qqbot-at-user id="(\w+)" ?/>')


def describe(message: ChatMessage, rules: Rules) -> dict[str, Any]:
    """Write the answer to a send that was accepted (2.4)."""
    if rules.old_answers:
        return {"id": message.id, "timestamp": int(message.timestamp)}
    return {
        "id": message.id,
        "timestamp": identifiers.rfc3339(message.timestamp),
        "ext_info": {"ref_idx": message.ref_idx},
    }


def check_standing(bot: Bot, chat: Group | User, now: float) -> None:
    """Refuse a bot that may not speak here: 40054002, 40054003, 40054004, 40054016."""
    if bot.delisted and not bot.sandbox:
        raise RefusalError(40054016)
    if not isinstance(chat, Group):
        if not chat.contact(bot).friend:
            raise RefusalError(40054004)
        return
    membership = chat.bots.get(bot.appid)
    if membership is None:
        raise RefusalError(40054003)
    if membership.muted_until > now:
        raise RefusalError(40054002)


def decode(text: str, rules: Rules) -> str:
    """Write a bot's text as people see it: with its escapes decoded where that is done (5.9)."""
    if not rules.unescape_sent:
        return text
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


class Post:
    """One message that a bot wants to send; lives as long as the request.

    The platform's lock must be held throughout. Nothing is changed when it is refused.

    Args:
        platform: The platform.
        bot: Who sends.
        chat: Where.
        payload: The JSON body.
        pictures: What the platform has fetched for its markdown.
        rules: Those that hold for it, where they are not the platform's.
    """

    def __init__(
        self,
        platform: Platform,
        bot: Bot,
        chat: Group | User,
        payload: Mapping[str, Any],
        pictures: Pictures = _NONE,
        *,
        rules: Rules | None = None,
    ) -> None:
        self._platform = platform
        self._rules = rules or platform.rules
        self._bot = bot
        self._chat = chat
        self._payload = payload
        self._pictures = pictures
        self._file: MediaFile | None = None
        self._now = platform.clock.now()
        self._contact: Contact | None = None if isinstance(chat, Group) else chat.contact(bot)

    def accept(self) -> ChatMessage:
        """Put the message into the chat.

        Raises:
            RefusalError: With the platform's code.
        """
        check_standing(self._bot, self._chat, self._now)
        kind = content.check(
            self._payload, self._rules, c2c=self._contact is not None, ark=self._bot.ark
        )
        ground = self._find_ground()
        self._check_media(kind)
        self._check_quote()
        self._spend(ground, kind)
        message = self._make(kind, ground)
        if self._rules.swallow_offline and not self._platform.is_online(self._bot.appid):
            self._platform.stats.add("messages_swallowed")
        elif kind == content.TYPING:
            self._show_typing(message)
        else:
            self._show(message)
        return message

    def _find_ground(self) -> Ground:
        msg_id, event_id = self._payload.get("msg_id"), self._payload.get("event_id")
        sequence = self._payload.get("msg_seq")
        if sequence is not None and (isinstance(sequence, bool) or not isinstance(sequence, int)):
            raise RefusalError(11255, f"msg_seq {sequence!r}")
        if self._payload.get("is_wakeup"):
            if msg_id or event_id:
                raise RefusalError(11255, "is_wakeup beside msg_id or event_id")
            return self._wake()
        if msg_id and event_id:
            raise RefusalError(40034025, "event_id beside msg_id")
        if msg_id:
            return self._answer(str(msg_id), 1 if sequence is None else sequence)
        if event_id:
            return self._answer_event(str(event_id), sequence)
        return self._speak_unasked()

    def _answer(self, msg_id: str, sequence: int) -> Ground:
        """Check a reply by ``msg_id``: 50045, 40034024, 40034005, 40054005, 40034128."""
        window = self._platform.windows.find((self._bot.appid, msg_id))
        if window is None or window.chat != self._chat.openid:
            message = self._chat.find(msg_id)
            if message is not None and message.sender is self._bot:
                raise RefusalError(50045)
            # The book forgets windows that have passed; the chat remembers the message longer.
            if message is not None and self._now - message.timestamp > self._window_seconds():
                raise RefusalError(self._rules.reply_expired)
            raise RefusalError(40034024)
        replies.check(window, now=self._now, sequence=sequence, expired=self._rules.reply_expired)
        return Ground(window, sequence, msg_id)

    def _window_seconds(self) -> float:
        in_group = isinstance(self._chat, Group)
        return self._rules.group_window if in_group else self._rules.c2c_window

    def _answer_event(self, event_id: str, sequence: int | None) -> Ground:
        """Check a reply by ``event_id``: 40034025, 40034026, 40034027, 40054005, 40034128."""
        window = self._platform.windows.find((self._bot.appid, event_id))
        if window is None:
            name, separator, _ = event_id.partition(":")
            answerable = self._platform.answerable(self._chat)
            if separator and intents.is_known(name) and name not in answerable:
                raise RefusalError(40034027, name)
            raise RefusalError(40034025)
        if window.chat != self._chat.openid:
            raise RefusalError(40034025, "the event belongs to another chat")
        if not self._rules.event_dedupe:
            sequence = None
        replies.check(window, now=self._now, sequence=sequence, expired=40034026)
        return Ground(window, sequence, event_id)

    def _wake(self) -> Ground:
        """Check a wake-up message: one per period since the user last spoke (2.5)."""
        if self._contact is None:
            if self._rules.group_wakeup:
                return Ground()
            raise RefusalError(40034123, "wake-up messages are for C2C")
        if not self._contact.allow_push:
            raise RefusalError(self._rules.push_refused)
        if self._contact.spoke_at is None:
            raise RefusalError(40034123, "the user has never written")
        period = quotas.wakeup_period(self._now - self._contact.spoke_at)
        if period is None:
            raise RefusalError(40034123, "the user has not written for 30 days")
        if period in self._contact.woken:
            raise RefusalError(40034122)
        return Ground(period=period)

    def _speak_unasked(self) -> Ground:
        """Check a proactive message: the switch (40034105) and the quotas (40034100)."""
        bot, chat = self._bot, self._chat
        if isinstance(chat, Group):
            allowed = chat.bots[bot.appid].allow_push
            limits = quotas.group_quotas(bot.appid, chat.openid, certified=bot.certified)
        else:
            allowed = self._contact is not None and self._contact.allow_push
            limits = quotas.user_quotas(bot.appid, chat.openid, certified=bot.certified)
        if not allowed:
            raise RefusalError(self._rules.push_refused)
        if bot.sandbox or not self._rules.quotas:
            return Ground()
        self._platform.quotas.check(limits, self._now)
        return Ground(quotas=limits)

    def _check_media(self, kind: int) -> None:
        """Refuse a medium that is unknown, expired, another bot's or of the other scene: 304080."""
        if kind != content.MEDIA:
            return
        file_info = str(self._payload["media"].get("file_info"))
        file = self._platform.media.shelf.find_info(file_info)
        scene = "group" if isinstance(self._chat, Group) else "c2c"
        if file is None or file.scene != scene or file.appid not in (None, self._bot.appid):
            raise RefusalError(304080)
        if file.expires_at is not None and file.expires_at <= self._now:
            raise RefusalError(304080, "expired")
        self._file = file

    def _check_quote(self) -> None:
        if (
            self._payload.get("message_reference") is not None
            and self._rules.unknown_reference == "refuse"
        ):
            wanted = self._wanted_quote()
            if wanted is None or self._chat.find_reference(wanted) is None:
                raise RefusalError(304026, f"{wanted!r}")

    def _wanted_quote(self) -> str | None:
        reference = self._payload.get("message_reference")
        wanted = reference.get("message_id") if isinstance(reference, dict) else None
        return wanted if isinstance(wanted, str) else None

    def _spend(self, ground: Ground, kind: int) -> None:
        if ground.window is not None:
            counts = kind != content.TYPING or self._rules.typing_counts
            replies.spend(ground.window, sequence=ground.sequence, counts=counts)
        self._platform.quotas.spend(ground.quotas, self._now)
        if self._contact is not None and ground.period is not None:
            self._contact.woken.add(ground.period)

    def _make(self, kind: int, ground: Ground) -> ChatMessage:
        payload = self._payload
        markdown, quote = payload.get("markdown"), self._wanted_quote()
        return ChatMessage(
            id=identifiers.message_id(),
            chat=self._chat,
            sender=self._bot,
            content=self._text() or (markdown or {}).get("content") or "",
            timestamp=self._now,
            ref_idx=identifiers.reference_index(),
            msg_type=kind,
            markdown=markdown,
            keyboard=payload.get("keyboard"),
            media=payload.get("media"),
            mentions=self._mentions(markdown),
            reply_to=ground.reply_to,
            msg_seq=ground.sequence,
            quote_ref=quote if quote and self._chat.find_reference(quote) else None,
            proactive=ground.reply_to is None,
            wakeup=ground.period is not None,
            files=(self._file,) if self._file is not None else (),
            pictures=self._pictures.fetched,
            dropped=self._pictures.dropped,
            raw=payload,
        )

    def _mentions(self, markdown: Any) -> tuple[Member | Literal["all"], ...]:
        """Return the members that are mentioned, in markdown or where text can do it (5.9)."""
        if not isinstance(self._chat, Group):
            return ()
        text = self._text() if self._rules.text_mentions else ""
        if isinstance(markdown, dict):
            text += str(markdown.get("content") or "")
        openids = dict.fromkeys(openid for pair in _MENTION.findall(text) for openid in pair)
        members = self._chat.members
        return tuple(members[openid] for openid in openids if openid in members)

    def _text(self) -> str:
        """Return the text as the platform takes it: cut or decoded where the rules say so."""
        text = self._payload.get("content") or ""
        if self._rules.long_text == "truncate":
            text = text[: self._rules.max_text]
        return decode(text, self._rules)

    def _show(self, message: ChatMessage) -> None:
        if isinstance(self._chat, Group):
            self._chat.publish(message)
        else:
            if self._contact is not None:
                self._contact.typing_until = 0.0
            self._chat.add(message)
            self._platform.notice("message", message)
        ground = "proactive" if message.proactive else "replies"
        self._platform.stats.add(f"{ground}_accepted")

    def _show_typing(self, message: ChatMessage) -> None:
        assert self._contact is not None, "content.check lets typing through in C2C only"
        assert not isinstance(self._chat, Group)
        until = self._now + message.raw["input_notify"]["input_second"]
        self._contact.typing_until = until
        self._platform.notice("typing", Typing(self._bot, self._chat, until))
        self._platform.stats.add("typing_accepted")
