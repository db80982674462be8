"""Talking with one person in the middle of a handler, as ``input()`` does in a script."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch import checked, in_hand
from qqgroup_sync.dispatch.buttons import PICK
from qqgroup_sync.dispatch.choices import Choices
from qqgroup_sync.dispatch.waiter import anything, judging
from qqgroup_sync.errors import (
    ApiError,
    AuthError,
    ConfigError,
    PartialSendError,
    ProactiveNotAllowed,
    RateLimited,
    ReplyExpired,
    ReplyLimitReached,
    ServerError,
    StateError,
    Text,
    WaitCancelled,
    WaitTimeout,
)
from qqgroup_sync.events.models import Interaction
from qqgroup_sync.message.chain import Chain, chain_of
from qqgroup_sync.message.elements import Element
from qqgroup_sync.runtime.clock import Deadline

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from qqgroup_sync.dispatch.waiters import Waiter, Waiters
    from qqgroup_sync.events.asking import Asking
    from qqgroup_sync.events.models import Message, Replyable
    from qqgroup_sync.runtime.clock import Clock

    Check = Callable[[Message], Any]

HEARD = 2_000  # people whose last answer is remembered: as many as may wait at once

# A refusal for one of these reasons would meet a question without buttons just as well.
_NOT_THE_BUTTONS = (
    *(AuthError, ProactiveNotAllowed, RateLimited, ReplyExpired, ReplyLimitReached, ServerError),
)
_AGAIN = Text("That does not fit, please try again.", "输入不符合要求，请重试。")
_CHOOSE = Text(
    'Please answer with one of the numbers, or with "cancel":',
    "请回复选项的编号，回复“取消”则结束：",
)
_YES, _NO = Text("Yes", "确定"), Text("No", "取消")


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

    def of(self, origin: Asking) -> Dialogue:
        """Return what a handler can do in the middle of a message or after a click.

        Raises:
            StateError: Nobody knows who clicked, or where.
        """
        if isinstance(origin, Interaction) and not (origin.conversation and origin.sender):
            raise StateError(
                "this interaction names nobody who could be asked",
                remedy=Text(
                    "Ask after clicks in groups and private chats only.",
                    "只有群聊和私聊里的点击才能继续提问。",
                ),
                language=self.language,
            )
        return Dialogue(self, origin)

    def note(self, key: Hashable, answer: Replyable) -> None:
        """Remember what was said last, because it can be answered longest."""
        with self._lock:
            self._heard[key] = answer
            self._heard.move_to_end(key)
            if len(self._heard) > HEARD:
                self._heard.popitem(last=False)

    def say(self, key: Hashable, origin: Asking, content: Any) -> None:
        """Answer what was said last for a key, else the event where the dialogue began.

        Each has few replies and a short life. The newest comes first, so that those of the first
        one are left for what its handler says itself.
        """
        with self._lock:
            newest = self._heard.get(key)
        ways: list[Replyable] = [origin]
        if newest is not None and newest.received_at >= origin.received_at:
            ways = [newest, origin]
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
    """A handler's dialogue with the author of one message, or with who clicked."""

    def __init__(self, dialogues: Dialogues, origin: Asking) -> None:
        self._all = dialogues
        self._waiters = dialogues.waiters
        self._clock = dialogues.clock
        self._language = dialogues.language
        self._origin = origin
        self._key = (origin.conversation, origin.sender)

    def say(self, content: Any) -> None:
        """Say something, by the newest of the person's messages that can be answered."""
        self._all.say(self._key, self._origin, content)

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
        if answer.conversation == self._origin.conversation:
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
        deadline = self._deadline(timeout)
        checked.function("check", check, self._language)
        checked.retries(retries, self._language)
        judge = _Judge(check, _AGAIN.in_language(self._language) if again is None else again)
        with self._waiters.waiting(self._key, judge.hear, force=force) as waiter:
            self.say(content)
            for left in range(retries, -1, -1):
                answer: Message = self._next(waiter, deadline, timeout)
                complaint = judge.complaint_about(answer)
                if complaint is None:
                    return answer
                if left:
                    self._waiters.go_on(waiter)
                    self.say(complaint)
        raise self._no_more_tries(retries)

    def _no_more_tries(self, retries: int) -> WaitTimeout:
        return WaitTimeout(f"no fitting answer after {retries + 1} tries", language=self._language)

    def confirm(
        self,
        content: Any,
        *,
        timeout: float | None,
        yes: str | None,
        no: str | None,
        retries: int,
        force: bool,
    ) -> bool:
        """Ask for yes or no; see ``Message.confirm``."""
        yes = _YES.in_language(self._language) if yes is None else str(yes)
        no = _NO.in_language(self._language) if no is None else str(no)
        hint = Text(f"Please answer {yes} or {no}.", f"请回答“{yes}”或“{no}”。")
        words, told = Choices.yes_or_no(yes, no), hint.in_language(self._language)
        return self._pick(content, words, told, timeout, retries=retries, force=force) == 0

    def choose(
        self,
        content: Any,
        options: Sequence[Any],
        *,
        timeout: float | None,
        retries: int,
        force: bool,
    ) -> Any:
        """Let the person choose; see ``Message.choose``."""
        if isinstance(options, str | bytes) or not isinstance(options, Iterable):
            raise ConfigError(
                f"the options of choose() are a {type(options).__name__}, not a list",
                remedy=Text('Pass a list, like ["red", "blue"].', '请传入列表，如 ["红", "蓝"]。'),
                language=self._language,
            )
        options = list(options)
        choices = Choices([str(option) for option in options])
        hint = f"{_CHOOSE.in_language(self._language)}\n{choices.numbered}"
        return options[self._pick(content, choices, hint, timeout, retries=retries, force=force)]

    def _pick(
        self,
        content: Any,
        choices: Choices,
        hint: str,
        timeout: float | None,
        *,
        retries: int,
        force: bool,
    ) -> int:
        """Show buttons where they fit, numbers elsewhere; return the place of the choice."""
        checked.retries(retries, self._language)
        token = in_hand.token()
        datas = [f"{PICK}{token}:{place}" for place in range(len(choices.labels))]
        deadline = self._deadline(timeout)
        accept = anything if force else self._unless_handled(choices)
        with self._waiters.waiting(self._key, accept, force=True) as waiter:
            self._show(content, choices, datas, waiter)
            for left in range(retries, -1, -1):
                answer = self._next(waiter, deadline, timeout)
                if isinstance(answer, Interaction):
                    return datas.index(answer.button_data)
                place = choices.read(answer.text)
                if place is not None:
                    return place
                if choices.are_left_by(answer.text):
                    raise WaitCancelled("the person called it off", language=self._language)
                if left:
                    self._waiters.go_on(waiter)
                    self.say(hint)
        raise self._no_more_tries(retries)

    def _unless_handled(self, choices: Choices) -> Callable[[Message], bool]:
        """Return a filter that takes an answer first, and other words when no handler wants them.

        A waiter with ``force`` is offered a message before the handlers, one without it after
        them, and is cancelled when one of them wants it. So at words that are no answer it
        gives its ``force`` up, until they are offered again.
        """

        def accept(said: Message) -> bool:
            waiter = judging()
            assert waiter is not None
            waiter.force = (
                not waiter.force  # offered again: no handler wants it
                or choices.read(said.text) is not None
                or choices.are_left_by(said.text)
                or self._in_a_game()
            )
            return waiter.force

        return accept

    def _in_a_game(self) -> bool:
        """Tell whether a channel takes all that is said here, so that no handler hears of it."""
        return any(one.force and one.keeps for one in self._waiters.of(self._origin.conversation))

    # ------------------------------------------------------------------ what is passed

    def _deadline(self, timeout: float | None) -> Deadline:
        return Deadline(self._clock, checked.seconds("timeout", timeout, self._language))

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
        return click.sender in ("", self._origin.sender)

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
        seconds = checked.seconds("max_time", max_time, self._language)
        checked.function("data_filter", data_filter, self._language)
        accept = data_filter or anything
        with self._waiters.waiting(self._key, accept, level=level, force=force) as waiter:
            if reply is not None:
                self.say(reply)
            answer: Message | None = self._waiters.wait(waiter, seconds)
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
        place = self._origin.conversation
        if place is None or place[0] != "group":
            raise StateError(
                "wait_channel() is for groups",
                remedy=Text("Use wait() in private chats.", "私聊请使用 wait()。"),
                language=self._language,
            )
        seconds = checked.seconds("max_time", max_time, self._language)
        checked.function("data_filter", data_filter, self._language)
        waiter = self._waiters.channel(
            place,
            data_filter or anything,
            owner=self._origin,
            level=level,
            force=force,
            clean=clean,
        )
        try:
            if reply is not None:
                self._all.say(place, self._origin, reply)
            caught = self._waiters.wait(waiter, seconds)
        except BaseException:
            self._waiters.leave(waiter)
            raise
        if caught is None:
            return None
        self._all.note(place, caught)
        return ChannelItem(caught, Channel(self._waiters, waiter))


