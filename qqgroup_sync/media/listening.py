"""A port of this machine to listen on, and what is wrong when it cannot be had."""

from __future__ import annotations

import contextlib
import errno
import ipaddress
import socket
import sys
from typing import TYPE_CHECKING

from qqgroup_sync.errors import ConfigError, HostingError, Text

if TYPE_CHECKING:
    from qqgroup_sync.settings import QQGroupChainBuilderOptions

BACKLOG = 1024
_OURS_TO_SAY = ("host", "port", "listen", "sockets", "unix_socket")


def check_options(options: QQGroupChainBuilderOptions, language: str | None) -> None:
    """Refuse options for waitress that would say where to listen.

    Raises:
        ConfigError: There is one.
    """
    wrong = [name for name in options.http_server_options or () if name in _OURS_TO_SAY]
    if wrong:
        raise ConfigError(
            f"http_server_options: {wrong[0]} is not possible here",
            remedy=Text(
                "Say where to listen by QQGroupChainBuilderOptions(host=..., port=...).",
                "监听地址请用 QQGroupChainBuilderOptions(host=..., port=...) 设置。",
            ),
            language=language,
        )


def bind(options: QQGroupChainBuilderOptions, language: str | None) -> socket.socket:
    """Return a listening socket.

    Raises:
        HostingError: The port cannot be had.
    """
    try:
        family, address = _address(options.host, options.port)
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            if sys.platform == "win32":  # there SO_REUSEADDR lets two servers share a port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            else:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                with contextlib.suppress(OSError):  # "::" means IPv4 as well, where that exists
                    listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listener.bind(address)
            listener.listen(BACKLOG)
            listener.setblocking(False)
        except BaseException:
            listener.close()
            raise
    except (OSError, ValueError) as error:  # ValueError: a host name that cannot be one
        why = error.strerror if isinstance(error, OSError) else "no host name"
        cause, remedy = _diagnose(error)
        raise HostingError(
            f"the resource service cannot listen on {options.host}:{options.port}: {why}",
            cause=cause,
            remedy=remedy,
            language=language,
        ) from error
    return listener


def _address(host: str, port: int) -> tuple[socket.AddressFamily, tuple[str, int]]:
    host = "0.0.0.0" if host in ("", "*") else host  # noqa: S104 - what those mean
    try:
        version = ipaddress.ip_address(host).version
    except ValueError:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        found.sort(key=lambda one: one[0] != socket.AF_INET)
        return found[0][0], (str(found[0][4][0]), port)
    return (socket.AF_INET if version == 4 else socket.AF_INET6), (host, port)


def _diagnose(error: Exception) -> tuple[Text, Text]:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return (
            Text("Another program has this port.", "端口已被其他程序占用。"),
            Text(
                "Stop it (another bot?), or choose another port: "
                "QQGroupChainBuilderOptions(port=8087).",
                "请关闭占用端口的程序（另一个机器人？），"
                "或换一个端口：QQGroupChainBuilderOptions(port=8087)。",
            ),
        )
    if number in (errno.EACCES, errno.EPERM):
        return (
            Text(
                "Ports below 1024, and some others, are for the administrator.",
                "1024 以下及部分端口需要管理员权限。",
            ),
            Text(
                "Choose a higher port: QQGroupChainBuilderOptions(port=8086).",
                "请换用更大的端口：QQGroupChainBuilderOptions(port=8086)。",
            ),
        )
    return (
        Text("The host is no address of this machine.", "host 不是本机的地址。"),
        Text(
            "Use host='0.0.0.0' for all addresses of this machine; the public address or a "
            "tunnel's is given by public_url=...",
            "监听本机所有地址请用 host='0.0.0.0'；公网或隧道地址请用 public_url=... 指定。",
        ),
    )
