"""Which host names are this machine. Pure."""

from __future__ import annotations

import ipaddress

QQ_HOSTS = frozenset(
    {"api.bot.qq.com", "api.sgroup.qq.com", "sandbox.api.sgroup.qq.com", "bots.qq.com"}
)
"""QQ's own names (2.1): whoever leads them here, such as a proxy, is served."""


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` is reachable from this machine only."""
    try:
        return host.lower() == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def is_allowed(header: str, bound: str, *, remote: bool) -> bool:
    """Tell whether a ``Host`` header names this machine.

    A page of another origin that reaches a loopback port through DNS rebinding carries its own
    name there; addresses, ``localhost`` and QQ's names are nothing that others could rebind.

    Args:
        header: The header's value.
        bound: The host the simulator is bound to.
        remote: Whether addresses other than loopback ones are accepted.
    """
    host = header.strip()
    host = host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]
    if is_loopback(host) or host.lower() == bound.lower() or host.lower() in QQ_HOSTS:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return remote