class _Judge:
    """Runs ``check`` while an answer is offered, so that one that it fails on goes elsewhere."""

    def __init__(self, check: Check | None, again: Any) -> None:
        self._check = check
        self._again = again
        self._complaints: dict[int, Any] = {}

    def hear(self, answer: Message) -> bool:
        """Judge an answer; whatever ``check`` raises is raised."""
        if self._check is not None:
            verdict = self._check(answer)
            if not _is_complaint(verdict):
                verdict = None if verdict else self._again
            self._complaints[id(answer)] = verdict
        return True

    def complaint_about(self, answer: Message) -> Any:
        """Return what is to be said to an answer; None to one that fits."""
        return self._complaints.pop(id(answer), None)


def _is_complaint(verdict: Any) -> bool:
    """Tell whether what ``check`` returned is for the person, and not a yes or no."""
    return isinstance(verdict, Element) or (isinstance(verdict, str | Chain) and len(verdict) > 0)


def _may_go_another_way(error: ApiError, way: Replyable) -> bool:
    """Tell whether certainly nothing was sent, and the reason lies in what is answered."""
    if isinstance(way, Interaction):  # which clicks can be answered is the platform's secret
        return not isinstance(error, ServerError)
    return isinstance(error, ReplyExpired | ReplyLimitReached)
