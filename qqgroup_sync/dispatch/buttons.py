"""What buttons do that carry a Python function: ``Button("签到", on_click=sign)``."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from qqgroup_sync.dispatch.handlers import parameters
from qqgroup_sync.errors import Text
from qqgroup_sync.message.keyboard import CLICK

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.events.models import Interaction
    from qqgroup_sync.message.keyboard import Button

REMEMBERED = 10_000  # buttons that were sent and may still be clicked
PICK = "pick:"  # how the data of buttons begin that answer a question of message.choose()

_STALE = Text("This button does not work any more.", "这个按钮已失效。")
_USED = Text("This was done already.", "已经操作过了。")


@dataclass(slots=True)
class _Known:
    """A button that was sent: its function, and where its one click was spent."""

    function: Callable[..., Any]
    takes: int
    once: bool
    used: set[tuple[str, str] | None] = field(default_factory=set)


class Buttons:
    """The functions of the buttons that one client has sent; safe from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: OrderedDict[str, _Known] = OrderedDict()

    def remember(self, button: Button) -> None:
        """Note a button that is sent; one that was sent before stays what it is.

        Raises:
            ConfigError: Its function cannot be called with a click and the client.
        """
        function = button.on_click
        if function is None:
            return
        known = _Known(function, parameters(function, 2), button.once)
        with self._lock:
            self._known.setdefault(button.data, known)
            self._known.move_to_end(button.data)
            while len(self._known) > REMEMBERED:
                self._known.popitem(last=False)

    def find(self, click: Interaction, language: str) -> Callable[..., Any] | None:
        """Return what a click does; None when the button has no function.

        Of a button that works once, a click on which the function fails does not count.
        A button of an earlier run of the program, of a question that was answered, or one that
        is used up in this conversation, has a polite answer.
        """
        if not click.button_data.startswith((CLICK, PICK)):
            return None
        with self._lock:
            known = self._known.get(click.button_data)
            used = known is not None and known.once and click.conversation in known.used
            if known is not None and known.once:
                known.used.add(click.conversation)
        if known is None or used:
            answer = (_USED if used else _STALE).in_language(language)
            return lambda *_arguments: answer
        function, takes = known.function, known.takes

        def act(*arguments: Any) -> Any:
            try:
                return function(*arguments[:takes])
            except BaseException:
                with self._lock:
                    known.used.discard(click.conversation)
                raise

        act.stands_for = function  # type: ignore[attr-defined]  # for logs
        return act
