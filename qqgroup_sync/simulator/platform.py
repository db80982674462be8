"""The simulated platform: its state and its rules. No sockets, no Flask, no I/O.

One lock guards everything; it is never held while an observer is called. Methods that must be
called with the lock held say so; all others are safe from any thread.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import events, identifiers
from qqgroup_sync.simulator.fetching import FetchError
from qqgroup_sync.simulator.groups import Group
from qqgroup_sync.simulator.links import Links
from qqgroup_sync.simulator.management import Management
from qqgroup_sync.simulator.media import Media
from qqgroup_sync.simulator.messaging import Messaging
from qqgroup_sync.simulator.observers import Observers
from qqgroup_sync.simulator.quotas import QuotaBook
from qqgroup_sync.simulator.records import Bot, Event, Interaction
from qqgroup_sync.simulator.refusals import RefusalError, TokenRefusalError
from qqgroup_sync.simulator.replies import ReplyBook
from qqgroup_sync.simulator.rules import Rules
from qqgroup_sync.simulator.sessions import Session, SessionTable
from qqgroup_sync.simulator.stats import Stats
from qqgroup_sync.simulator.streams import Streams
from qqgroup_sync.simulator.tokens import TokenBook
from qqgroup_sync.simulator.users import User

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from qqgroup_sync.simulator.clock import SimulatedClock
    from qqgroup_sync.simulator.fetching import Fetched
    from qqgroup_sync.simulator.records import ChatMessage
    from qqgroup_sync.simulator.sessions import Link

_INTERACTIONS = 10_000
_GROUP_EVENTS = frozenset(
    {"INTERACTION_CREATE", "GROUP_ADD_ROBOT", "GROUP_MSG_RECEIVE", "GROUP_MEMBER_ADD"}
)
_C2C_EVENTS = frozenset({"INTERACTION_CREATE", "C2C_MSG_RECEIVE", "FRIEND_ADD"})
"""Events whose outer id may be answered (2.4)."""


class Platform:
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
        lock: Guards everything here.
        clock: All of its time.
        rules: The switches in force; change them with ``change_rules``.
        stats: Counters of what happened.
        messaging: What bots ask for about messages.
        management: What bots ask for about groups.
        sessions: The gateway sessions.
        media: What bots upload, and every file that is kept.
        streams: Streamed messages.
        links: The addresses that files are fetched from.
        fetch: How a URL is fetched; without a simulator around it, not at all.
        windows: What may still be answered.
        quotas: What was sent unasked lately.
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
        self.lock = threading.Lock()
        self.clock = clock
        self.rules = rules or Rules()
        self.accept_any = accept_any
        self.message_history = message_history
        self.stats = Stats()
        self.windows = ReplyBook()
        self.quotas = QuotaBook()
        self.links = Links()
        self.fetch: Callable[..., Fetched] = _no_network
        self.media = Media(self)
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
        self.live_changed = threading.Condition(self.lock)
        self._tokens = TokenBook(token_life)
        self._bots: dict[str, Bot] = {}
        self._groups: dict[str, Group] = {}
        self._groups_by_openid: dict[str, Group] = {}
        self._people: dict[str, User] = {}
        self._people_by_openid: dict[str, User] = {}
        self._interactions: OrderedDict[str, Interaction] = OrderedDict()
        self._observers = Observers()

    # -- people, groups, bots

    def group(self, name: str) -> Group:
        """Return the group of that name (or openid), made on demand with all bots as members."""
        with self.changing():
            group = self._groups.get(name) or self._groups_by_openid.get(name)
            if group is None:
                group = Group(self, name)
                self._groups[name] = self._groups_by_openid[group.openid] = group
                for bot in self._bots.values():
                    group.admit(bot)
            return group

    def user(self, name: str) -> User:
        """Return the person of that name, made on demand, and a friend of every bot.

        A person who was dropped by ``remove_friend`` stays dropped.
        """
        with self.changing():
            user = self.person(name)
            user.befriend()
            return user

    @property
    def groups(self) -> list[Group]:
        """Every group, oldest first."""
        with self.lock:
            return list(self._groups.values())

    @property
    def users(self) -> list[User]:
        """Every person, group members included, oldest first."""
        with self.lock:
            return list(self._people.values())

    @property
    def bots(self) -> list[Bot]:
        """Every bot, oldest first."""
        with self.lock:
            return list(self._bots.values())

    def register_bot(
        self, appid: str, secret: str | None = None, *, username: str = "", **flags: bool
    ) -> Bot:
        """Make a bot known, or change it; its credentials are checked from now on.

        It silently becomes a member of every group and a friend of every known user.

        Args:
            appid: The AppID.
            secret: The client secret; None accepts any.
            username: The nickname; "bot-" and the AppID when empty.
            **flags: ``certified``, ``sandbox``, ``privileged``, ``ark``, ``banned``, see ``Bot``.
        """
        with self.changing():
            return self._register(appid, secret, username, flags)

    def _register(
        self, appid: str, secret: str | None, username: str, flags: dict[str, bool]
    ) -> Bot:
        known = self._bots.get(appid)
        if known is not None:
            known.secret = secret
            known.username = username or known.username
            for name, value in flags.items():
                setattr(known, name, value)
            return known
        bot = Bot(
            appid=appid,
            secret=secret,
            username=username or f"bot-{appid}",
            openid=identifiers.openid("bot", appid),
            number=str(int(identifiers.openid("number", appid)[:12], 16)),
            **flags,
        )
        self._bots[appid] = bot
        for group in self._groups.values():
            group.admit(bot)
        return bot

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

    def subscribe(self, callback: Callable[[str, Any], object]) -> Callable[[], None]:
        """Call ``callback(kind, record)`` for everything that happens from now on.

        Kinds and records: ``message`` and ``recall`` (ChatMessage), ``click`` and ``ack``
        (Interaction), ``typing`` (Typing), ``event`` (Event), ``api`` (ApiCall), ``frame``
        (Frame). It is called in order, never with the platform's lock held, from one of the
        threads that caused something; it should be quick.

        Returns:
            A function that ends the subscription.
        """
        return self._observers.subscribe(callback)

    @property
    def observed(self) -> bool:
        """Whether anybody is subscribed: records need not be made otherwise."""
        return bool(self._observers)

    def report(self, kind: str, record: Any) -> None:
        """Tell the observers something that a face has seen; no lock may be held."""
        self._observers.add(kind, record)
        self._observers.tell()

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold the lock; afterwards, without it, tell the observers what happened."""
        try:
            with self.lock:
                yield
        finally:
            self._observers.tell()

    # -- the REST side

    def token_for(self, appid: str, secret: str) -> tuple[str, int]:
        """Return an access token and the whole seconds it still lives (1.1).

        Raises:
            TokenRefusalError: 100007, 100016 or 100017.
        """
        with self.changing():
            now = self.clock.now()
            if self.rules.token_burst is not None:
                self._tokens.limit_burst(appid, self.rules.token_burst, now)
            bot = self._bots.get(appid)
            if bot is None and self.accept_any and appid and secret:
                bot = self._register(appid, None, "", {})
            if bot is None or bot.banned:
                raise TokenRefusalError(100007, "appid invalid")
            if bot.secret is not None and bot.secret != secret:
                raise TokenRefusalError(100016, "invalid appid or secret")
            token, new = self._tokens.issue(appid, now)
            self.stats.add("tokens_issued", new)
            return token.text, int(token.expires_at - now)

    def owner_of(self, token: str) -> Bot | None:
        """Return the bot whose living token this is, or None."""
        with self.lock:
            appid = self._tokens.owner(token, self.clock.now())
            return self._bots.get(appid) if appid is not None else None

    def expire_tokens(self, appid: str | None = None) -> int:
        """Let every token (of one bot) die at once; return how many did."""
        with self.lock:
            return self._tokens.expire(appid)

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

    def change_rules(self, **changes: Any) -> Rules:
        """Replace some switches and return the rules that hold from now on."""
        with self.lock:
            self.rules = replace(self.rules, **changes)
            return self.rules

    # -- what follows is called with the lock held

    def person(self, name: str) -> User:
        """Return the person of that name (or openid), made on demand and nobody's friend."""
        user = self._people.get(name) or self._people_by_openid.get(name)
        if user is None:
            user = User(self, name)
            self._people[name] = self._people_by_openid[user.openid] = user
        return user

    def find_person(self, openid: str) -> User | None:
        """Return the person of an openid, or None."""
        return self._people_by_openid.get(openid)

    def bots_of(self, appid: str | None) -> Collection[Bot]:
        """Return one bot by its appid, or all for None."""
        if appid is None:
            return list(self._bots.values())
        if appid not in self._bots:
            raise LookupError(f"no bot {appid!r} is registered")
        return [self._bots[appid]]

    def group_of(self, openid: str) -> Group:
        """Return the group of an openid, or refuse with 11255."""
        group = self._groups_by_openid.get(openid)
        if group is None:
            raise RefusalError(11255, "unknown group_openid")
        return group

    def user_of(self, openid: str) -> User:
        """Return the person of an openid, or refuse with 11255."""
        user = self._people_by_openid.get(openid)
        if user is None:
            raise RefusalError(11255, "unknown user_openid")
        return user

    def notice(self, kind: str, record: Any) -> None:
        """Queue something for the observers; they are told when the lock is free."""
        self._observers.add(kind, record)

    def answerable(self, chat: Group | User) -> frozenset[str]:
        """Return the events that may be answered in a chat by their outer id (2.4)."""
        return _GROUP_EVENTS if isinstance(chat, Group) else _C2C_EVENTS

    def open_window(self, bot: Bot, key: str, chat: str, seconds: float, *, c2c: bool) -> None:
        """Allow ``bot`` to answer ``key`` in ``chat`` for ``seconds``."""
        limit = self.rules.c2c_replies if c2c else self.rules.group_replies
        now = self.clock.now()
        self.windows.open((bot.appid, key), chat=chat, now=now, seconds=seconds, limit=limit)

    def find_message(self, message_id: str) -> ChatMessage | None:
        """Return a remembered message of any chat."""
        chats: list[Group | User] = [*self._groups.values(), *self._people.values()]
        return next((found for chat in chats if (found := chat.find(message_id))), None)

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
        if route and name in (_GROUP_EVENTS if in_group else _C2C_EVENTS):
            rules = self.rules
            seconds = rules.group_event_window if in_group else rules.c2c_event_window
            self.open_window(bot, outer, route, seconds, c2c=not in_group)
        data = json.dumps(d, ensure_ascii=False, separators=(",", ":"))
        self.notice("event", Event(bot.appid, name, outer, d))
        sent = self.sessions.deliver(
            bot.appid, name, outer_id=outer, data=data, route=route, now=now
        )
        self.stats.add("events_sent" if sent else "events_dropped", sent or 1)
        return outer


def _no_network(url: str, **_limits: object) -> Fetched:
    raise FetchError(f"nothing fetches {url} here")
