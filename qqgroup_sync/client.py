"""Client: what a user writes a bot with. Wires the rooms and holds no logic of theirs."""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from typing import TYPE_CHECKING, Any

from qqgroup_sync import console, running
from qqgroup_sync.dispatch.router import Router
from qqgroup_sync.errors import QQGroupError, StateError, Text
from qqgroup_sync.lasting import Lasting
from qqgroup_sync.runtime import cells
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.service import Service
from qqgroup_sync.settings import QQGroupChainBuilderOptions, settle
from qqgroup_sync.status import Status

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType

    from typing_extensions import Self

    from qqgroup_sync.api.endpoints import Endpoints
    from qqgroup_sync.dispatch.timed_tasks import Task
    from qqgroup_sync.life import Life, Remembered
    from qqgroup_sync.notebook.inbox import Inbox
    from qqgroup_sync.notebook.live_log import LiveLog
    from qqgroup_sync.notebook.simulated import PrivatePlatform
    from qqgroup_sync.sending.outgoing import Outgoing
    from qqgroup_sync.sending.sent import Sent
    from qqgroup_sync.settings import MediaMode, Ordering, Urls
    from qqgroup_sync.simulator import Simulator
    from qqgroup_sync.state.storage import BotStorage

logger = logging.getLogger(__name__)

STOP_TIMEOUT = 10.0
SLICE = 0.1  # the main thread waits in slices: a signal handler may only set a plain flag


