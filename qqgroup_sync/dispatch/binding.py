"""One line of a person on its way into the parameters of a command."""

from __future__ import annotations

import difflib
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

from qqgroup_sync.dispatch.help import echo
from qqgroup_sync.dispatch.words import UnclosedQuote, key_of, next_word, option_name
from qqgroup_sync.errors import QQGroupError, Text
from qqgroup_sync.events.models import Attachment, Member
from qqgroup_sync.events.text import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qqgroup_sync.dispatch.commands import Command
    from qqgroup_sync.dispatch.signature import Parameter
    from qqgroup_sync.dispatch.words import Word
    from qqgroup_sync.events.models import Message


_NOTHING = object()


class WrongArguments(QQGroupError):
    """What a person wrote after a command does not fit it; never leaves the dispatcher.

    Attributes:
        problem: What is wrong, in words for the person.
        usage: How the command is written.
    """

    def __init__(self, problem: Text, usage: Text) -> None:
        super().__init__(problem.en, remedy=usage)
        self.problem = problem
        self.usage = usage

    def answer(self, language: str | None = None) -> str:
        """Return what to tell the person: what is wrong, then the usage."""
        label = Text("Usage: ", "用法：").in_language(language)
        return f"{self.problem.in_language(language)}\n{label}{self.usage.in_language(language)}"


