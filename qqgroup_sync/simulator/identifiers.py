"""Identifiers and time stamps in the platform's notation. Pure, apart from randomness.

Identifiers are unique but no secrets, and several are made per message, some with a lock held: a
generator in the process makes them, because asking the system each time lets another thread run.
"""

from __future__ import annotations

import base64
import hashlib
import random
import time
import uuid
from functools import lru_cache

_BEIJING = 8 * 3600
_random = random.Random()


def openid(kind: str, name: str) -> str:
    """Return the 32-hex-uppercase openid of a group or user; the same name gives the same one."""
    return hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()[:32].upper()


def message_id() -> str:
    """Return a fresh message id; the ``!`` at its end is legal in a path but easy to mangle."""
    return f"ROBOT1.0_{base64.urlsafe_b64encode(_random.randbytes(24)).decode()}!"


def reference_index() -> str:
    """Return a fresh id by which a message can be quoted."""
    return f"REFIDX_{base64.b64encode(_random.randbytes(16)).decode()}"


def unique() -> str:
    """Return a fresh uuid, as sessions and interactions carry it."""
    return str(uuid.UUID(int=_random.getrandbits(128), version=4))


def token(size: int = 16) -> str:
    """Return fresh lowercase hex of ``2 * size`` characters, as trace ids carry it."""
    return _random.randbytes(size).hex()


@lru_cache(maxsize=256)
def _beijing(second: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second + _BEIJING)) + "+08:00"


def rfc3339(moment: float) -> str:
    """Write a moment the way events and answers carry it."""
    return _beijing(int(moment))


@lru_cache(maxsize=256)
def _http(second: int) -> str:
    return time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))


def http_date(moment: float) -> str:
    """Write a moment the way the HTTP ``Date`` header carries it."""
    return _http(int(moment))
