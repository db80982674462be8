"""The simulated platform: its state and its rules. No sockets, no Flask, no I/O.

Who there is, is in ``directory``; here is what they do to each other. One lock guards everything;
it is never held while an observer is called. Methods that must be called with the lock held say
so; all others are safe from any thread.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import events, identifiers, intents
from qqgroup_sync.simulator.directory import Directory
from qqgroup_sync.simulator.fetching import FetchError
from qqgroup_sync.simulator.groups import Group
from qqgroup_sync.simulator.images import ImageLibrary
from qqgroup_sync.simulator.links import Links
from qqgroup_sync.simulator.management import Management
from qqgroup_sync.simulator.media import Media
from qqgroup_sync.simulator.messaging import Messaging
from qqgroup_sync.simulator.quotas import QuotaBook
from qqgroup_sync.simulator.records import Bot, Event, Interaction
from qqgroup_sync.simulator.replies import ReplyBook
from qqgroup_sync.simulator.sessions import Session, SessionTable
from qqgroup_sync.simulator.streams import Streams

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.simulator.chats import Chat
    from qqgroup_sync.simulator.clock import SimulatedClock
    from qqgroup_sync.simulator.fetching import Fetched
    from qqgroup_sync.simulator.records import ChatMessage
    from qqgroup_sync.simulator.rules import Rules
    from qqgroup_sync.simulator.sessions import Link
    from qqgroup_sync.simulator.users import User

_INTERACTIONS = 10_000
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_GROUP_EVENTS = frozenset(
    {"INTERACTION_CREATE", "GROUP_ADD_ROBOT", "GROUP_MSG_RECEIVE", "GROUP_MEMBER_ADD"}
)
_C2C_EVENTS = frozenset({"INTERACTION_CREATE", "C2C_MSG_RECEIVE", "FRIEND_ADD"})
_DOCUMENTED = _GROUP_EVENTS - {"GROUP_MEMBER_ADD"}
"""Events whose outer id may be answered (2.4)."""


class Platform(Directory):
    """Bots, groups, people, messages, tokens and sessions, and the rules between them.

    Args:
        clock: All of its time.
        rules: The switches to start with.
        accept_any: Whether an unknown appid is registered when it first asks for a token.
        token_life: Seconds an access token lives.
        message_history: Messages remembered per chat.
        replay_seconds: See ``SessionTable``, like the rest.
        replay_limit: Events per session that can be replayed.
        session_total: Identifies per bot in 24 hours.
        max_concurrency: Identifies per bot in 5 s.

    Attributes:
        messaging: What bots ask for about messages.
        management: What bots ask for about groups.
        sessions: The gateway sessions.
        media: What bots upload, and every file that is kept.
        images: The image libraries of bots.
        audits: Messages that wait for a verdict, by ``audit_id``.
        streams: Streamed messages.
        links: The addresses that files are fetched from.
        callbacks: Who takes the events of a bot that gets them by webhook, by appid.
        fetch: How a URL is fetched; without a simulator around it, not at all.
        windows: What may still be answered.
        quotas: What was sent unasked lately.
        narrator: Tells a conversation with what went wrong in it; of the testing kit.
        wait_idle: Waits until no bot has anything left to do; of the testing kit.
        live_changed: Notified when a session comes to or leaves a connection.
    """

    def __init__(
        self,
        clock: SimulatedClock,
        *,
        rules: Rules | None = None,
        accept_any: bool = True,
        token_life: float = 7200.0,
        message_history: int = 10_000,
        replay_seconds: float = 300.0,
        replay_limit: int = 10_000,
        session_total: int = 1000,
        max_concurrency: int = 1,
    ) -> None:
        super().__init__(clock, rules, accept_any=accept_any, token_life=token_life)
        self.message_history = message_history
        self.windows = ReplyBook()
        self.quotas = QuotaBook()
        self.links = Links()
        self.fetch: Callable[..., Fetched] = _no_network
        self.callbacks: dict[str, Callable[[str, str, str, str], int]] = {}
        self.audits: dict[str, ChatMessage] = {}
        self.media = Media(self)
        self.images = ImageLibrary(self)
        self.streams = Streams(self)
        self.sessions = SessionTable(
            replay_seconds=replay_seconds,
            replay_limit=replay_limit,
            session_total=session_total,
            max_concurrency=max_concurrency,
            stats=self.stats,
        )
        self.messaging = Messaging(self)
        self.management = Management(self)
        self.narrator: Callable[[Chat], str] | None = None
        self.wait_idle: Callable[[float], object] | None = None
        self.live_changed = threading.Condition(self.lock)
        self._interactions: OrderedDict[str, Interaction] = OrderedDict()

    # -- events and observers

    def interaction(self, interaction_id: str) -> Interaction | None:
        """Return a click, or another interaction that was emitted, by its ``d.id``."""
        return self._interactions.get(interaction_id)

    def emit(self, appid: str | None, name: str, d: Any, *, outer_id: str | None = None) -> str:
        """Send any event to one bot, or to all.

        Args:
            appid: The bot; every one when None.
            name: The event's name; an unknown one passes every intents filter.
            d: Its ``d``.
            outer_id: Its outermost ``id``; ``NAME:<token>`` when None.

        Returns:
            The outer id.
        """
        outer = outer_id or f"{name}:{identifiers.token()}"
        with self.changing():
            for bot in self.bots_of(appid):
                self.dispatch(bot, name, d, outer)
        return outer

    # -- the gateway side

    def start_limit(self, bot: Bot) -> dict[str, int]:
        """Return the ``session_start_limit`` of a bot (3.1)."""
        with self.lock:
            return self.sessions.start_limit(bot.appid, self.clock.now())

    def identify(self, bot: Bot, d: dict[str, Any], link: Link) -> Session:
        """Start a session on ``link``; see ``SessionTable.identify``."""
        with self.changing():
            session = self.sessions.identify(bot, d, link, self.clock.now(), self.rules)
            self.live_changed.notify_all()
            return session

    def resume(self, bot: Bot, d: dict[str, Any], link: Link) -> Session:
        """Take a session up again on ``link``; see ``SessionTable.resume``."""
        with self.changing():
            now, rules = self.clock.now(), self.rules
            session = self.sessions.resume(bot, d, link, now, rules)
            self.live_changed.notify_all()
            return session

    def leave(self, session: Session, link: Link, code: int | None) -> None:
        """Note that a connection is gone; see ``SessionTable.leave``."""
        with self.changing():
            self.sessions.leave(session, link, code, self.clock.now())
            self.live_changed.notify_all()

    def forget(self, session: Session) -> None:
        """Make a session impossible to resume; see ``SessionTable.forget``."""
        with self.changing():
            self.sessions.forget(session)
            self.live_changed.notify_all()

    # -- what follows is called with the lock held

    def is_online(self, appid: str) -> bool:
        """Tell whether events reach a bot now: by a live session, or by webhook."""
        return appid in self.callbacks or self.sessions.is_live(appid)

    def answerable(self, chat: Group | User) -> frozenset[str]:
        """Return the events that may be answered in a chat by their outer id (2.4)."""
        return self._answerable(in_group=isinstance(chat, Group))

    def _answerable(self, *, in_group: bool) -> frozenset[str]:
        if not in_group:
            return _C2C_EVENTS
        return _GROUP_EVENTS if self.rules.member_add_answerable else _DOCUMENTED

    def open_window(self, bot: Bot, key: str, chat: str, seconds: float, *, c2c: bool) -> None:
        """Allow ``bot`` to answer ``key`` in ``chat`` for ``seconds``."""
        limit = self.rules.c2c_replies if c2c else self.rules.group_replies
        now = self.clock.now()
        self.windows.open((bot.appid, key), chat=chat, now=now, seconds=seconds, limit=limit)

    def keep_interaction(self, interaction: Interaction) -> None:
        """Remember a click so that it can be acknowledged."""
        self._interactions[interaction.id] = interaction
        if len(self._interactions) > _INTERACTIONS:
            self._interactions.popitem(last=False)
        self.notice("click", interaction)

    def _expect_acknowledgement(self, bot: Bot, outer: str, identifier: str, now: float) -> None:
        """Remember an interaction that was emitted by hand, such as a menu click (4.8)."""
        if identifier not in self._interactions:
            deadline = now + self.rules.interaction_window
            self.keep_interaction(
                Interaction(identifier, outer, bot.appid, None, None, "", now, deadline)
            )

    def dispatch(self, bot: Bot, name: str, d: Any, outer_id: str | None = None) -> str:
        """Send one event to one bot and return its outer id."""
        outer = outer_id or f"{name}:{identifiers.token()}"
        now, route = self.clock.now(), events.route_of(d)
        if name == "INTERACTION_CREATE" and isinstance(d, dict):
            self._expect_acknowledgement(bot, outer, str(d.get("id")), now)
        in_group = isinstance(d, dict) and "group_openid" in d
        if route and name in self._answerable(in_group=in_group):
            rules = self.rules
            seconds = rules.group_event_window if in_group else rules.c2c_event_window
            self.open_window(bot, outer, route, seconds, c2c=not in_group)
        data = _encode(d)
        if (callback := self.callbacks.get(bot.appid)) is not None:
            sent = callback(bot.appid, name, outer, data)
        else:
            sent = self.sessions.deliver(
                bot.appid,
                name,
                outer_id=outer,
                data=data,
                mask=intents.mask_of(name, self.rules.join_request_bit),
                route=route if self.rules.shard_routing == "hash" else "",
                now=now,
            )
        self.notice("event", Event(bot.appid, name, outer, d, sent))
        self.stats.add("events_sent" if sent else "events_dropped", sent or 1)
        return outer


def _no_network(url: str, **_limits: object) -> Fetched:
    raise FetchError(f"nothing fetches {url} here")
