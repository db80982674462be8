"""The address under which the internet reaches this machine. It does not know who needs it."""

from __future__ import annotations

import ipaddress
import logging
import socket
import threading
from typing import TYPE_CHECKING

from qqgroup_sync.errors import HostingError, Text
from qqgroup_sync.masking import mask
from qqgroup_sync.runtime.clock import Deadline

if TYPE_CHECKING:
    from collections.abc import Sequence

    from qqgroup_sync.runtime.clock import Clock

    Route = tuple[socket.AddressFamily, str]

logger = logging.getLogger(__name__)

# Each answers a GET with the caller's address and nothing else. Two are quick from within China.
ECHO_SERVICES = (
    "https://4.ipw.cn",
    "https://ip.3322.net",
    "https://checkip.amazonaws.com",
    "https://api.ipify.org",
    "https://ipv4.icanhazip.com",
)
# Public DNS servers. Nothing is sent to them: they only make the system choose an interface.
ROUTES: tuple[Route, ...] = (
    (socket.AF_INET, "223.5.5.5"),
    (socket.AF_INET6, "2400:3200::1"),
)
TIMEOUT = 3.0  # seconds for each service
KEPT = 600.0  # seconds; home connections get new addresses
FAILURE_KEPT = 30.0  # seconds in which all services are not asked again for each picture
_LONGEST = 100  # bytes of an answer

_lock = threading.Lock()
_known: dict[tuple[object, ...], tuple[float, str]] = {}  # until when, and the address or ""


def find(
    *,
    clock: Clock,
    ca_bundle: str | None = None,
    language: str | None = None,
    echo_services: Sequence[str] = ECHO_SERVICES,
    routes: Sequence[Route] = ROUTES,
    timeout: float = TIMEOUT,
) -> str:
    """Return the public IP address of this machine; blocks unless it was found before.

    It is that of the outgoing interface when that is a public one, else what echo services see.
    A proxy is never used for that: its address would be the answer.

    Args:
        clock: Where time comes from.
        ca_bundle: Certificates to trust.
        language: Language of cause and remedy in errors.
        echo_services: URLs that answer with the caller's address, asked in turn.
        routes: Addresses far away, tried in turn to find the outgoing interface.
        timeout: Seconds for each service.

    Returns:
        An IPv4 address where there is one, else IPv6 (in a URL it stands in brackets).

    Raises:
        HostingError: It cannot be found out.
    """
    key = (tuple(echo_services), tuple(routes))
    now = clock.monotonic()
    with _lock:
        ends, address = _known.get(key, (now, ""))
    if ends <= now:
        address = _interface(routes) or _ask(echo_services, ca_bundle, clock, timeout)
        kept = KEPT if address else FAILURE_KEPT
        with _lock:
            _known[key] = (clock.monotonic() + kept, address)
    if address:
        return address
    raise HostingError(
        "the public address of this machine cannot be found out",
        cause=Text(
            "It has no public address of its own, and no service told which one it has.",
            "本机没有公网地址，也无法通过外部服务查询到。",
        ),
        remedy=Text(
            "Name it by public_url='http://host:port', use a tunnel and give its address there, "
            "or host media elsewhere (S3ChainBuilder). Direct upload needs none of it: "
            "Client(media='upload').",
            "请用 public_url='http://host:port' 指定；或使用内网穿透并填写其地址；"
            "或使用第三方托管（S3ChainBuilder）。"
            "直接上传则都不需要：Client(media='upload')。",
        ),
        language=language,
    )


def forget() -> None:
    """Find the address anew next time: the network changed, or it turned out wrong."""
    with _lock:
        _known.clear()


def public(text: str) -> str:
    """Return an address in its usual form, "" when it is none that the internet can reach."""
    try:
        address = ipaddress.ip_address(text.strip())
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    address = mapped or address
    return str(address) if address.is_global and not address.is_multicast else ""


def _interface(routes: Sequence[Route]) -> str:
    """Return the address of the outgoing interface when the internet can reach it."""
    for family, far_away in routes:
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as sock:
                sock.connect((far_away, 53))  # of UDP: sends nothing, but chooses the interface
                own = str(sock.getsockname()[0])
        except OSError:
            continue  # no network, or none of this family
        if address := public(own):
            return address
    return ""


def _ask(services: Sequence[str], ca_bundle: str | None, clock: Clock, timeout: float) -> str:
    from urllib3.exceptions import HTTPError  # noqa: PLC0415 - not before an address is needed

    for url in services:
        try:
            answer = _fetch(url, ca_bundle, Deadline(clock, timeout), timeout)
        except (OSError, ValueError, HTTPError) as error:  # what requests raises are OSErrors
            logger.debug("%s: %s", mask(url), type(error).__name__)
            continue
        if address := public(answer):
            return address
        logger.debug("%s told no public address", mask(url))
    return ""


def _fetch(url: str, ca_bundle: str | None, deadline: Deadline, timeout: float) -> str:
    """Return the first bytes of an answer, "" when it is not one of success."""
    import requests  # noqa: PLC0415 - not before an address is needed

    with requests.Session() as session:
        session.trust_env = False  # no proxy
        with session.get(
            url,
            stream=True,
            timeout=timeout,
            verify=ca_bundle,
            allow_redirects=False,
            headers={"Accept": "text/plain", "User-Agent": "curl/8"},  # else some answer a page
        ) as response:
            if response.status_code != requests.codes.ok:
                return ""
            content = b""
            while len(content) < _LONGEST and not deadline.passed:
                piece = response.raw.read1(_LONGEST)
                if not piece:
                    break
                content += piece
    return content.decode("ascii", "replace")