class Bound(NamedTuple):
    """What to call the function of a command with."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]


class Binding:
    """One line on its way into the parameters of a command."""

    def __init__(self, command: Command, line: str, message: Message) -> None:
        self._command = command
        self._line = line
        self._message = message
        self._values: dict[str, Any] = {}
        self._names_end = False  # after --
        self._unclosed: set[str] = set()  # quotes that never close, and are text

    def bound(self) -> Bound:
        """Return what to call the function with.

        Raises:
            WrongArguments: The line does not fit the command.
        """
        self._take_sources()
        self._take_words()
        args: list[Any] = []
        kwargs: dict[str, Any] = {}
        for one in self._command.parameters:
            value: Any = self._message if one.shape is None else self._value(one)
            if one.is_rest:
                args.extend(value)
            elif one.is_option:
                kwargs[one.name] = value
            else:
                args.append(value)
        return Bound(tuple(args), kwargs)

    def _value(self, one: Parameter) -> Any:
        value = self._values.get(one.name, _NOTHING)
        if one.required and (value is _NOTHING or (one.many and not value)):
            raise self._missing(one)
        if value is not _NOTHING:
            return value
        return () if one.is_rest else one.fallback

    def _take_sources(self) -> None:
        """Give out the mentions and the attachments, which need no words."""
        waiting: dict[type, deque[Any]] = {
            Member: deque(_mentioned(self._message)),
            Attachment: deque(self._message.attachments),
        }
        for one in self._command.parameters:
            for source in one.shape.kind.sources if one.shape else ():
                queue = waiting[source]
                if queue and one.many:
                    self._values.setdefault(one.name, []).extend(queue)
                    queue.clear()
                elif queue and one.name not in self._values:
                    self._values[one.name] = queue.popleft()
            if one.required and not one.takes_words and one.name not in self._values:
                raise self._missing(one)

    def _take_words(self) -> None:
        by_place = [
            one for one in self._command.parameters if one.takes_words and not one.is_option
        ]
        position = 0
        while True:
            by_place = [one for one in by_place if one.many or one.name not in self._values]
            one = by_place[0] if by_place else None
            word = self._word(position, lenient=one is not None and one.is_line)
            if word is None:
                return
            named = None if self._names_end else self._command.option(word)
            if named is not None:
                position = self._take_option(named, word)
            elif word.text == "--" and not self._names_end and self._command.option_names():
                self._names_end, position = True, word.end
            elif one is None:
                raise self._too_many(word)
            elif one.is_line:
                self._take_line(one, word.start)
                return
            elif self._fits(one, word, by_place[1:]):
                position = word.end
            else:
                by_place = by_place[1:]

    def _word(self, position: int, *, lenient: bool = False) -> Word | None:
        try:
            return next_word(self._line, position, unclosed=self._unclosed if lenient else None)
        except UnclosedQuote as error:
            raise self._command.wrong(
                f"The quote {error.mark} is never closed. Please write {error.wanted} at its end, "
                f"or \\{error.mark} for the mark itself.",
                f"引号 {error.mark} 没有配对。请在末尾补上 {error.wanted}；"
                f"如果只是普通字符，请写成 \\{error.mark}。",
            ) from error

    def _fits(self, one: Parameter, word: Word, later: Sequence[Parameter]) -> bool:
        """Take a word; return False when the parameter can do without it and another needs it."""
        name, dashed = option_name(word)
        if dashed and not word.quoted and not self._names_end and self._command.option_names():
            raise self._no_such_option(name, word)
        try:
            self._take(one, word.text, word.parts)
        except WrongArguments:
            if not one.required and any(other.required for other in later):
                return False
            raise
        return True

    def _take(self, one: Parameter, text: str, parts: Sequence[str]) -> None:
        if not one.many:
            self._values[one.name] = self._read(one, text)
            return
        apart = not (one.is_rest and one.shape and one.shape.is_text)  # *words keep their commas
        read = [self._read(one, part) for part in (parts if apart else (text,))]
        self._values.setdefault(one.name, []).extend(read)

    def _read(self, one: Parameter, text: str) -> Any:
        assert one.shape is not None
        assert one.shape.kind.read is not None
        try:
            return one.shape.kind.read(text)
        except (ValueError, OverflowError) as error:
            what = one.shape.kind.what
            raise self._command.wrong(
                f"I do not understand “{echo(text)}” as {_label(one, 'en')}: "
                f"please write {what.en}.",
                f"看不懂“{echo(text)}”：{_label(one, 'zh')}需要填写{what.zh}。",
            ) from error

    def _take_option(self, one: Parameter, word: Word) -> int:
        """Take ``--name value`` or ``name=value``; return where it ends."""
        assert one.shape is not None
        if one.name in self._values and not one.many:
            raise self._command.wrong(
                f"{_label(one, 'en')} is there twice.", f"{_label(one, 'zh')}写了两次。"
            )
        if word.equals >= 0:
            cut = word.equals + 1
            first, *more = word.parts
            parts = [*filter(None, [first[cut:]]), *more]
            self._take(one, word.text[cut:], parts)
            return word.end
        if one.shape.is_flag:
            name = key_of(option_name(word)[0])
            self._values[one.name] = name == key_of(one.spelled)  # else it is --no-name
            return word.end
        value = self._word(word.end)
        if value is None or self._command.option(value) is not None:
            what = one.shape.kind.what
            raise self._command.wrong(
                f"Please write {what.en} after --{one.spelled}.",
                f"--{one.spelled} 后面需要填写{what.zh}。",
            )
        self._take(one, value.text, value.parts)
        return value.end

    def _take_line(self, one: Parameter, start: int) -> None:
        """Take the rest of the line as text, but for the options at its end."""
        items: list[tuple[Word, Parameter | None]] = []
        position = start
        while word := next_word(self._line, position, unclosed=self._unclosed):
            named = None if self._names_end else self._command.option(word)
            position = word.end
            if named and word.equals < 0 and named.shape and not named.shape.is_flag:
                value = next_word(self._line, position, unclosed=self._unclosed)
                position = value.end if value else position
            items.append((word, named))
        last = len(items)
        while items[last - 1][1] is not None:  # the first is text
            last -= 1
        for word, named in items[last:]:
            if named is not None:
                self._take_option(named, word)
        text = self._line[start : items[last][0].start if last < len(items) else None].rstrip()
        whole = items[0][0]
        self._values[one.name] = whole.text if whole.quoted and last == 1 else text

    # ------------------------------------------------------------------ what is wrong

    def _missing(self, one: Parameter) -> WrongArguments:
        assert one.shape is not None
        en, zh = _label(one, "en"), _label(one, "zh")
        sources = one.shape.kind.sources
        if one.takes_words or len(sources) != 1:
            what = one.shape.kind.what
            return self._command.wrong(
                f"Something is missing: {en}. Please write {what.en}.",
                f"还缺少{zh}：需要填写{what.zh}。",
            )
        if sources[0] is Member:
            return self._command.wrong(
                f"Please mention somebody with @: {en}.", f"请用 @ 指定一个人：{zh}。"
            )
        return self._command.wrong(
            f"Please send a picture, voice, video or file together with the command: {en}.",
            f"请在发送指令的同时附上图片、语音、视频或文件：{zh}。",
        )

    def _too_many(self, word: Word) -> WrongArguments:
        name, dashed = option_name(word)
        if dashed and not word.quoted:
            return self._no_such_option(name, word)
        left = echo(self._line[word.start :])
        hint = self._hint()
        return self._command.wrong(
            f"There is more than I can use: “{left}”. {hint.en}", f"多出了“{left}”。{hint.zh}"
        )

    def _hint(self) -> Text:
        """Return what to do about words that are too many."""
        taken = [one for one in self._command.parameters if one.shape is not None]
        if any(one.shape and one.shape.is_text and not one.is_option for one in taken):
            return Text(
                "Please put quotes around words that belong together.",
                "如果几个词是一个整体，请用引号括起来。",
            )
        if not taken:
            return Text("This command takes nothing.", "这个指令后面不需要填写内容。")
        names = [_written(one) for one in taken]
        return Text(f"It takes only: {', '.join(names)}.", f"它只接受：{'、'.join(names)}。")

    def _no_such_option(self, name: str, word: Word) -> WrongArguments:
        near = difflib.get_close_matches(key_of(name), self._command.option_names(), 1)
        return self._command.wrong(
            f"There is no option {echo(word.text)}."
            + (f" Did you mean --{near[0]}?" if near else ""),
            f"没有选项 {echo(word.text)}。" + (f"是不是想写 --{near[0]}？" if near else ""),
        )


def _mentioned(message: Message) -> list[Member]:
    """Return the people whom a message mentions, in the order in which the text names them.

    ``mentions`` has the platform's order, and at its end those that only the text names.
    """
    users = clean(message.content).users
    places = {openid: place for place, openid in enumerate(users)}
    people = [one for one in message.mentions if one.openid]
    people.sort(key=lambda one: places.get(one.openid, len(places)))
    return [
        message.author
        if one.openid == message.author.openid
        else Member(one.openid, one.username, is_bot=one.is_bot)
        for one in people
    ]


def _written(one: Parameter) -> str:
    """Return the name of a parameter as it has to stand in the line: ``--loud``, ``level=...``."""
    if not (one.is_option and one.shape and one.takes_words):
        return one.spelled
    return f"--{one.spelled}" if one.shape.is_flag else f"{one.spelled}=..."


def _label(one: Parameter, language: str) -> str:
    about = one.about.rstrip(" .。;；")
    if language == "zh":
        return f"“{one.spelled}”（{about}）" if about else f"“{one.spelled}”"
    return f"{one.spelled} ({about})" if about else one.spelled
