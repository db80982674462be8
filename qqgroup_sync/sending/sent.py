"""What the platform accepted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qqgroup_sync.errors import ApiError

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class SentPart:
    """One message that the platform accepted.

    Attributes:
        id: What a recall takes; "" when the platform had seen the message before.
        timestamp: Unix seconds; None when the platform did not say.
        ref_idx: What a quote takes; may be "".
        audit_id: Set when the message waits for review.
        deduplicated: The platform had accepted this very message before (a repeated send).
    """

    id: str = ""
    timestamp: float | None = None
    ref_idx: str = ""
    audit_id: str = ""
    deduplicated: bool = False

    @property
    def remark(self) -> str:
        """What is not as usual about it, in words; may be empty."""
        if self.audit_id:
            return f"waits for review {self.audit_id}"
        return "the platform had it already" if self.deduplicated else ""


@dataclass(frozen=True, slots=True)
class Sent:
    """What one ``reply`` or ``send`` became: usually one message, several for a long text."""

    parts: tuple[SentPart, ...]
    proactive: bool = False
    _recall: Callable[[str], None] | None = field(default=None, repr=False, compare=False)

    @property
    def id(self) -> str:
        """Id of the first message."""
        return self.parts[0].id if self.parts else ""

    @property
    def ref_idx(self) -> str:
        """What quotes the first message."""
        return self.parts[0].ref_idx if self.parts else ""

    @property
    def pending(self) -> bool:
        """Whether a part waits for the platform's review."""
        return any(part.audit_id for part in self.parts)

    def _repr_html_(self) -> str:
        from qqgroup_sync import rich  # noqa: PLC0415 - only in notebooks

        rows = [
            (part.id, rich.moment(part.timestamp), part.ref_idx, part.remark) for part in self.parts
        ]
        kind = "sent unasked" if self.proactive else "sent as an answer"
        return f"<div><b>{kind}</b></div>" + rich.table(("id", "time", "quote by", ""), rows)

    def recall(self) -> None:
        """Take every part back; possible for 2 minutes.

        Blocks; any thread. Source: recall page, 2026-08.

        Raises:
            ApiError: The platform refuses a part: too old, or no right. The others are taken
                back all the same.
        """
        refusal: ApiError | None = None
        for part in self.parts:
            if part.id and self._recall is not None:
                try:
                    self._recall(part.id)
                except ApiError as error:
                    refusal = refusal or error
        if refusal is not None:
            raise refusal
