"""HTTP exchanges: connections, time-outs, certificates and proxies. Knows no tokens or codes.

Two ways lead to the platform: ``requests`` for everything, and a lean one below it for the few
calls that a busy bot makes all the time (``keepalive``; behind a proxy the urllib3 pool of the
same adapter), with proxies and certificates resolved once instead of on every call.
"""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from typing import TYPE_CHECKING, Any, NamedTuple, cast
from urllib.parse import urlsplit
from urllib.request import getproxies

import requests
import requests.exceptions
import requests.utils
import urllib3
import urllib3.exceptions

from qqgroup_sync.api.fetching import Adapter
from qqgroup_sync.api.keepalive import MOST, AnswerError, ConnectError, KeepAlive
from qqgroup_sync.errors import Text, TransportError, TransportTimeout
from qqgroup_sync.masking import know_proxy, mask_library, presentable
from qqgroup_sync.network import SLOW, causes, diagnose

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    Way = Callable[[str, str, bytes, Mapping[str, str], float], "Exchange"]

CONNECT_TIMEOUT = 10.0
_PIECE = 64 * 1024
NO_RETRY = urllib3.Retry(total=False, redirect=False)

# Of TLS only this one: any other failure may come while the answer is read. No ProxyError: with a
# proxy urllib3 calls a connection so that broke after the request went out.
_NEVER_SENT = (
    ConnectError,
    urllib3.exceptions.NewConnectionError,
    urllib3.exceptions.ConnectTimeoutError,
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidProxyURL,
    requests.exceptions.InvalidSchema,
    ssl.SSLCertVerificationError,
)
_TIMED_OUT = (
    urllib3.exceptions.TimeoutError,
    requests.exceptions.Timeout,
    TimeoutError,
)


