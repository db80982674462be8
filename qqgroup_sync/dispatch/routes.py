"""From the handlers of several registries to a plan by which one is found quickly."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from qqgroup_sync.dispatch.filters import UNCHECKED, any_text, wake
from qqgroup_sync.dispatch.handlers import LEAVING
from qqgroup_sync.dispatch.words import folded_head

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from qqgroup_sync.dispatch.filters import GroupConfig, Match, Wake
    from qqgroup_sync.dispatch.handlers import Handler
    from qqgroup_sync.events.models import Message
    from qqgroup_sync.events.verify import Verify

    # The third one is the function of the handler.
    Complain = Callable[[BaseException, Message, Callable[..., Any]], None]


class Entry(NamedTuple):
    """A handler, with what its registry says about it.

    Attributes:
        handler: The handler.
        config: Of its ``group_id``.
        prefixes: The prefix words of its registry; None for the bot's.
    """

    handler: Handler
    config: GroupConfig | None = None
    prefixes: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)  # quicker to read than a NamedTuple
class _Step:
    """One handler to ask."""

    match: Match
    handler: Handler
    prefixes: tuple[str, ...] | None  # where they are not the bot's


class _Level(NamedTuple):
    """The handlers of one level, in the order to ask them; or of several where none weighs."""

    leaving: bool  # a notebook cell is replacing them: only for what nobody else wants
    weighs: bool  # whether weights can differ, so that all of them have to be asked
    steps: tuple[tuple[str, _Step], ...]  # each with one of its needles


class Found(NamedTuple):
    """A handler that a message is for.

    Attributes:
        handler: The handler.
        verify: Why.
        wake: What its prefix words say about the message.
    """

    handler: Handler
    verify: Verify
    wake: Wake


class Routes:
    """The plan for messages of one scene.

    Args:
        entries: The handlers of all registries.
        direct: Whether it is for private messages.
        helper: Answers ``/help``. Whatever is meant for that text in particular comes before it,
            handlers of this level and below that take any text come after it.
    """

    def __init__(
        self, entries: Iterable[Entry], *, direct: bool, helper: Handler | None = None
    ) -> None:
        steps: list[tuple[str, _Step]] = []
        for entry in sorted(entries, key=lambda one: (-one.handler.level, one.handler.order)):
            wanted = entry.handler.filter
            if wanted.applies(entry.config, direct=direct):
                own = wanted.prefixes(entry.config)
                prefixes = entry.prefixes if own is None else own
                step = _Step(wanted.match(), entry.handler, prefixes)
                steps.extend((needle, step) for needle in _needles(step))
        heavy = {step.handler.level for _, step in steps if step.handler.filter.weighs}
        apart = {level: level for level in (*heavy, LEAVING)}  # the others are one: None
        self._levels = tuple(
            _Level(level == LEAVING, level in heavy, tuple(group))
            for level, group in groupby(steps, lambda one: apart.get(one[1].handler.level))
        )
        self._heads = any(step.handler.filter.heads for _, step in steps)
        self._helper = helper

    def __len__(self) -> int:
        return len({id(step) for level in self._levels for _, step in level.steps})

    def find(self, message: Message, words: Wake, complain: Complain) -> Iterator[Found]:
        """Return the handlers that a message is for, the first one first.

        Nothing is asked before the first is fetched, and nobody more than needed.

        Args:
            message: What was said.
            words: What the bot's prefix words say about it.
            complain: Told about a filter that raised, and whose it is.
        """
        found = self._found(message, words, complain)
        helper = self._helper
        if helper is not None:
            free = words.anyhow()
            verify = helper.filter.test(message, free)
            if verify is not None:
                return _with_help(found, Found(helper, verify, free))
        return found

    def _found(self, message: Message, words: Wake, complain: Complain) -> Iterator[Found]:
        others: dict[tuple[str, ...], Wake] = {}
        searched = self._searched(words)
        anybody = False
        for level in self._levels:
            if level.leaving and anybody:
                return
            # Nearly every keyword is not in nearly every message.
            steps = [step for needle, step in level.steps if needle in searched]
            hits = self._hits(steps, message, words, others, complain)
            if level.weighs:
                hits = iter(sorted(hits, key=lambda found: -found.verify.weight))
            for found in hits:
                anybody = True
                yield found

    def _searched(self, words: Wake) -> str:
        """Return where needles are looked for: the text, and how it begins, folded."""
        if not self._heads:
            return words.whole
        heads = {folded_head(text) for text in (words.text, words.whole)}
        return "\n".join((words.whole, *heads))

    @staticmethod
    def _hits(
        steps: list[_Step],
        message: Message,
        words: Wake,
        others: dict[tuple[str, ...], Wake],
        complain: Complain,
    ) -> Iterator[Found]:
        asked = None
        for step in steps:
            if step is asked:
                continue  # several of its needles were there
            asked, seen, prefixes = step, words, step.prefixes
            if prefixes is not None:
                known = others.get(prefixes)
                if known is None:
                    known = (
                        words.anyhow() if prefixes == UNCHECKED else wake(message.text, prefixes)
                    )
                    others[prefixes] = known
                seen = known
            try:
                verify = step.match(message, seen)
            except BaseException as error:  # a user's verify= is his: the others are asked anyway
                complain(error, message, step.handler.function)
                continue
            if verify is not None:
                yield Found(step.handler, verify, seen)


def _needles(step: _Step) -> tuple[str, ...]:
    """Return texts of which one is in what is searched whenever a message is for the step."""
    wanted = step.handler.filter
    if wanted.heads and step.prefixes in (None, UNCHECKED):
        return wanted.heads
    return wanted.needles  # behind prefix words of its own, a text begins otherwise


def _with_help(found: Iterator[Found], help_: Found) -> Iterator[Found]:
    for one in found:
        if one.handler.level <= help_.handler.level and one.handler.filter.test is any_text:
            break
        yield one
    yield help_
