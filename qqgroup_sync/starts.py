"""The starts of a client: at most one at a time, each with a life of its own.

What is sent in between goes out all the same. It does not know what users write their bots with.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from qqgroup_sync import running
from qqgroup_sync.dispatch.router import Router
from qqgroup_sync.errors import QQGroupError, StateError, Text
from qqgroup_sync.foreground import SLICE
from qqgroup_sync.lasting import Lasting
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.service import Service
from qqgroup_sync.status import Status

if TYPE_CHECKING:
    from qqgroup_sync.dispatch.timed_tasks import Task
    from qqgroup_sync.life import Life, Progress
    from qqgroup_sync.notebook.simulated import PrivatePlatform
    from qqgroup_sync.sending.outgoing import Outgoing
    from qqgroup_sync.settings import Settings
    from qqgroup_sync.shards import Remembered

logger = logging.getLogger(__name__)

STOP_TIMEOUT = 10.0


class Starts(Router):
    """A client as far as it begins and ends.

    Args:
        settings: The client's settings.
        clock: Where time comes from.
    """

    has_life = True

    def __init__(self, settings: Settings, clock: Clock) -> None:
        super().__init__()
        self.settings = settings
        self._clock = clock
        self._lasting = Lasting(settings, clock)
        self._lock = threading.Lock()
        self._life: Life | None = None
        self._resting: Outgoing | None = None  # the way out while not started
        self._remembered: Remembered | None = None
        self._failure: BaseException | None = None
        self._last_status = Status(why="not started")
        self._stopping: Service | None = None
        self._all_ended = True
        self._has_begun = False
        self._ended = threading.Event()
        self._ended.set()
        self._platform: PrivatePlatform | None = None  # of Client.simulated(), or of a test
        self._start_waits = False  # for the bot to be on line

    def _begin(self) -> None:
        """Begin a life.

        Raises:
            QQGroupError: There is one already, or it cannot begin.
        """
        # The rooms with network and threads are loaded here, so that importing stays quick.
        from qqgroup_sync import orphans  # noqa: PLC0415
        from qqgroup_sync.life import Life  # noqa: PLC0415 - as above
        from qqgroup_sync.shards import Remembered  # noqa: PLC0415 - as above

        orphans.watch()
        with self._lock:
            if self._life is not None:
                raise StateError(
                    "the client was started already",
                    remedy=Text("Call stop() first.", "请先调用 stop()。"),
                    language=self.settings.language,
                )
            self._has_begun = True
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
            self._end(STOP_TIMEOUT)
            raise

    def _end(self, timeout: float) -> bool:
        """End the life, if there is one; return whether every thread ended."""
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
        """Begin to stop the bot; returns at once, from any thread.

        Where the system gives no thread for it, the calling one does it.
        """
        with self._lock:
            life = self._life
            if life is None or self._stopping is not None:
                return
            service = self._stopping = Service("qqgroup-stop", lambda: self._stop(life, timeout))
            try:
                service.start()
            except RuntimeError:  # the system gives no more threads
                pass
            else:
                return
        self._stop(life, timeout)

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
                self._last_status = life.status()
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
        self._end(STOP_TIMEOUT)

    def _raise_failure(self) -> None:
        failure = self._failure
        if isinstance(failure, QQGroupError):
            raise failure.with_traceback(None)  # it says why; where inside does not help
        if failure is not None:
            raise failure

    def _not_started(self) -> StateError:
        return StateError(
            "the client was not started",
            remedy=Text("Call start() first.", "请先调用 start()。"),
            language=self.settings.language,
        )

    def progress(self) -> Progress | None:
        """Return how far the bot is with its work, for tests; None when it does not run."""
        life = self._life
        return None if life is None else life.look()

    def move_to(self, platform: PrivatePlatform, clock: Clock, *, state: Any = None) -> None:
        """Use another platform from the next start on, with nothing remembered; for tests.

        Args:
            platform: A simulated one.
            clock: Where time comes from, unless the client was given a clock of its own.
            state: Folder for what outlives a start, None for none.

        Raises:
            StateError: It runs.
        """
        with self._lock:
            if self._life is not None:
                raise StateError(
                    "a running client cannot change its platform",
                    remedy=Text("Call stop() first.", "请先调用 stop()。"),
                    language=self.settings.language,
                )
            resting, self._resting = self._resting, None
            self._remembered = None
        deadline = Deadline(clock, 1.0)
        if resting is not None:
            resting.close(deadline)
        self._lasting.close(deadline)
        # What QQ_SIMULATOR said no longer holds: the platform opens with an address of its own.
        self.settings = replace(self.settings, simulator="", state=state)
        self._platform = platform
        if type(self._clock) is Clock:  # the machine's
            self._clock = clock
        self._lasting = Lasting(self.settings, self._clock)

    @property
    def running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._life is not None

    @property
    def has_ended(self) -> bool:
        """Whether it was started and does not run any more."""
        return self._has_begun and self._life is None

    @property
    def status(self) -> Status:
        """What the bot is doing now."""
        life = self._life
        return self._last_status if life is None else life.status()

    def _task_added(self, task: Task) -> None:
        life = self._life
        if life is not None:
            life.add_task(task)

    def _task_removed(self, task: Task) -> None:
        life = self._life
        if life is not None and task not in self.tasks:  # another router may still have it
            life.remove_task(task)

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
