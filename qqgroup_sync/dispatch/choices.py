"""What there is to choose from, and which choice an answer means: pure."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from qqgroup_sync.errors import ConfigError, Text
from qqgroup_sync.events.numerals import with_digits
from qqgroup_sync.message.keyboard import LONGEST_LABEL, MOST, Button

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_NUMBER = re.compile(r"第?\s*(\d{1,9})\s*[个号项.、。,,)]?")
_YES = ("是", "是的", "对", "好", "好的", "可以", "行", "确定", "确认", "嗯", "同意")
_NO = ("否", "不", "不是", "不要", "不行", "不用", "不可以", "不好", "取消", "算了", "不同意")
_WORDS = dict.fromkeys((*_YES, "y", "yes", "ok", "sure"), 0)
_WORDS |= dict.fromkeys((*_NO, "n", "no", "cancel", "0"), 1)
_LEAVING = ("取消", "算了", "cancel")  # each of them is a no as well
_ENDS = " \t\n.!?。！？~～"


class Choices:
    """A list to choose from, by button, number or word.

    Args:
        labels: What stands on the buttons; of equal ones, the word means the first.
        words: Further words, and the places that they mean.

    Raises:
        ConfigError: There are none.
    """

    def __init__(self, labels: Sequence[str], words: Mapping[str, int] | None = None) -> None:
        if not labels:
            raise ConfigError(
                "choose() needs options",
                remedy=Text("Pass a list with at least one.", "请传入至少一个选项的列表。"),
            )
        self.labels = list(labels)
        self._words = dict(words or {})

    @classmethod
    def yes_or_no(cls, yes: str, no: str) -> Choices:
        """Return the choice between yes, at place 0, and no, with the usual words for them."""
        return cls([yes, no], _WORDS)

    @property
    def fit_on_buttons(self) -> bool:
        """Whether a keyboard has room for them."""
        room = all(0 < len(label) <= LONGEST_LABEL for label in self.labels)
        return room and len(self.labels) <= MOST * MOST

    @property
    def numbered(self) -> str:
        """A line for each, with its number."""
        return "\n".join(f"{number}. {label}" for number, label in enumerate(self.labels, 1))

    def buttons(self, datas: Sequence[str]) -> list[list[Button]]:
        """Return the rows of a keyboard; the clicks bring ``datas``, one for each choice."""
        pairs = zip(self.labels, datas, strict=True)
        row = [Button.callback(label, data=data) for label, data in pairs]
        return [row[start : start + MOST] for start in range(0, len(row), MOST)]

    @staticmethod
    def are_left_by(text: str) -> bool:
        """Tell whether a text that means no choice means that the person wants none."""
        return _plain(text) in _LEAVING

    def read(self, text: str) -> int | None:
        """Return the place of the choice that a text means; None when it means none.

        The label itself counts first, so that of 3, 5 and 10 the answer "3" is the 3.
        """
        for said, labels in (
            (text.strip(), [label.strip() for label in self.labels]),
            (_plain(text), [_plain(label) for label in self.labels]),
        ):
            if said in labels:
                return labels.index(said)
        said = _plain(text)
        number = _NUMBER.fullmatch(with_digits(said))
        if number is not None and 1 <= int(number[1]) <= len(self.labels):
            return int(number[1]) - 1
        return self._words.get(said)


def _plain(text: str) -> str:
    """Return a text without what makes no difference: width, case, marks at its ends."""
    return unicodedata.normalize("NFKC", text).casefold().strip(_ENDS)
