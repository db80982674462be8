"""Which hosts may be fetched from: a URL that somebody sent must not open this network to him."""

from __future__ import annotations

import ipaddress
import socket
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from qqgroup_sync.errors import MediaError, Text

if TYPE_CHECKING:
    from collections.abc import Iterable

# Proxy programs that answer every look-up with an address of their own use this range.
_MADE_UP = ipaddress.ip_network("198.18.0.0/15")


def is_private(address: str) -> bool:
    """Tell whether an IP address lies in a private, local or reserved range."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    mapped = getattr(found, "ipv4_mapped", None)
    found = mapped or found
    return not found.is_global and found not in _MADE_UP


def refuse_private(url: str, *, language: str | None = None) -> None:
    """Look a URL's host up, and refuse it when it is on a private network.

    Raises:
        MediaError: It is. A host that cannot be looked up is left to whoever connects.
    """
    try:
        host = urlsplit(url).hostname or ""
        addresses = [host] if _is_address(host) else _look_up(host)
    except (OSError, ValueError):  # ValueError: no URL, or no host name
        return
    refuse_addresses(addresses, host, language=language)


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _look_up(host: str) -> list[str]:
    if not host:
        return []
    found = socket.getaddrinfo(host, 443, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in found]


def refuse_addresses(
    addresses: Iterable[str], host: str | None, *, language: str | None = None
) -> None:
    """Refuse a host by its addresses; see :func:`refuse_private`."""
    if any(is_private(address) for address in addresses):
        raise MediaError(
            f"{host} is on a private network, from which nothing is fetched",
            cause=Text(
                "A link from a chat could otherwise read what only this machine can reach.",
                "否则聊天里的链接就能读取只有本机能访问的内容。",
            ),
            remedy=Text(
                "If you trust every link: Client(private_urls=True). Files of your own can be "
                "given as a path or bytes.",
                "若信任所有链接：Client(private_urls=True)。自己的文件可直接传入路径或 bytes。",
            ),
            language=language,
        )
