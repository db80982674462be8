"""Client: what a user writes a bot with. Wires the rooms and holds no logic of theirs."""

from __future__ import annotations

import logging
import warnings
from typing import TYPE_CHECKING, Any

from qqgroup_sync import foreground, running
from qqgroup_sync.dispatch import checked
from qqgroup_sync.foreground import SLICE
from qqgroup_sync.runtime import cells
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.seeing import Seeing
from qqgroup_sync.settings import QQGroupChainBuilderOptions, settle
from qqgroup_sync.starts import STOP_TIMEOUT

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from qqgroup_sync.api.endpoints import Endpoints
    from qqgroup_sync.rates import SendLimits
    from qqgroup_sync.sending.sent import Sent
    from qqgroup_sync.settings import MediaMode, Ordering, Urls
    from qqgroup_sync.simulator import Simulator
    from qqgroup_sync.state.storage import BotStorage

logger = logging.getLogger(__name__)


class Client(Seeing):
    """A QQ group bot.

    Constructing does nothing: no thread, no connection, no file. Decorate functions, then call
    :meth:`run`. Sending works without starting, too.

    Args:
        appid: The bot's AppID; by default ``QQ_APPID`` of the environment.
        client_secret: Its AppSecret; by default ``QQ_CLIENT_SECRET``.
        default_chain_builder: Builds media; None takes the default one, which uploads directly.
        default_chain_builder_options: Where the resource service listens.
        media: How pictures, voices, videos and files reach QQ: ``"auto"`` uploads directly, and
            by way of the resource service when the platform refuses that; ``"serve"`` always
            goes by way of the resource service, as AmiyaBot does; ``"upload"`` never opens a
            port.
        public_url: Address under which QQ reaches the resource service, such as a tunnel's; by
            default this machine's public address, found out when first needed.
        shard_index: Of this client, from 0.
        shards: How many there are; ``"auto"`` runs as many as the platform recommends.
        token: Accepted for the seed's sake, unused: the platform has withdrawn it.
        api_base: Host of the REST interface; by default ``QQ_API_BASE``, else Tencent's new host
            with the old one as fall-back.
        token_url: Token endpoint; by default ``QQ_TOKEN_URL``.
        gateway_url: WebSocket address; by default ``QQ_GATEWAY_URL``, else what the platform says.
        intents: Bits of the events to ask for; by default group, private, member and button
            events, without members when the bot has no right to them.
        private_urls: Fetch attachments and pictures from private networks, too. Otherwise a link
            in a chat cannot make the bot read what only this machine can reach.
        state: Folder for what outlives the process (``client.storage``); by default that of this
            user, or ``QQ_STATE``. None keeps nothing on disk.
        urls: What to do with URLs in plain text, which groups refuse: ``"error"`` lets the
            platform decide, ``"dots"`` replaces their dots, ``"markdown"`` sends links.
        max_text: Characters per message; longer texts are split.
        proactive_fallback: Send a reply whose window has passed as a proactive message.
        send_limits: How fast the client sends: what would come too fast for the platform waits for
            its turn, up to 75 seconds, and then raises RateLimited. ``"default"`` keeps to the
            documented rates of a bot that is not certified, ``"certified"`` to those of one that
            is; None waits for nothing and lets the platform refuse. A dict changes single ones:
            ``{"group": "20/min 1000/day", "groups": None}``; see ``rates.USUAL`` for the names. A
            platform on this machine, such as the simulator, is not spared unless this is given.
        ordering: ``"sender"`` handles the messages of one person in one conversation in order,
            ``"group"`` those of a conversation, None in any order.
        ignore_bots: Drop messages that other bots wrote.
        acknowledge_clicks: Acknowledge clicks before their handler runs.
        workers: Worker threads that are kept.
        max_workers: Worker threads while handlers block and messages wait.
        queue_size: Messages that wait for handlers before reading pauses.
        timeout: Seconds for one request.
        ca_bundle: File with certificates to trust; verification cannot be turned off.
        language: ``"zh"`` or ``"en"``, of cause and remedy in errors; by default the locale's.
        clock: Where time comes from, for tests.

    Raises:
        ConfigError: Something is missing or wrong.
    """

    def __init__(
        self,
        appid: str | int | None = None,
        client_secret: str | None = None,
        *,
        default_chain_builder: Any = None,
        default_chain_builder_options: QQGroupChainBuilderOptions | None = None,
        shard_index: int = 0,
        shards: int | str = 1,
        token: str | None = None,
        api_base: str | None = None,
        token_url: str | None = None,
        gateway_url: str | None = None,
        intents: int | None = None,
        media: MediaMode = "auto",
        public_url: str | None = None,
        private_urls: bool = False,
        state: Any = "default",
        urls: Urls = "error",
        max_text: int = 4000,
        proactive_fallback: bool = False,
        send_limits: SendLimits = "default",
        ordering: Ordering = "sender",
        ignore_bots: bool = True,
        acknowledge_clicks: bool = True,
        workers: int = 16,
        max_workers: int = 64,
        queue_size: int = 10_000,
        timeout: float = 30.0,
        ca_bundle: str | None = None,
        language: str | None = None,
        clock: Clock | None = None,
    ) -> None:
        if token is not None:
            warnings.warn(
                "token= is not used any more: QQ has withdrawn it, client_secret is enough",
                DeprecationWarning,
                stacklevel=2,
            )
        settings = settle(
            appid,
            client_secret,
            api_base=api_base,
            token_url=token_url,
            gateway_url=gateway_url,
            language=language,
            ca_bundle=ca_bundle,
            default_chain_builder=default_chain_builder,
            default_chain_builder_options=(
                default_chain_builder_options or QQGroupChainBuilderOptions()
            ),
            shard_index=shard_index,
            shards=shards,
            intents=intents,
            media=media,
            public_url=public_url,
            private_urls=private_urls,
            state=state,
            urls=urls,
            max_text=max_text,
            proactive_fallback=proactive_fallback,
            send_limits=send_limits,
            ordering=ordering,
            ignore_bots=ignore_bots,
            acknowledge_clicks=acknowledge_clicks,
            workers=workers,
            max_workers=max_workers,
            queue_size=queue_size,
            timeout=timeout,
        )
        super().__init__(settings, clock or Clock())

    def __repr__(self) -> str:
        return f"<Client {self.settings.appid} {self.status}>"

    @classmethod
    def simulated(cls, *, simulator: Simulator | None = None, **options: Any) -> Self:
        """Return a client with a simulated platform of its own, for trying things in one cell.

        The simulator starts and stops with the client, and :meth:`start` waits until the bot is
        on line. People speak by ``client.simulator.platform.group("g").member("Ming").say("hi")``,
        and ``client.simulator.platform.group("g").next_reply()`` waits for the answer.

        Args:
            simulator: Another client's, to have several bots on one platform.
            **options: Those of :class:`Client`; appid and client_secret may be left out.

        Raises:
            ConfigError: The extra ``simulator`` is not installed.
        """
        from qqgroup_sync.notebook.simulated import (  # noqa: PLC0415 - a bot never loads it
            PrivatePlatform,
            defaults,
        )

        platform = PrivatePlatform(simulator)
        client = cls(**defaults(options))
        client._platform, client._start_waits = platform, True
        return client

    # ------------------------------------------------------------------ life

    def run(self, *, stop_timeout: float = STOP_TIMEOUT) -> None:
        """Start, wait, and stop at Ctrl-C or SIGTERM; blocks.

        The first Ctrl-C stops gracefully, the second leaves at once. Logs go to the terminal
        unless the program has set logging up itself.

        Args:
            stop_timeout: Seconds that running handlers get to finish.

        Raises:
            QQGroupError: The bot cannot go on; says why and what to do.
        """
        if running.harness is not None and running.harness.runs(self):
            return
        foreground.run(self.start, self._ended.wait, lambda: self.stop(stop_timeout))
        self._raise_failure()

    def start(self) -> None:
        """Start the bot in the background; returns at once, see :meth:`wait_ready`.

        In a notebook, where cells are run again, starting twice changes nothing, and an earlier
        client of the same bot is stopped.

        Raises:
            StateError: It runs already, or another client of the same bot and shard does.
            MediaError: With ``media="serve"``: the resource service cannot listen.
        """
        self.settle_family()
        if cells.in_notebook():
            self.inbox  # noqa: B018 - it fills from now on
            if self._life is not None and self._stopping is None:
                logger.warning("the bot runs already: start() has changed nothing")
                return
        self._prepare()
        self._begin()
        if self._start_waits:
            self.wait_ready()

    def _prepare(self) -> None:
        """Make sure that no other client of this bot runs here; start a platform of its own."""
        if running.harness is not None:
            running.harness.adopt(self)
        platform = self._platform
        running.claim(self, self.settings.api_bases[0] if platform is None else platform.name)
        if platform is not None:
            try:
                self.settings = platform.open(self.settings)
            except BaseException:
                running.release(self)
                raise

    def wait_ready(self, timeout: float | None = 30.0) -> bool:
        """Wait until the bot is on line; return whether it is.

        Args:
            timeout: Seconds; None waits for ever.

        Raises:
            StateError: It was not started.
            QQGroupError: It cannot come on line; says why.
        """
        self.settle_family()
        life = self._life
        if life is None:
            self._raise_failure()
            raise self._not_started()
        ready = life.board.wait_live(timeout)
        if not ready:
            self._raise_failure()
        return ready

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the bot has ended; return whether it has.

        Args:
            timeout: Seconds; None waits for ever.

        Raises:
            QQGroupError: It ended because it could not go on; says why.
        """
        self.settle_family()
        deadline = Deadline(self._clock, timeout)
        while not self._ended.is_set() and not deadline.passed:
            left = deadline.left()
            self._ended.wait(SLICE if left is None else min(SLICE, left))
        if self._ended.is_set():
            self._raise_failure()
        return self._ended.is_set()

    def stop(self, timeout: float = STOP_TIMEOUT) -> bool:
        """Stop the bot; idempotent, from any thread.

        From a handler this only asks for the stop and returns False at once. What was received
        but not handled comes again with the next :meth:`start`.

        Args:
            timeout: Seconds for everything together.

        Returns:
            Whether every thread ended; those that did not are logged by name.
        """
        return self._end(timeout)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    # ------------------------------------------------------------------ keeping and waiting

    @property
    def storage(self) -> BotStorage:
        """A dict of JSON values that outlives the program: of the bot, its groups and users.

        ``client.storage["key"]``, ``client.storage.group(openid)``, ``.user(openid)``; what is
        kept for the author of a message in its conversation is ``message.session``.
        """
        return self._lasting.storage

    def wait_for(
        self,
        event: Any = None,
        *,
        check: Callable[[Any], Any] | None = None,
        timeout: float | None = None,
    ) -> Any:
        """Wait for an event and return it, without taking it from its handlers.

        Blocks; from any thread, such as the main one or a notebook cell.

        Args:
            event: A class such as ``GroupMessage``, a name of the platform's such as
                ``"GROUP_ADD_ROBOT"``, or None for any.
            check: Returns whether it is the one.
            timeout: Seconds; None waits as long as the client runs.

        Returns:
            The event; None when none came in time.

        Raises:
            ConfigError: ``check`` cannot be called, or ``timeout`` is no number of seconds.
            StateError: The client does not run.
            WaitCancelled: It stops.
        """
        checked.function("check", check, self.settings.language)
        timeout = checked.seconds("timeout", timeout, self.settings.language)
        self.settle_family()
        life = self._life
        if life is None:
            raise self._not_started()

        def wanted(found: Any) -> bool:
            fits = (
                event is None
                or (isinstance(event, type) and isinstance(found, event))
                or found.name == event
            )
            return fits and (check is None or bool(check(found)))

        with life.waiters.watching(wanted) as waiter:
            return life.waiters.wait(waiter, timeout)

    # ------------------------------------------------------------------ sending

    def send_group(self, group_openid: str, content: Any, *, timeout: float | None = None) -> Sent:
        """Send a message to a group without being asked; blocks, from any thread.

        Works without :meth:`start`, for example in a cron script. The group's owner must have
        allowed proactive messages; 20 a minute and 1000 a day per group, 30 a minute per bot
        (60 when certified). Source: send-message page, 2026-08.

        Args:
            group_openid: From an event of that group.
            content: A str, a Chain, an element, or a list of these.
            timeout: Seconds for one request.

        Raises:
            ProactiveNotAllowed: The group has switched proactive messages off.
            NotConnected: The gateway did not come back in time.
            ApiError: The platform refuses.
        """
        return self._way_out.sender.send_group(group_openid, content, timeout=timeout)

    def send_user(self, user_openid: str, content: Any, *, timeout: float | None = None) -> Sent:
        """Send a private message without being asked; see :meth:`send_group`.

        Args:
            user_openid: From an event of that user.
            content: A str, a Chain, an element, or a list of these.
            timeout: Seconds for one request.
        """
        return self._way_out.sender.send_user(user_openid, content, timeout=timeout)

    @property
    def api(self) -> Endpoints:
        """The platform's REST methods, one by one."""
        return self._way_out.endpoints
