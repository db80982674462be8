"""Ask first: which texts the bot answers, and with how many messages."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator.load.plan import fill

if TYPE_CHECKING:
    from collections.abc import Iterable

    from qqgroup_sync.simulator.load.plan import Scene
    from qqgroup_sync.simulator.platform import Platform

GUESSES = ("hello", "hi", "你好", "ping", "/help", "help", "menu", "菜单", "/ping", "test")
"""What is tried when the user names no text."""

QUIET = 0.5  # seconds without another answer after which a text has all of its answers
_GROUP = "probe"


def probe(
    platform: Platform,
    texts: Iterable[str],
    scene: Scene,
    *,
    timeout: float = 5.0,
    one_is_enough: bool = False,
) -> dict[str, int]:
    """Say each text once, each by a person of his own, and count the answers.

    Args:
        platform: Where the bot is on line.
        texts: What is said; placeholders are filled.
        scene: In a group, or in private.
        timeout: Seconds to wait for the first answers.
        one_is_enough: Whether to wait no longer once any text is answered.

    Returns:
        How many messages answered each text.
    """
    asked: dict[str, str] = {}  # message id to text
    answers: list[str] = []
    changed = threading.Condition()

    def listen(_kind: str, record: Any) -> None:
        if record.from_bot and record.reply_to:
            with changed:
                answers.append(record.reply_to)
                changed.notify_all()

    unsubscribe = platform.subscribe(listen, kinds=("message",))
    try:
        for number, text in enumerate(texts):
            person = f"probe {number + 1}"
            words = fill(text, number, person, _GROUP)
            if scene == "group":
                said = platform.group(_GROUP).member(person).say(words)
            else:
                said = platform.user(person).say(words)
            asked[said.id] = text
        with changed:
            changed.wait_for(
                lambda: answers if one_is_enough else asked.keys() <= set(answers), timeout
            )
            while changed.wait(QUIET):  # more may follow the first one
                pass
            heard = list(answers)
    finally:
        unsubscribe()
    return {text: heard.count(message_id) for message_id, text in asked.items()}
