"""Talking with one person in the middle of a handler, as ``input()`` does in a script."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.buttons import PICK
from qqgroup_sync.dispatch.choices import Choices
from qqgroup_sync.dispatch.waiter import anything
from qqgroup_sync.errors import (
    ApiError,
    AuthError,
    PartialSendError,
    ProactiveNotAllowed,
    RateLimited,
    ReplyExpired,
    ReplyLimitReached,
    ServerError,
    StateError,
    Text,
    WaitTimeout,
)
from qqgroup_sync.events.models import Interaction
from qqgroup_sync.message.chain import Chain, chain_of
from qqgroup_sync.runtime.clock import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from qqgroup_sync.dispatch.waiters import Waiter, Waiters
    from qqgroup_sync.events.models import Message, Replyable
    from qqgroup_sync.runtime.clock import Clock

    Check = Callable[[Message], Any]

HEARD = 2_000  # people whose last answer is remembered: as many as may wait at once

# A refusal for one of these reasons would meet a question without buttons just as well.
_NOT_THE_BUTTONS = (
    *(AuthError, ProactiveNotAllowed, RateLimited, ReplyExpired, ReplyLimitReached, ServerError),
)
_AGAIN = Text("That does not fit, please try again.", "输入不符合要求，请重试。")
_CHOOSE = Text("Please answer with one of the numbers:", "请回复选项的编号：")


@dataclass(frozen=True, slots=True)
class ChannelItem:
    """What ``wait_channel`` caught.

    Attributes:
        message: What somebody said.
        event: The waiter itself; ``event.close_event()`` ends it.
    """

    message: Message
    event: Channel

    def close_event(self) -> None:
        """Catch no more."""
        self.event.close_event()


class Channel:
    """Waits for anybody in a group until it is closed."""

    def __init__(self, waiters: Waiters, waiter: Waiter) -> None:
        self._waiters = waiters
        self._waiter = waiter

    def close_event(self) -> None:
        """Catch no more."""
        self._waiters.leave(self._waiter)


class Dialogues:
    """The dialogues of one start of a client; safe from any thread.

    Args:
        waiters: Who waits for what.
        clock: Where time comes from.
        language: Language of what is said to people.
    """

    def __init__(self, waiters: Waiters, clock: Clock, language: str) -> None:
        self.waiters = waiters
        self.clock = clock
        self.language = language
        self._lock = threading.Lock()
        self._heard: OrderedDict[Hashable, Replyable] = OrderedDict()

    def of(self, message: Message) -> Dialogue:
        """Return what a handler can do in the middle of a message."""
        return Dialogue(self, message)

    def note(self, key: Hashable, answer: Replyable) -> None:
        """Remember what was said last, because it can be answered longest."""
        with self._lock:
            self._heard[key] = answer
            self._heard.move_to_end(key)
            if len(self._heard) > HEARD:
                self._heard.popitem(last=False)

    def say(self, key: Hashable, message: Message, content: Any) -> None:
        """Answer what was said last for a key, else the message where the dialogue began.

        Each has few replies and a short life. The newest comes first, so that those of the first
        message are left for what its handler says itself.
        """
        with self._lock:
            newest = self._heard.get(key)
        ways: list[Replyable] = [message]
        if newest is not None and newest.received_at >= message.received_at:
            ways = [newest, message]
        *others, last = [way for way in ways if way.replies_left] or ways[:1]
        for way in others:
            try:
                way.reply(content)
            except ApiError as error:
                if not _may_go_another_way(error, way):
                    raise
            else:
                return
        last.reply(content)


class Dialogue:
    """A handler's dialogue with the author of one message."""

    def __init__(self, dialogues: Dialogues, message: Message) -> None:
        self._all = dialogues
        self._waiters = dialogues.waiters
        self._clock = dialogues.clock
        self._language = dialogues.language
        self._message = message
        self._key = (message.conversation, message.sender)

    def say(self, content: Any) -> None:
        """Say something, by the newest of the person's messages that can be answered."""
        self._all.say(self._key, self._message, content)

    def _next(self, waiter: Waiter, deadline: Deadline, timeout: float | None) -> Any:
        """Wait for the next answer.

        Raises:
            WaitTimeout: None came in time.
        """
        answer = self._waiters.wait(waiter, deadline.left())
        if answer is None:
            raise WaitTimeout(f"no answer within {timeout:g} s", language=self._language)
        self._note(answer)
        return answer

    def _note(self, answer: Any) -> None:
        if answer.conversation == self._message.conversation:
            self._all.note(self._key, answer)

    # ------------------------------------------------------------------ asking

    def ask(
        self,
        content: Any,
        *,
        timeout: float | None,
        check: Check | None,
        retries: int,
        again: Any,
        force: bool,
    ) -> Message:
        """Ask and return the answer; see ``Message.ask``."""
        deadline = Deadline(self._clock, timeout)
        judge = _Judge(check)
        with self._waiters.waiting(self._key, judge.hear, force=force) as waiter:
            self.say(content)
            for left in range(retries, -1, -1):
                answer: Message = self._next(waiter, deadline, timeout)
                verdict = judge.verdict_on(answer)
                if verdict is True or verdict is None:
                    return answer
                if left:
                    self._waiters.go_on(waiter)
                    self.say(self._complaint(verdict, again))
        raise WaitTimeout(f"no fitting answer after {retries + 1} tries", language=self._language)

    def _complaint(self, verdict: Any, again: Any) -> Any:
        """Return what is said to an answer that does not fit."""
        if verdict is not False:
            return verdict
        return again if again is not None else _AGAIN.in_language(self._language)

    def confirm(self, content: Any, *, timeout: float | None, yes: str, no: str) -> bool:
        """Ask for yes or no; see ``Message.confirm``."""
        hint = Text(f"Please answer {yes} or {no}.", f"请回答“{yes}”或“{no}”。")
        choices = Choices.yes_or_no(yes, no)
        return self._pick(content, choices, hint.in_language(self._language), timeout) == 0

    def choose(self, content: Any, options: Sequence[Any], *, timeout: float | None) -> Any:
        """Let the person choose; see ``Message.choose``."""
        options = list(options)
        choices = Choices([str(option) for option in options])
        hint = f"{_CHOOSE.in_language(self._language)}\n{choices.numbered}"
        return options[self._pick(content, choices, hint, timeout)]

    def _pick(self, content: Any, choices: Choices, hint: str, timeout: float | None) -> int:
        """Show buttons where they fit, numbers elsewhere; return the place of the choice."""
        token = secrets.token_hex(8)
        datas = [f"{PICK}{token}:{place}" for place in range(len(choices.labels))]
        deadline = Deadline(self._clock, timeout)
        with self._waiters.waiting(self._key, force=True) as waiter:
            self._show(content, choices, datas, waiter)
            while True:
                answer = self._next(waiter, deadline, timeout)
                if isinstance(answer, Interaction):
                    return datas.index(answer.button_data)
                place = choices.read(answer.text)
                if place is not None:
                    return place
                self._waiters.go_on(waiter)
                self.say(hint)

    def _show(self, content: Any, choices: Choices, datas: list[str], waiter: Waiter) -> None:
        content = chain_of(content)
        if choices.fit_on_buttons:
            for data in datas:
                self._waiters.also(waiter, ("click", data), self._clicked_by_the_same)
            try:
                self.say(content + Chain().keyboard(choices.buttons(datas)))
            except (ApiError, PartialSendError) as error:  # no right to buttons, for instance
                partial = isinstance(error, PartialSendError)
                cause = error.__cause__ if partial else error
                if not isinstance(cause, ApiError) or isinstance(cause, _NOT_THE_BUTTONS):
                    raise
                content = Chain() if partial else content
            else:
                return
        self.say(content + ("\n" if len(content) else "") + choices.numbered)

    def _clicked_by_the_same(self, click: Any) -> bool:
        return click.sender in ("", self._message.sender)

    # ------------------------------------------------------------------ the seed family's waits

    def wait(
        self,
        reply: Any,
        *,
        force: bool,
        max_time: float | None,
        data_filter: Check | None,
        level: int,
    ) -> Message | None:
        """Wait for the same person's next message; see ``Message.wait``."""
        accept = data_filter or anything
        with self._waiters.waiting(self._key, accept, level=level, force=force) as waiter:
            if reply is not None:
                self.say(reply)
            answer: Message | None = self._waiters.wait(waiter, max_time)
        if answer is not None:
            self._note(answer)
        return answer

    def wait_channel(
        self,
        reply: Any,
        *,
        force: bool,
        clean: bool,
        max_time: float | None,
        data_filter: Check | None,
        level: int,
    ) -> ChannelItem | None:
        """Wait for anybody in the group; see ``Message.wait_channel``."""
        if self._message.is_direct:
            raise StateError(
                "wait_channel() is for groups",
                remedy=Text("Use wait() in private chats.", "私聊请使用 wait()。"),
                language=self._language,
            )
        place = self._message.conversation
        waiter = self._waiters.channel(
            place,
            data_filter or anything,
            owner=self._message,
            level=level,
            force=force,
            clean=clean,
        )
        try:
            if reply is not None:
                self._all.say(place, self._message, reply)
            caught = self._waiters.wait(waiter, max_time)
        except BaseException:
            self._waiters.leave(waiter)
            raise
        if caught is None:
            return None
        self._all.note(place, caught)
        return ChannelItem(caught, Channel(self._waiters, waiter))


class _Judge:
    """Runs ``check`` while an answer is offered, so that one that it fails on goes elsewhere."""

    def __init__(self, check: Check | None) -> None:
        self._check = check
        self._verdicts: dict[int, Any] = {}

    def hear(self, answer: Message) -> bool:
        """Judge an answer; whatever ``check`` raises is raised."""
        if self._check is not None:
            self._verdicts[id(answer)] = self._check(answer)
        return True

    def verdict_on(self, answer: Message) -> Any:
        """Return what ``check`` said."""
        return self._verdicts.pop(id(answer), None)


def _may_go_another_way(error: ApiError, way: Replyable) -> bool:
    """Tell whether certainly nothing was sent, and the reason lies in what is answered."""
    if isinstance(way, Interaction):  # which clicks can be answered is the platform's secret
        return not isinstance(error, ServerError)
    return isinstance(error, ReplyExpired | ReplyLimitReached)