class Client(Router):
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
        super().__init__()
        if token is not None:
            warnings.warn(
                "token= is not used any more: QQ has withdrawn it, client_secret is enough",
                DeprecationWarning,
                stacklevel=2,
            )
        self.settings = settle(
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
            ordering=ordering,
            ignore_bots=ignore_bots,
            acknowledge_clicks=acknowledge_clicks,
            workers=workers,
            max_workers=max_workers,
            queue_size=queue_size,
            timeout=timeout,
        )
        self._clock = clock or Clock()
        self._lasting = Lasting(self.settings, self._clock)
        self._lock = threading.Lock()
        self._life: Life | None = None
        self._resting: Outgoing | None = None  # the way out while not started
        self._remembered: Remembered | None = None
        self._failure: BaseException | None = None
        self._stopping: Service | None = None
        self._all_ended = True
        self._ended = threading.Event()
        self._ended.set()
        self._interrupted = False
        self._inbox: Inbox | None = None
        self._platform: PrivatePlatform | None = None  # of Client.simulated()

    def __repr__(self) -> str:
        return f"<Client {self.settings.appid} {self.status}>"

    def _repr_html_(self) -> str:
        from qqgroup_sync.notebook.displays import client_html  # noqa: PLC0415 - only there

        return client_html(self.settings, self.status, self)

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
        client._platform = platform
        return client

    @property
    def simulator(self) -> Simulator:
        """The platform of a client that :meth:`simulated` made.

        Raises:
            StateError: It is another client.
        """
        if self._platform is None:
            raise StateError(
                "this client has no simulator",
                remedy=Text("Make it by Client.simulated().", "请用 Client.simulated() 创建。"),
                language=self.settings.language,
            )
        self.settle_family()
        return self._platform.simulator

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
        console.show_logs()
        self._interrupted = False
        with console.signals_to(self._interrupt):
            try:
                self.start()
                while not self._interrupted and not self._ended.wait(SLICE):
                    pass
                if self._interrupted:
                    logger.info("stopping; press Ctrl-C again to leave at once")
                self.stop(stop_timeout)
            except KeyboardInterrupt:
                logger.warning("left at once")
                if cells.in_notebook():
                    raise
                sys.exit(130)
        self._raise_failure()

    def _interrupt(self) -> None:
        self._interrupted = True

    def start(self) -> None:
        """Start the bot in the background; returns at once, see :meth:`wait_ready`.

        In a notebook, where cells are run again, starting twice changes nothing, and an earlier
        client of the same bot is stopped.

        Raises:
            StateError: It runs already, or another client of the same bot and shard does.
            MediaError: With ``media="serve"``: the resource service cannot listen.
        """
        # The rooms with network and threads are loaded here, so that importing stays quick.
        from qqgroup_sync.life import Life, Remembered  # noqa: PLC0415

        self.settle_family()
        if cells.in_notebook():
            self.inbox  # noqa: B018 - it fills from now on
            if self._life is not None and self._stopping is None:
                logger.warning("the bot runs already: start() has changed nothing")
                return
        self._prepare()
        with self._lock:
            if self._life is not None:
                raise StateError(
                    "the client was started already",
                    remedy=Text("Call stop() first.", "请先调用 stop()。"),
                    language=self.settings.language,
                )
            life = self._life = Life(
                self.settings,
                self,
                self,
                self._clock,
                remembered=self._remembered or Remembered(),
                lasting=self._lasting,
                on_failure=lambda error: self._fail(life, error),
            )
            resting, self._resting = self._resting, None
            self._failure = None
            self._ended.clear()
        if resting is not None:
            resting.close(Deadline(self._clock, 1.0))
        try:
            life.start()
        except QQGroupError:
            self.stop()
            raise
        if self._platform is not None:
            self.wait_ready()

    def _prepare(self) -> None:
        """Make sure that no other client of this bot runs here; start a platform of its own."""
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

    def _not_started(self) -> StateError:
        return StateError(
            "the client was not started",
            remedy=Text("Call start() first.", "请先调用 start()。"),
            language=self.settings.language,
        )

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
        self.request_stop(timeout)
        with self._lock:
            life = self._life
            stopping, resting = self._stopping, self._resting
            if life is None:
                self._resting = None
        if life is None:
            deadline = Deadline(self._clock, timeout)
            if resting is not None:
                resting.close(deadline)
            self._lasting.close(deadline)
            if self._platform is not None:
                self._platform.close()
            return self._all_ended
        if stopping is None or threading.current_thread().name.startswith("qqgroup-"):
            return False
        while not stopping.join(SLICE):
            pass  # bounded by its own deadline
        return self._all_ended

    def request_stop(self, timeout: float = STOP_TIMEOUT) -> None:
        """Begin to stop the bot; returns at once, from any thread."""
        with self._lock:
            life = self._life
            if life is not None and self._stopping is None:
                self._stopping = Service("qqgroup-stop", lambda: self._stop(life, timeout))
                self._stopping.start()

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._life is not None

    def _stop(self, life: Life, timeout: float) -> None:
        stuck = ["the stop itself"]
        try:
            stuck = life.stop(timeout)
            if self._platform is not None and not self._platform.close():
                stuck.append("the simulator")
        finally:
            with self._lock:
                running.release(self)
                self._remembered = life.remembered()
                self._life = self._stopping = None
                self._all_ended = not stuck
                self._ended.set()  # here, so that it cannot end the life that a start() begins now
            if stuck:
                logger.warning("still running after %g s: %s", timeout, ", ".join(stuck))
            else:
                logger.info("stopped")

    def _fail(self, life: Life, error: BaseException) -> None:
        """End the life that cannot go on; the reason is raised where somebody waits."""
        if self._life is not life:
            return
        self._failure = error
        logger.error("the bot cannot go on: %s", error)
        self.stop(STOP_TIMEOUT)

    def _raise_failure(self) -> None:
        failure = self._failure
        if failure is not None:
            raise failure

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

    @property
    def status(self) -> Status:
        """What the bot is doing now."""
        life = self._life
        if life is not None:
            return life.status()
        why = str(self._failure).partition("\n")[0] if self._failure else "not started"
        return Status(why=why)

    # ------------------------------------------------------------------ seeing

    def log(self, level: int | str = "INFO", *, lines: int = 200) -> LiveLog | None:
        """Show the bot's log: in a notebook under this cell, for as long as the kernel runs.

        Running the cell again begins anew. Outside of notebooks the log goes to the terminal.

        Args:
            level: The least important level that is shown.
            lines: How many records are kept.

        Returns:
            The view, whose ``close()`` ends it; None outside of notebooks.
        """
        if not cells.in_kernel():
            console.show_logs()
            return None
        from qqgroup_sync.notebook.live_log import show  # noqa: PLC0415 - only there

        return show(level, lines)

    @property
    def inbox(self) -> Inbox:
        """The last 200 messages as a table, the newest last.

        It fills from when it is first asked for, in a notebook from the start.
        """
        if self._inbox is None:
            from qqgroup_sync.notebook.inbox import Inbox  # noqa: PLC0415 - only when used

            self._inbox = inbox = Inbox()
            with cells.nowhere():  # it stays when the cell is run again
                self.message_created(inbox.take)
        return self._inbox

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
            StateError: The client does not run.
            WaitCancelled: It stops.
        """
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

    def _task_added(self, task: Task) -> None:
        life = self._life
        if life is not None:
            life.add_task(task)

    def _task_removed(self, task: Task) -> None:
        life = self._life
        if life is not None:
            life.remove_task(task)

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

    @property
    def _way_out(self) -> Outgoing:
        from qqgroup_sync.sending.outgoing import Outgoing  # noqa: PLC0415 - see start

        if self._platform is not None:
            self.settings = self._platform.open(self.settings)
        with self._lock:
            if self._life is not None:
                return self._life.outgoing
            if self._resting is None:
                self._resting = Outgoing(
                    self.settings,
                    self._clock,
                    memory=self._lasting.media,
                    session=self._lasting.session,
                    note_button=self._lasting.buttons.remember,
                )
            return self._resting
