"""Whether a host can be reached, and why not: cause and remedy for people."""

from __future__ import annotations

import contextlib
import socket
import time
from urllib.parse import urlsplit

import requests.utils

from qqgroup_sync.errors import Text

PATIENCE = 1.0  # seconds for a connection; a network that is slower than that is found by trying
_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


def can_reach(url: str, *, direct: bool = False) -> bool:
    """Return whether the host of a URL, or the proxy on the way to it, takes connections.

    Blocks for a second, and for as long as the system looks the name up. Costs one connection
    that is closed at once, and where there is no network at all not even that.

    Args:
        url: Of HTTP or a WebSocket.
        direct: Never use a proxy.
    """
    with (
        contextlib.suppress(OSError, ValueError),
        socket.create_connection(_first_stop(url, direct=direct), timeout=PATIENCE),
    ):
        return True
    return False


def _first_stop(url: str, *, direct: bool) -> tuple[str, int]:
    """Return where a connection to a URL leads first."""
    parts = urlsplit(url)
    if not direct:
        web = parts._replace(scheme="https" if parts.scheme in ("https", "wss") else "http")
        proxies = requests.utils.get_environ_proxies(web.geturl())
        proxy = requests.utils.select_proxy(web.geturl(), proxies)
        if proxy:
            parts = urlsplit(proxy if "//" in proxy else f"http://{proxy}")
            return parts.hostname or "", parts.port or 1080
    return parts.hostname or "", parts.port or _PORTS.get(parts.scheme, 443)


class Outage:
    """Tells when a host that could not be reached can be reached again. For one thread.

    After a look that took long, as a name server that does not answer makes it, it rests for as
    long again: a thread that is always inside such a look could not be stopped.

    Args:
        direct: Never use a proxy.

    Attributes:
        missing: Whether it could not be reached when it was last looked at.
    """

    def __init__(self, *, direct: bool = False) -> None:
        self._direct = direct
        self._rests_until = 0.0
        self.missing = False

    def over(self, url: str) -> bool:
        """Look at a host; return whether it answers, and did not the time before.

        A host that answers all the time ends no outage: then it is not the network that is
        missing, and somebody who tried again at once would only hammer on it.
        """
        began = time.monotonic()  # of the machine: nothing else makes a look slow
        if self.missing and began < self._rests_until:
            return False
        before, self.missing = self.missing, not can_reach(url, direct=self._direct)
        took = time.monotonic() - began
        self._rests_until = began + 2 * took if took > 2 * PATIENCE else 0.0
        return before and not self.missing


def diagnose(error: BaseException) -> tuple[Text, Text]:
    """Return cause and remedy of an exception that a connection ended with."""
    names = " ".join(type(one).__name__ for one in causes(error))
    if "Proxy" in names or "InvalidSchema" in names:  # first: its name or TLS may be what failed
        return _PROXY
    if "NameResolution" in names or "gaierror" in names or "WebSocketAddress" in names:
        return _DNS
    if "SSL" in names:
        return _TLS
    return _REFUSED


def causes(error: BaseException | None) -> list[BaseException]:
    """Return the error and what it wraps, outermost first."""
    found: list[BaseException] = []
    while error is not None and error not in found and len(found) < 12:
        found.append(error)
        inner = getattr(error, "reason", None)
        if not isinstance(inner, BaseException):
            inner = error.args[0] if error.args else None
        if not isinstance(inner, BaseException):
            inner = error.__cause__ or error.__context__
        error = inner
    return found


_PROXY = (
    Text("The proxy did not let the request through.", "代理没有放行请求。"),
    Text(
        "Check HTTPS_PROXY / HTTP_PROXY / ALL_PROXY / NO_PROXY in the environment; a"
        " socks5:// proxy needs: pip install pysocks",
        "检查环境变量 HTTPS_PROXY / HTTP_PROXY / ALL_PROXY / NO_PROXY；"
        "socks5:// 代理需要 pip install pysocks",
    ),
)
_DNS = (
    Text("The host name could not be looked up (DNS).", "域名解析失败（DNS）。"),
    Text(
        "Check the network connection and DNS; with a custom api_base, its spelling.",
        "检查网络连接和 DNS；若自定义了 api_base，请检查拼写。",
    ),
)
_TLS = (
    Text(
        "TLS failed: the certificate is not trusted, or something between rewrites it.",
        "TLS 握手失败：证书不受信任，或被中间设备替换。",
    ),
    Text(
        "Check the clock of this machine; behind a company proxy pass "
        "Client(ca_bundle='company.pem').",
        "检查本机时间；若经过公司代理，请传入 Client(ca_bundle='company.pem')。",
    ),
)
_REFUSED = (
    Text("The connection was refused or broke.", "连接被拒绝或中断。"),
    Text(
        "Check the network connection, firewall and proxy settings.",
        "检查网络连接、防火墙和代理设置。",
    ),
)
SLOW = Text("The server did not answer in time.", "服务器没有及时应答。")
