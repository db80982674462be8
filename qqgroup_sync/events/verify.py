"""Why a handler was chosen for a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verify:
    """What ``keywords=`` or ``verify=`` of a handler said about a message.

    Attributes:
        result: Whether the message is for the handler.
        weight: Of handlers of the same level the heaviest one runs.
        keypoint: What was found: the keyword, the ``re.Match`` of a pattern, or what the function
            returned as third value.
    """

    result: bool = True
    weight: float = 1
    keypoint: Any = None

    def __bool__(self) -> bool:
        return self.result
