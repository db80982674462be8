"""What goes wrong at a word: ``! drop``, ``! op 7``, ``! fail 500``, ``! step 5m``.

Reading is pure; a ``Fault`` that was read is carried out later.
"""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.simulator import Simulator
    from qqgroup_sync.simulator.groups import Group

    Act = Callable[[Simulator, Group], object]

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|min|h|d|)", re.IGNORECASE)
_UNITS = {"ms": 0.001, "s": 1, "": 1, "m": 60, "min": 60, "h": 3600, "d": 86400}
_SENDS = r"/(stream_)?messages$"


class FaultError(ValueError):
    """Nobody knows such a fault; the text says what could be written."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong.

    Attributes:
        text: As it was written.
        act: Carries it out, on a platform and on the group where it was said.
    """

    text: str
    act: Act


def duration(text: str) -> float:
    """Read a time such as ``2s``, ``500ms``, ``5m`` or ``1h``; without a unit it is in seconds.

    Raises:
        FaultError: It is none.
    """
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise FaultError(f"{text!r} is no time. Write one such as 2s, 500ms, 5m or 1h.")
    return float(found[1]) * _UNITS[found[2].lower()]


def read_fault(text: str) -> Fault:
    """Read a fault.

    Raises:
        FaultError: It is none.
    """
    name, *arguments = text.lower().split() or [""]
    read = _FAULTS.get(name)
    if read is None:
        near = difflib.get_close_matches(name, _FAULTS, 1, 0.7)
        meant = f" Is {near[0]!r} meant?" if near else ""
        raise FaultError(
            f"There is no fault {name!r}.{meant} There are: {'; '.join(USAGES.values())}."
        )
    try:
        return Fault(text, read(*arguments))
    except (TypeError, ValueError, KeyError) as error:
        if isinstance(error, FaultError):
            raise
        raise FaultError(f"Write it as  ! {USAGES[name]}") from error


# ---------------------------------------------------------------------- the gateway


def _drop() -> Act:
    return lambda simulator, _group: simulator.gateway.reset()


def _op(code: str, how: str = "") -> Act:
    if code == "7":
        return lambda simulator, _group: simulator.gateway.send_reconnect()
    if code != "9" or how not in ("", "resumable"):
        raise ValueError(code)
    return lambda simulator, _group: simulator.gateway.invalid_session(how == "resumable")


def _close(code: str) -> Act:
    from qqgroup_sync.simulator.websocket import check_close_code  # noqa: PLC0415 - an extra

    number = int(code)
    if number != 1006:  # which no frame carries: it stands for an end without one
        check_close_code(number)
    return lambda simulator, _group: simulator.gateway.close(number)


def _silence(switch: str = "on") -> Act:
    if _is_on(switch):
        return lambda simulator, _group: simulator.gateway.silence()
    return lambda simulator, _group: simulator.gateway.unsilence()


def _refuse(times: str = "1") -> Act:
    count = int(times)
    return lambda simulator, _group: simulator.gateway.refuse_connections(count)


def _duplicate(times: str = "1") -> Act:
    count = int(times)
    return lambda simulator, _group: simulator.gateway.duplicate_events(count)


# ---------------------------------------------------------------------- sending


def _fail(status: str, times: str = "1") -> Act:
    code, count = int(status), int(times)
    if not 400 <= code < 600:
        raise ValueError(status)
    return lambda simulator, _group: simulator.faults.fail(_SENDS, status=code, times=count)


def _slow(time: str, times: str = "1") -> Act:
    seconds, count = duration(time), int(times)
    return lambda simulator, _group: simulator.faults.delay(_SENDS, seconds, times=count)


def _cut(times: str = "1") -> Act:
    count = int(times)
    return lambda simulator, _group: simulator.faults.drop(_SENDS, count)


def _audit(times: str = "1") -> Act:
    count = int(times)
    return lambda simulator, _group: simulator.faults.audit(count)


def _expire() -> Act:
    return lambda simulator, _group: simulator.platform.expire_tokens()


# ---------------------------------------------------------------------- time and groups


def _step(time: str) -> Act:
    seconds = duration(time)
    return lambda simulator, _group: simulator.clock.advance(seconds)


def _mute(time: str = "") -> Act:
    if time == "off":
        return lambda _simulator, group: group.mute_bot(0)
    if not time:
        return lambda _simulator, group: group.mute_bot()
    seconds = duration(time)
    return lambda _simulator, group: group.mute_bot(seconds)


def _push(switch: str) -> Act:
    allowed = _is_on(switch)
    return lambda _simulator, group: group.allow_push(allowed)


def _full(switch: str = "on") -> Act:
    on = _is_on(switch)

    def act(_simulator: Simulator, group: Group) -> None:
        group.full_mode = on

    return act


def _kick() -> Act:
    return lambda _simulator, group: group.remove_bot()


def _invite() -> Act:
    return lambda _simulator, group: group.add_bot()


def _is_on(switch: str) -> bool:
    return {"on": True, "off": False}[switch]


_FAULTS: dict[str, Callable[..., Act]] = {
    "drop": _drop,
    "op": _op,
    "close": _close,
    "silence": _silence,
    "refuse": _refuse,
    "duplicate": _duplicate,
    "fail": _fail,
    "slow": _slow,
    "cut": _cut,
    "audit": _audit,
    "expire": _expire,
    "step": _step,
    "mute": _mute,
    "push": _push,
    "full": _full,
    "kick": _kick,
    "invite": _invite,
}

USAGES = {
    "drop": "drop",
    "op": "op 7, op 9, op 9 resumable",
    "close": "close 4009",
    "silence": "silence, silence off",
    "refuse": "refuse [TIMES]",
    "duplicate": "duplicate [TIMES]",
    "fail": "fail 500 [TIMES]",
    "slow": "slow 2s [TIMES]",
    "cut": "cut [TIMES]",
    "audit": "audit [TIMES]",
    "expire": "expire",
    "step": "step 5m",
    "mute": "mute, mute 10m, mute off",
    "push": "push off, push on",
    "full": "full on, full off",
    "kick": "kick",
    "invite": "invite",
}
"""How each fault is written."""