class Exchange(NamedTuple):
    """One HTTP answer. ``headers`` is case-insensitive."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class Transport:
    """A shared pool of connections; safe from any thread.

    Args:
        pool_size: Connections kept per host: as many as threads send at once.
        ca_bundle: File with the certificates to trust; None takes the environment's or
            certifi's. Verification cannot be turned off.
        direct: Never use a proxy (for a simulator on this machine).
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self,
        *,
        pool_size: int = 64,
        ca_bundle: str | None = None,
        direct: bool = False,
        language: str | None = None,
    ) -> None:
        mask_library("urllib3")  # at level DEBUG it logs links with their keys
        for proxy in () if direct else getproxies().values():
            know_proxy(proxy)
        self._ca_bundle = ca_bundle
        self._language = language
        self._session = requests.Session()
        self._session.trust_env = not direct
        self._session.auth = _as_it_is
        adapter = Adapter(pool_connections=8, pool_maxsize=pool_size)
        self._session.mount("https://", adapter)
        self._session.mount("http://", adapter)
        self._lock = threading.Lock()
        self._pool_size = pool_size
        self._ways: dict[str, KeepAlive | Way] = {}  # of the lean calls, per host

    def request(
        self,
        method: str,
        url: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
    ) -> Exchange:
        """Send one request; redirects are not followed.

        Raises:
            TransportError: No answer came. ``.never_sent`` tells whether the platform cannot
                have acted on it.
        """
        try:
            response = self._session.request(
                method,
                url,
                data=body,
                headers=headers,
                timeout=(min(CONNECT_TIMEOUT, timeout), timeout),
                verify=self._ca_bundle,
                allow_redirects=False,
                stream=True,
            )
            with response:
                content = _gathered(response.iter_content(_PIECE), response.headers)
        # requests' own are OSErrors
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            raise self._no_answer(method, url, error) from presentable(error)
        return Exchange(response.status_code, response.headers, content)

    def lean(
        self,
        method: str,
        base: str,
        path: str,
        *,
        body: bytes,
        headers: Mapping[str, str],
        timeout: float = 30.0,
    ) -> Exchange:
        """Send one request by the shortest way; raises as :meth:`request` does."""
        try:
            way = self._ways.get(base) or self._find_way(base)
            if isinstance(way, KeepAlive):
                status, answered, content = way.exchange(method, path, body, headers, timeout)
                return Exchange(status, cast("Mapping[str, str]", answered), content)
            return way(method, path, body, headers, timeout)
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError) as error:
            raise self._no_answer(method, base + path, error) from presentable(error)

    def _find_way(self, base: str) -> KeepAlive | Way:
        """Decide how the lean calls to ``base`` travel; proxies and certificates are settled."""
        prepared = self._session.prepare_request(requests.Request("POST", base + "/"))
        settings = self._session.merge_environment_settings(
            prepared.url or base, {}, None, self._ca_bundle, None
        )
        way: KeepAlive | Way
        if requests.utils.select_proxy(base, settings["proxies"]):
            way = self._way_by_proxy(prepared, settings)
        else:
            verify = settings["verify"]
            certificates = (
                verify if isinstance(verify, str) else requests.utils.DEFAULT_CA_BUNDLE_PATH
            )
            way = KeepAlive(
                base,
                size=self._pool_size,
                connect_timeout=CONNECT_TIMEOUT,
                certificates=certificates,
            )
        with self._lock:
            return self._ways.setdefault(base, way)

    def _way_by_proxy(self, prepared: requests.PreparedRequest, settings: Any) -> Way:
        """Return a way through the adapter's own urllib3 pool."""
        adapter = self._session.get_adapter(prepared.url or "")
        assert isinstance(adapter, Adapter)
        verify, proxies = settings["verify"], settings["proxies"]
        pool: Any = adapter.get_connection_with_tls_context(prepared, verify, proxies, None)
        # As requests does before each call; without it the pool trusts the system's certificates.
        adapter.cert_verify(pool, prepared.url, verify, None)  # type: ignore[no-untyped-call]
        prefix = adapter.request_url(prepared, proxies).removesuffix("/")

        def way(
            method: str, path: str, body: bytes, headers: Mapping[str, str], timeout: float
        ) -> Exchange:
            response = pool.urlopen(
                method,
                prefix + path,
                body=body,
                headers=headers,
                retries=NO_RETRY,
                timeout=urllib3.Timeout(connect=min(CONNECT_TIMEOUT, timeout), read=timeout),
                redirect=False,
                assert_same_host=False,
                preload_content=False,
            )
            try:
                content = _gathered(response.stream(_PIECE), response.headers)
            except BaseException:
                response.close()
                raise
            response.release_conn()
            return Exchange(response.status, response.headers, content)

        return way

    def close(self) -> None:
        """Close idle connections; calls under way end by themselves."""
        self._session.close()
        with self._lock:
            ways = list(self._ways.values())
            self._ways.clear()
        for way in ways:
            if isinstance(way, KeepAlive):
                way.close()

    def _no_answer(self, method: str, url: str, error: BaseException) -> TransportError:
        parts = urlsplit(url)
        chain = causes(error)
        never_sent = any(_is_unsent(cause) for cause in chain)
        where = f"{method} {parts.path}: no answer from {parts.hostname}"
        if any(_is_late(cause) for cause in chain):
            late: TransportError = TransportTimeout(
                f"{where}: timed out", cause=SLOW, remedy=_SLOW_REMEDY, language=self._language
            )
            late.never_sent = never_sent
            return late
        why, remedy = diagnose(error)
        failed = TransportError(
            f"{where}: {type(chain[-1]).__name__}",
            cause=why,
            remedy=remedy,
            language=self._language,
        )
        failed.never_sent = never_sent
        return failed


def _gathered(pieces: Iterable[bytes], headers: Mapping[str, str]) -> bytes:
    """Return the body of an answer, unless it is too large to be one of the platform's."""
    stated = headers.get("Content-Length", "")
    if stated.isdecimal() and (len(stated) > 20 or int(stated) > MOST):
        raise AnswerError(f"an answer of {stated[:20]} bytes")
    kept, size = [], 0
    try:
        for piece in pieces:
            kept.append(piece)
            size += len(piece)
            if size > MOST:
                raise AnswerError(f"an answer of more than {MOST} bytes")
    except ValueError as error:  # a length below zero, which http.client believes
        raise AnswerError(f"an answer in parts is damaged: {error}") from error
    return b"".join(kept)


def _as_it_is(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Keep the request's own Authorization, which requests would replace from ~/.netrc."""
    return request


def _is_unsent(error: BaseException) -> bool:
    # What http.client raises when a proxy answers CONNECT with a refusal has no class of its own.
    return isinstance(error, _NEVER_SENT) or str(error).startswith("Tunnel connection failed")


def _is_late(error: BaseException) -> bool:
    # urllib3 counts a refused connection and a failed name look-up among its time-outs.
    refused = isinstance(error, urllib3.exceptions.NewConnectionError)
    return isinstance(error, _TIMED_OUT) and not refused


_SLOW_REMEDY = Text(
    "Check the network; if it is slow, raise Client(timeout=...).",
    "检查网络；若网络较慢，可调大 Client(timeout=...)。",
)


def json_body(body: Mapping[str, Any]) -> bytes:
    """Return the compact UTF-8 JSON of a request body."""
    text = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    return text.encode(errors="replace")  # half a surrogate pair, as payloads may bring it
