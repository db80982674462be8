"""Who there is: bots, groups and people, whose token is whose, and who is told of changes.

One lock guards everything; it is never held while an observer is called. Methods that must be
called with the lock held say so; all others are safe from any thread.
"""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from qqgroup_sync.simulator import identifiers
from qqgroup_sync.simulator.groups import Group
from qqgroup_sync.simulator.observers import Changing, Observers
from qqgroup_sync.simulator.rates import RateBook
from qqgroup_sync.simulator.records import Bot
from qqgroup_sync.simulator.refusals import RefusalError, TokenRefusalError
from qqgroup_sync.simulator.rules import Rules
from qqgroup_sync.simulator.stats import Stats
from qqgroup_sync.simulator.tokens import TokenBook
from qqgroup_sync.simulator.users import User

if TYPE_CHECKING:
    from collections.abc import Callable, Collection
    from contextlib import AbstractContextManager

    from qqgroup_sync.simulator.clock import SimulatedClock
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import ChatMessage


class Directory:
    """The part of ``Platform`` that knows who there is.

    Args:
        clock: All of its time.
        rules: The switches to start with.
        accept_any: Whether an unknown appid is registered when it first asks for a token.
        token_life: Seconds an access token lives.

    Attributes:
        lock: Guards everything here.
        clock: All of its time.
        rules: The switches in force; change them with ``change_rules``.
        stats: Counters of what happened.
    """

    def __init__(
        self, clock: SimulatedClock, rules: Rules | None, *, accept_any: bool, token_life: float
    ) -> None:
        self.lock = threading.Lock()
        self.clock = clock
        self.rules = rules or Rules()
        self.accept_any = accept_any
        self.stats = Stats()
        self._tokens = TokenBook(token_life)
        self._rates = RateBook()
        self._bots: dict[str, Bot] = {}
        self._groups: dict[str, Group] = {}
        self._groups_by_openid: dict[str, Group] = {}
        self._people: dict[str, User] = {}
        self._people_by_openid: dict[str, User] = {}
        self._observers = Observers()
        self._changing = Changing(self.lock, self._observers)

    # -- people, groups, bots

    def group(self, name: str) -> Group:
        """Return the group of that name (or openid), made on demand with all bots as members."""
        with self.changing():
            group = self._groups.get(name) or self._groups_by_openid.get(name)
            if group is None:
                group = Group(cast("Platform", self), name)
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
            **flags: ``certified``, ``sandbox``, ``privileged``, ``ark``, ``banned``,
                ``delisted``, see ``Bot``.
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

    # -- changes, and who is told

    def change_rules(self, **changes: Any) -> Rules:
        """Replace some switches and return the rules that hold from now on."""
        with self.lock:
            self.rules = replace(self.rules, **changes)
            return self.rules

    def subscribe(
        self, callback: Callable[[str, Any], object], kinds: Collection[str] | None = None
    ) -> Callable[[], None]:
        """Call ``callback(kind, record)`` for what happens from now on: everything, or some kinds.

        Kinds and records: ``message`` and ``recall`` (ChatMessage), ``click`` and ``ack``
        (Interaction), ``typing`` (Typing), ``event`` (Event), ``api`` (ApiCall), ``frame``
        (Frame), ``connection`` (Connection), ``load`` (dict), ``webhook`` (WebhookPost). It is
        called in order, never with the platform's lock held, from one of the threads that
        caused something; it should be quick. Whoever wants to know of ``message`` alone does not
        slow the platform down; requests and frames have their price.

        Returns:
            A function that ends the subscription.
        """
        return self._observers.subscribe(callback, kinds)

    @property
    def observed(self) -> bool:
        """Whether anybody watches requests, frames or connections: else no records are made."""
        return self._observers.wants("api", "frame", "connection")

    def report(self, kind: str, record: Any) -> None:
        """Tell the observers something that a face has seen; no lock may be held."""
        self._observers.add(kind, record)
        self._observers.tell()

    def changing(self) -> AbstractContextManager[None]:
        """Hold the lock; afterwards, without it, tell the observers what happened."""
        return self._changing

    # -- tokens

    def token_for(self, appid: str, secret: str) -> tuple[str, int]:
        """Return an access token and the whole seconds it still lives (1.1).

        Raises:
            TokenRefusalError: 100007, 100016 or 100017.
        """
        with self.changing():
            now = self.clock.now()
            if self.rules.token_burst is not None:
                rules = self.rules
                self._tokens.limit_burst(appid, self.rules.token_burst, now, rules.token_burst_code)
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
        # Asked by every request: two look-ups, each of them whole, need no lock.
        appid = self._tokens.owner(token, self.clock.now())
        return self._bots.get(appid) if appid is not None else None

    def owner_of_fixed(self, text: str) -> Bot | None:
        """Return the bot of ``appid.token``, with any token, where that is still taken."""
        appid, _, token = text.partition(".")
        with self.changing():
            if not (self.rules.fixed_tokens and appid and token):
                return None
            bot = self._bots.get(appid)
            if bot is None and self.accept_any:
                bot = self._register(appid, None, "", {})
            return bot

    def expire_tokens(self, appid: str | None = None) -> int:
        """Let every token (of one bot) die at once; return how many did."""
        with self.lock:
            return self._tokens.expire(appid)

    def limit_rate(self, bot: Bot, method: str, path: str) -> None:
        """Refuse a call beyond its endpoint's rate with 429 (2.3)."""
        with self.lock:
            self._rates.take(bot.appid, method, path, self.clock.now())

    # -- what follows is called with the lock held

    def notice(self, kind: str, record: Any) -> None:
        """Queue something for the observers; they are told when the lock is free."""
        self._observers.add(kind, record)

    def person(self, name: str) -> User:
        """Return the person of that name (or openid), made on demand and nobody's friend."""
        user = self._people.get(name) or self._people_by_openid.get(name)
        if user is None:
            user = User(cast("Platform", self), name)
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

    def find_message(self, message_id: str) -> ChatMessage | None:
        """Return a remembered message of any chat."""
        chats: list[Group | User] = [*self._groups.values(), *self._people.values()]
        return next((found for chat in chats if (found := chat.find(message_id))), None)
