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
# What older Pythons take for public: protocol assignments, the translation of a network's own.
_RESERVED = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("64:ff9b:1::/48"))
# Ranges of IPv6 that carry an IPv4 address, and how many bits stand behind it: compatible,
# translated (NAT64), 6to4.
_CARRIERS = (
    (ipaddress.ip_network("::/96"), 0),
    (ipaddress.ip_network("64:ff9b::/96"), 0),
    (ipaddress.ip_network("2002::/16"), 80),
)


def is_private(address: str) -> bool:
    """Tell whether an IP address lies in a private, local or reserved range, or is many hosts'."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return True
    if found in _MADE_UP:
        return False
    if not found.is_global or found.is_multicast or any(found in one for one in _RESERVED):
        mapped = getattr(found, "ipv4_mapped", None)
        return mapped is None or is_private(str(mapped))
    if isinstance(found, ipaddress.IPv6Address):
        for carrier, behind in _CARRIERS:
            if found in carrier:
                inner = int(found) >> behind & 0xFFFFFFFF
                return is_private(str(ipaddress.IPv4Address(inner)))
        return found.is_site_local
    return False


def refuse_private(url: str, *, look_up: bool = True, language: str | None = None) -> None:
    """Refuse a URL whose host is on a private network.

    Args:
        url: What is to be fetched.
        look_up: Ask which addresses the host has; else only an address itself, or this machine's
            own name, is refused. Behind a proxy it is the proxy that looks names up.
        language: Language of cause and remedy in errors.

    Raises:
        MediaError: It is. A host that cannot be looked up is left to whoever connects.
    """
    try:
        host = urlsplit(url).hostname or ""
        addresses = _written(host) or (_look_up(host) if look_up else [])
    except (OSError, ValueError):  # ValueError: no URL, or no host name
        return
    refuse_addresses(addresses, host, language=language)


def _written(host: str) -> list[str]:
    """Return the address that a host is, however it is written: 127.1 is one, too."""
    bare = host.rstrip(".")
    if bare.lower() == "localhost" or bare.lower().endswith(".localhost"):
        return ["127.0.0.1"]
    try:
        return [str(ipaddress.ip_address(bare))]
    except ValueError:
        pass
    # inet_aton() takes anything behind a space for a comment
    if not bare[:1].isdigit() or not bare.isascii() or not bare.isprintable() or " " in bare:
        return []
    try:
        return [socket.inet_ntoa(socket.inet_aton(bare))]
    except OSError:
        return []


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
