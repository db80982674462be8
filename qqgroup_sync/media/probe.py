"""Looks whether a public address leads to the resource service, and says in plain words if not.

It does not know how something is published: it is given a name, and what must stand there.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from qqgroup_sync.errors import Text
from qqgroup_sync.runtime.clock import Clock, Deadline

if TYPE_CHECKING:
    import requests

TIMEOUT = 10.0  # seconds for everything
MAX_REDIRECTS = 3
_SURPLUS = 1024  # bytes read beyond what is expected, to see what it is instead


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """What was found at the public address.

    Attributes:
        ok: QQ can fetch media there, as far as can be told from here.
        kind: ``fine``, ``not_reachable``, ``wrong_host`` or ``in_front``.
        text: The same in plain words.
    """

    ok: bool
    kind: str
    text: Text


def probe(
    domain_url: str,
    *,
    path_name: str,
    expected: bytes,
    timeout: float = TIMEOUT,
    direct: bool = False,
    ca_bundle: str | None = None,
    clock: Clock | None = None,
) -> Diagnosis:
    """Fetch something published through the public address; blocks, never raises for the network.

    Args:
        domain_url: What stands before the names, such as ``http://host:8086/resource``.
        path_name: The published name.
        expected: What was published.
        timeout: Seconds for everything.
        direct: Never use a proxy.
        ca_bundle: Certificates to trust.
        clock: Where time comes from.
    """
    import requests  # noqa: PLC0415 - not before something is published
    import urllib3.exceptions  # noqa: PLC0415 - as above

    url = f"{domain_url.rstrip('/')}/{path_name}"
    host = _host_of(url)
    if not host:
        return _not_reachable("?", _NO_ADDRESS)
    deadline = Deadline(clock or Clock(), timeout)
    try:
        with requests.Session() as session:
            session.trust_env = not direct
            session.max_redirects = MAX_REDIRECTS
            with session.get(
                url,
                stream=True,
                timeout=timeout,
                verify=ca_bundle,
                headers={"Accept-Encoding": "identity"},
            ) as response:
                content = _read(response, len(expected) + _SURPLUS, deadline)
                return _judge(host, response, content, expected)
    except requests.TooManyRedirects:
        return _in_front(
            host,
            Text("it redirects again and again", "它在不停地重定向"),
        )
    except (OSError, ValueError, urllib3.exceptions.HTTPError) as error:  # requests' are OSErrors
        return _not_reachable(host, _reason(error))


def _read(response: requests.Response, limit: int, deadline: Deadline) -> bytes:
    content = b""
    while len(content) < limit:
        piece = response.raw.read1(limit - len(content))
        if not piece:
            break
        content += piece
        if deadline.passed:
            raise TimeoutError
    return content


def _judge(host: str, response: requests.Response, content: bytes, expected: bytes) -> Diagnosis:
    status = response.status_code
    landed = _host_of(response.url)
    if status == 200 and content == expected:
        return Diagnosis(
            ok=True,
            kind="fine",
            text=Text(f"{host} leads to this resource service.", f"{host} 可以访问到本资源服务。"),
        )
    if response.history:
        return _in_front(
            host,
            Text(f"it redirects to {landed}, a login page?", f"它重定向到 {landed}（登录页？）"),
        )
    if status in (401, 403, 407, 511):
        return _in_front(
            host,
            Text(
                f"it answers HTTP {status}: it asks for a login or blocks foreigners",
                f"它返回 HTTP {status}：需要登录，或拒绝外部访问",
            ),
        )
    if status >= 500:
        return _in_front(
            host,
            Text(
                f"it answers HTTP {status}: a proxy or tunnel that does not reach this machine; "
                "is it forwarding to the right port?",
                f"它返回 HTTP {status}：代理或隧道连不到本机，请检查转发的端口",
            ),
        )
    if status == 200 and _is_page(response, content):
        return _in_front(
            host,
            Text(
                "it answers with a web page, such as a tunnel's warning that must be clicked away",
                "它返回了网页，例如内网穿透要求点击确认的提示页",
            ),
        )
    return Diagnosis(
        ok=False,
        kind="wrong_host",
        text=Text(
            f"{host} answers (HTTP {status}), but it is not this resource service: another "
            "program or machine has that address. Check host, port and path of public_url, the "
            "port forwarding, and that the path /resource is passed on.",
            f"{host} 有应答（HTTP {status}），但不是本资源服务：该地址属于其他程序或机器。"
            "请检查 public_url 的主机、端口和路径、端口转发，并确认 /resource 路径原样转发。",
        ),
    )


def _is_page(response: requests.Response, content: bytes) -> bool:
    head = content.lstrip()[:14].lower()
    return "html" in response.headers.get("Content-Type", "") or head.startswith(
        (b"<html", b"<!doctype html")
    )


def _in_front(host: str, what: Text) -> Diagnosis:
    return Diagnosis(
        ok=False,
        kind="in_front",
        text=Text(
            f"Something stands in front of this resource service at {host}: {what.en}. QQ cannot "
            "pass it either; let /resource through unchanged, or use another tunnel or hosting.",
            f"{host} 与本资源服务之间有东西挡着：{what.zh}。"
            "QQ 同样无法通过；请放行 /resource，或更换隧道或托管方式。",
        ),
    )


def _not_reachable(host: str, why: Text) -> Diagnosis:
    return Diagnosis(
        ok=False,
        kind="not_reachable",
        text=Text(
            f"{host} cannot be reached from here: {why.en}. Open the port in the firewall, the "
            "cloud's security group and the router, or use a tunnel (public_url=...). Behind some "
            "routers the own public address never works from inside (NAT hairpin): then it may "
            "still be reachable for QQ.",
            f"从本机无法访问 {host}：{why.zh}。请在防火墙、云安全组和路由器上放行端口，"
            "或使用内网穿透（public_url=...）。部分路由器不支持从内网访问自己的公网地址"
            "（NAT 回环）：此时 QQ 也许仍能访问。",
        ),
    )


_NO_ADDRESS = Text("the public address is no URL", "公网地址不是有效的 URL")
_REASONS = (
    (
        ("NameResolution", "gaierror", "UnicodeError", "LocationParse", "InvalidURL"),
        Text("its name cannot be looked up (DNS)", "域名解析失败（DNS）"),
    ),
    (("Proxy",), Text("the proxy of this machine refuses", "本机的代理拒绝了请求")),
    (
        ("SSL", "Certificate"),
        Text("TLS failed (is its certificate valid?)", "TLS 握手失败（证书是否有效？）"),
    ),
    (
        ("ConnectionRefused",),
        Text("the connection was refused, nothing listens there", "连接被拒绝，该端口无人监听"),
    ),
    (("Timeout", "TimedOut"), Text("no answer came in time", "没有及时应答")),
)
_BROKE = Text("the connection broke", "连接中断")


def _reason(error: BaseException) -> Text:
    """Return what an exception means, by the names of those that it wraps."""
    names = " ".join(_names(error))
    for words, text in _REASONS:
        if any(word in names for word in words):
            return text
    return _BROKE


def _names(error: BaseException | None) -> list[str]:
    names: list[str] = []
    while error is not None and len(names) < 12:
        # urllib3 counts refused connections and failed look-ups among its time-outs, but their
        # own names tell.
        names.append(type(error).__name__)
        inner: Any = getattr(error, "reason", None) or (error.args[0] if error.args else None)
        if not isinstance(inner, BaseException):
            inner = error.__cause__ or error.__context__
        error = inner
    return names


def _host_of(url: str) -> str:
    """Return host and port of a URL; the rest of it may be secret."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{host}{port}"
