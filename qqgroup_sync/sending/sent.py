"""What the platform accepted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qqgroup_sync.errors import ApiError
from qqgroup_sync.runtime.clock import Clock, Deadline

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.events.models import AuditResult


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
    # Waits at most so many seconds for the verdict on an audit_id.
    _verdict: Callable[[str, float | None], AuditResult | None] | None = field(
        default=None, repr=False, compare=False
    )

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
        """Whether a part went to the platform's review; see :meth:`wait_audit`."""
        return any(part.audit_id for part in self.parts)

    def wait_audit(self, timeout: float | None = 60.0) -> bool | None:
        """Wait until the platform has reviewed what it held back; blocks, from any thread.

        Source: audit event page, 2025-04. The client has to run, with
        ``Intents.MESSAGE_AUDIT`` among its ``intents``.

        Args:
            timeout: Seconds for all parts together; None waits as long as the client runs.

        Returns:
            True when everything was let through, at once when nothing was held back; False when
            a part was refused; None when nobody has said in time.

        Raises:
            StateError: No verdict can come, because the client does not ask for them.
        """
        deadline = Deadline(Clock(), timeout)
        for part in self.parts:
            if part.audit_id:
                verdict = self._verdict and self._verdict(part.audit_id, deadline.left())
                if not verdict:
                    return None
                if not verdict.passed:
                    return False
        return True

    def _id_of(self, part: SentPart) -> str:
        """Return the id of a part, which one that was reviewed got by its verdict."""
        if part.audit_id and not part.id and self._verdict is not None:
            verdict = self._verdict(part.audit_id, 0)
            return verdict.message_id if verdict is not None else ""
        return part.id

    def _repr_html_(self) -> str:
        from qqgroup_sync import rich  # noqa: PLC0415 - only in notebooks

        rows = [
            (part.id, rich.moment(part.timestamp), part.ref_idx, part.remark) for part in self.parts
        ]
        kind = "sent unasked" if self.proactive else "sent as an answer"
        return f"<div><b>{kind}</b></div>" + rich.table(("id", "time", "quote by", ""), rows)

    def recall(self) -> None:
        """Take every part back; possible for 2 minutes.

        Blocks; any thread. A part that is still under review has no id, and stays. Source: recall
        page, 2026-08.

        Raises:
            ApiError: The platform refuses a part: too old, or no right. The others are taken
                back all the same.
        """
        refusal: ApiError | None = None
        for part in self.parts:
            msg_id = self._id_of(part)
            if msg_id and self._recall is not None:
                try:
                    self._recall(msg_id)
                except ApiError as error:
                    refusal = refusal or error
        if refusal is not None:
            raise refusal
