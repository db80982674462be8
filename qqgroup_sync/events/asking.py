"""Asking: what a message and a click have in common, since somebody stands behind both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qqgroup_sync.events.base import Replyable, bound

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from qqgroup_sync.events.messages import Message


class Asking(Replyable):
    """What can be answered and names a person, who can then be asked something."""

    __slots__ = ()

    def ask(
        self,
        content: Any,
        *,
        timeout: float | None = 60.0,
        check: Callable[[Message], Any] | None = None,
        retries: int = 2,
        again: Any = None,
        force: bool = True,
    ) -> Message:
        """Ask the author something and return the next message, as ``input()`` does.

        Blocks this handler only: it gives its place to others while it waits. A new question to
        the same person in the same place ends this one (``WaitCancelled``, which ends the handler
        quietly). After a click, whoever clicked is asked.

        Args:
            content: The question: a str, a Chain and so on.
            timeout: Seconds for an answer that fits; None waits as long as the client runs.
            check: Judges an answer. A str, a Chain or an element that is not empty is a
                complaint: it is said to the person, who may try again. Of anything else counts
                whether it is true: ``True`` or a match takes the answer; ``False``, ``None`` or
                ``""`` asks again with ``again``. What it raises is reported, and the message
                goes on to the handlers.
            retries: How often the person may try again.
            again: What is said to an answer that does not fit.
            force: Take every message of the person, also one that another handler is for.
                Without it such a message goes to its handler, and the question is cancelled.

        Raises:
            WaitTimeout: Nobody answered in time, or not once fittingly.
            WaitCancelled: Another question took the place of this one, or the client stops;
                without ``force`` also when the person turned to another handler.
            ConfigError: ``check`` cannot be called, or ``timeout`` is no number of seconds.
            StateError: There is no running client behind this event, or nobody knows who clicked.
        """
        dialogue = bound(self.actions, self).dialogue(self)
        return dialogue.ask(
            content, timeout=timeout, check=check, retries=retries, again=again, force=force
        )

    def confirm(
        self,
        content: Any,
        *,
        timeout: float | None = 60.0,
        yes: str | None = None,
        no: str | None = None,
        retries: int = 2,
        force: bool = False,
    ) -> bool:
        """Ask the author for yes or no, with two buttons; words are understood, too.

        Args:
            content: The question.
            timeout: Seconds.
            yes: The word for yes; "Yes" or "确定" by default, by the client's language.
            no: The word for no; "No" or "取消" by default.
            retries: As for :meth:`choose`.
            force: As for :meth:`choose`.

        Raises:
            WaitTimeout: Nobody answered in time, or not once fittingly.
            WaitCancelled: As for :meth:`choose`; "cancel" and its like are a no.
            ConfigError: ``timeout`` is no number of seconds.
            StateError: As for :meth:`ask`.
        """
        dialogue = bound(self.actions, self).dialogue(self)
        return dialogue.confirm(
            content, timeout=timeout, yes=yes, no=no, retries=retries, force=force
        )

    def choose(
        self,
        content: Any,
        options: Sequence[Any],
        *,
        timeout: float | None = 60.0,
        retries: int = 2,
        force: bool = False,
    ) -> Any:
        """Let the author choose, by buttons where they fit and by numbers elsewhere.

        An answer is taken before any handler hears of it. Other words go to the handler that
        they are for, which ends the question quietly; when there is none, the person is told
        how to answer.

        Args:
            content: The question.
            options: What there is to choose from; what stands on the buttons is ``str(option)``.
            timeout: Seconds.
            retries: How often the person may try again after words that are no answer.
            force: Take every message of the person, also one that another handler is for.

        Returns:
            The option.

        Raises:
            WaitTimeout: Nobody answered in time, or not once fittingly.
            WaitCancelled: The person said "cancel", "取消" or "算了" (unless that is an option)
                or turned to another handler, another question took the place of this one, or
                the client stops. It ends the handler quietly.
            ConfigError: There are no options or they are one str, or ``timeout`` is no number of
                seconds.
            StateError: As for :meth:`ask`.
        """
        dialogue = bound(self.actions, self).dialogue(self)
        return dialogue.choose(content, options, timeout=timeout, retries=retries, force=force)
