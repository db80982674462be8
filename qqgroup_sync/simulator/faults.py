"""What can go wrong on the REST side, on demand. Knows nothing about Flask or sockets."""

from __future__ import annotations

import math
import re
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.simulator.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(slots=True)
class Fault:
    """One thing that will go wrong, for the next ``times`` requests that match.

    Attributes:
        kind: What happens.
        path: Searched for in the request's path.
        method: Upper case; None for any.
        times: How often it still happens; ``math.inf`` until ``clear``.
        after_accept: Whether the request is carried out first.
        status: HTTP status of a failure.
        body: A dict is sent as JSON, a string as HTML.
        refusal: What is refused with, in the shape of all refusals, when there is no body.
        headers: Extra headers of a failure.
        seconds: Simulated seconds of a delay.
        abruptly: Whether a drop is a TCP reset.
    """

    kind: Literal["fail", "delay", "drop", "audit"]
    path: re.Pattern[str]
    method: str | None = None
    times: float = 1
    after_accept: bool = False
    status: int = 500
    body: dict[str, Any] | str | None = None
    refusal: RefusalError | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    abruptly: bool = False


class Faults:
    """The faults that are waiting to happen. Safe from any thread; nothing here blocks.

    Faults of one kind happen in the order in which they were asked for; a request meets at most
    one of each kind.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Fault] = []

    def fail(
        self,
        path_regex: str,
        *,
        times: float = 1,
        status: int = 500,
        body: dict[str, Any] | str | None = None,
        headers: Mapping[str, str] | None = None,
        method: str | None = None,
    ) -> None:
        """Answer with an error instead of carrying the request out.

        Args:
            path_regex: Searched for in the path; ``""`` matches all.
            times: For how many requests.
            status: HTTP status, such as 429 (with ``headers={"Retry-After": "1"}``), 500, 504.
            body: A dict for JSON (a trace id is added), a string for HTML as the edge sends it,
                None for the platform's usual error body with the status as its code.
            headers: Extra headers.
            method: Only requests with this method.
        """
        fault = Fault("fail", re.compile(path_regex), method, times, status=status, body=body)
        fault.headers = dict(headers or {})
        if body is None:
            fault.refusal = RefusalError(status, text="simulated failure", status=status)
        self._add(fault)

    def refuse(
        self,
        err_code: int,
        path_regex: str = r"/messages$",
        *,
        times: float = 1,
        status: int | None = None,
        message: str | None = None,
        method: str | None = None,
    ) -> None:
        """Refuse with any of the platform's codes, also those that no rule here leads to.

        Args:
            err_code: The platform's code (2.12).
            path_regex: Searched for in the path; sends by default.
            times: For how many requests.
            status: HTTP status; the one that the code usually comes with when None.
            message: The platform's text; ours when None.
            method: Only requests with this method.
        """
        refusal = RefusalError(err_code, text=message, status=status)
        pattern = re.compile(path_regex)
        self._add(Fault("fail", pattern, method, times, status=refusal.status, refusal=refusal))

    def delay(
        self,
        path_regex: str,
        seconds: float = math.inf,
        *,
        times: float = 1,
        after_accept: bool = False,
        method: str | None = None,
    ) -> None:
        """Answer late, or never.

        Args:
            path_regex: Searched for in the path.
            seconds: Simulated seconds; without end until the simulator stops by default.
            times: For how many requests.
            after_accept: Whether the request is carried out before the delay, so that a client
                times out on a message that was sent.
            method: Only requests with this method.
        """
        pattern = re.compile(path_regex)
        self._add(
            Fault("delay", pattern, method, times, after_accept=after_accept, seconds=seconds)
        )

    def drop(
        self,
        path_regex: str,
        times: float = 1,
        *,
        after_accept: bool = False,
        abruptly: bool = False,
        method: str | None = None,
    ) -> None:
        """Close the connection without an answer.

        Args:
            path_regex: Searched for in the path.
            times: For how many requests.
            after_accept: Whether the request is carried out first.
            abruptly: With a TCP reset rather than an orderly close.
            method: Only requests with this method.
        """
        pattern = re.compile(path_regex)
        self._add(
            Fault("drop", pattern, method, times, after_accept=after_accept, abruptly=abruptly)
        )

    def audit(self, times: float = 1) -> None:
        """Answer the next sends with 202 and 304024 (replies) or 304023: waiting for audit (2.2).

        The message is in the chat all the same, with its ``audit_id`` set; the verdict can be
        given with ``platform.messaging.decide_audit``. Sends that are refused, and typing
        notices, are no messages: they leave the fault to the next send.
        """
        self._add(Fault("audit", re.compile(r"/messages$"), "POST", times, after_accept=True))

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._waiting.clear()

    @property
    def waiting(self) -> int:
        """How many faults were asked for and have not happened ``times`` times yet."""
        return len(self._waiting)

    def armed(self) -> list[Fault]:
        """Return what is waiting to happen, in the order in which it was asked for."""
        with self._lock:
            return list(self._waiting)

    def take(self, method: str, path: str) -> dict[str, Fault]:
        """Return what happens to this request, by kind, and count it.

        An audit happens only to what was accepted: it counts with ``strike``.
        """
        if not self._waiting:
            return {}
        with self._lock:
            found: dict[str, Fault] = {}
            for fault in self._waiting:
                if fault.kind in found or (fault.method or method) != method:
                    continue
                if fault.path.search(path):
                    found[fault.kind] = fault
                    fault.times -= fault.kind != "audit"
            self._sweep()
            return found

    def strike(self, fault: Fault) -> bool:
        """Count a fault that happens after all; return False when it is used up already."""
        with self._lock:
            waits = any(one is fault for one in self._waiting)
            fault.times -= waits
            self._sweep()
            return waits

    def _sweep(self) -> None:
        self._waiting = [fault for fault in self._waiting if fault.times > 0]

    def _add(self, fault: Fault) -> None:
        with self._lock:
            self._waiting.append(fault)
