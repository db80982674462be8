"""Fetches what people sent, with limits on size and time."""

from __future__ import annotations

import contextlib
import itertools
import secrets
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

import requests
import requests.auth
import requests.utils
import urllib3.exceptions

from qqgroup_sync.api.fetching import StrangersAdapter
from qqgroup_sync.api.reach import refuse_private
from qqgroup_sync.errors import (
    ConfigError,
    MediaError,
    MediaTooLarge,
    StateError,
    Text,
    TransportError,
    TransportTimeout,
)
from qqgroup_sync.media.names import harmless_name

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterator

    from qqgroup_sync.runtime.clock import Clock

    Progress = Callable[[int, int | None], None]

CHUNK = 64 * 1024
CONNECT_TIMEOUT = 10.0
REDIRECTS = 5
STALL = 20.0  # seconds without a byte


class Downloads:
    """Downloads public URLs; safe from any thread.

    Args:
        clock: Where time comes from.
        ca_bundle: Certificates to trust.
        direct: Never use a proxy.
        private: Fetch from private networks, too.
        subject: What errors call what is fetched.
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        ca_bundle: str | None = None,
        direct: bool = False,
        private: bool = False,
        subject: str = "the attachment",
        language: str | None = None,
    ) -> None:
        self._private = private
        self._subject = subject
        self._clock = clock
        self._ca_bundle = ca_bundle
        self._direct = direct
        self._language = language

    def read(
        self,
        url: str,
        *,
        limit: int,
        timeout: float,
        progress: Progress | None,
        stop: threading.Event | None = None,
    ) -> bytes:
        """Return the content of a URL.

        Raises:
            MediaTooLarge: It has more than ``limit`` bytes.
            MediaError: The server refuses.
            TransportError: No answer, or not within ``timeout`` seconds.
            StateError: ``stop`` was set meanwhile.
        """
        pieces = []
        for piece in self._chunks(url, limit, timeout, progress):
            pieces.append(piece)
            if stop is not None and stop.is_set():
                raise StateError(f"the download of {self._subject} was given up: stopping")
        return b"".join(pieces)

    def save(
        self,
        url: str,
        path: Path,
        *,
        name: str = "",
        limit: int,
        timeout: float,
        progress: Progress | None,
    ) -> Path:
        """Write the content of a URL to a file; a partial file never takes its place.

        Args:
            url: What to fetch.
            path: The file, or a folder.
            name: Of the file in a folder; it comes from the network, so it is made harmless and
                never takes the place of a file that is there: ``a.png`` becomes ``a (1).png``.
            limit: Bytes.
            timeout: Seconds for everything.
            progress: Called with the bytes so far, and all of them when that is known.

        Raises:
            OSError: The file cannot be written.
        """
        path = Path(path)
        name = harmless_name(name.strip(" .") or "attachment")
        reserved = _reserve(path / name) if path.is_dir() else None
        path = reserved or path
        partial = path.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with partial.open("xb") as file:
                for chunk in self._chunks(url, limit, timeout, progress):
                    file.write(chunk)
            partial.replace(path)
        except BaseException:
            for left_over in filter(None, (partial, reserved)):
                with contextlib.suppress(OSError):
                    left_over.unlink()
            raise
        return path

    def _chunks(
        self, url: str, limit: int, timeout: float, progress: Progress | None
    ) -> Iterator[bytes]:
        if not url.lower().startswith(("http://", "https://")):
            raise ConfigError(f"{self._subject} has no address to download from")
        ends = self._clock.monotonic() + timeout
        try:
            urlsplit(url)
        except ValueError as error:
            raise TransportError(f"{self._subject} has no valid address: {error}") from None
        try:
            with requests.Session() as session:
                session.trust_env = not self._direct
                session.auth = _of_the_link
                with self._found(session, url, timeout, ends) as response:
                    yield from self._body(response, limit, ends, progress)
        except (requests.Timeout, urllib3.exceptions.ReadTimeoutError) as error:
            raise TransportTimeout(
                f"{self._subject} did not arrive in time: {type(error).__name__}",
                language=self._language,
            ) from None  # the cause's text holds the presigned link
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise TransportError(
                f"{self._subject} could not be downloaded: {_why(error)}",
                language=self._language,
            ) from None  # see above

    def _found(
        self, session: requests.Session, url: str, timeout: float, ends: float
    ) -> requests.Response:
        """Return the answer behind a URL's redirects; each step is looked at before it is taken."""
        for _ in range(REDIRECTS + 1):
            # As it will be sent: of http://a\@b/ urlsplit() names b, but requests goes to a.
            url = requests.Request("GET", url).prepare().url or url
            proxied = requests.utils.select_proxy(url, self._proxies(session, url))
            if not self._private:
                refuse_private(url, look_up=not proxied, language=self._language)
            adapter = StrangersAdapter(
                lambda: ends - self._clock.monotonic(),
                direct=not proxied,
                guarded=not self._private,
                language=self._language,
            )
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            response = session.get(
                url,
                stream=True,
                headers={"Accept-Encoding": "identity"},  # half a gzip passes for a whole one
                timeout=(min(CONNECT_TIMEOUT, timeout), min(STALL, timeout)),
                verify=self._ca_bundle,
                allow_redirects=False,
            )
            target = session.get_redirect_target(response)
            if target is None:
                return response
            response.close()
            url = urljoin(url, target)
            if not url.lower().startswith(("http://", "https://")):
                raise MediaError(f"{self._subject} redirects to no web address")
        raise TransportError(
            f"{self._subject} redirects more than {REDIRECTS} times", language=self._language
        )

    @staticmethod
    def _proxies(session: requests.Session, url: str) -> Any:
        return session.merge_environment_settings(url, {}, None, None, None)["proxies"]

    def _body(
        self, response: requests.Response, limit: int, ends: float, progress: Progress | None
    ) -> Iterator[bytes]:
        if response.status_code != requests.codes.ok:
            raise MediaError(
                f"the server of {self._subject} answered HTTP {response.status_code}",
                remedy=Text(
                    "Check the link; links to attachments expire, so download them when the message"
                    " comes.",
                    "请检查链接；附件链接会过期，请在收到消息时立即下载。",
                ),
                language=self._language,
            )
        length = response.headers.get("Content-Length", "")
        packed = response.headers.get("Content-Encoding", "identity") != "identity"
        total = int(length) if length.isdecimal() and not packed else None  # of the content
        done = 0
        if total is not None and total > limit:
            raise self._too_large(total, limit)
        while chunk := _next_chunk(response.raw):
            done += len(chunk)
            if done > limit:
                raise self._too_large(done, limit)
            if self._clock.monotonic() > ends:
                raise TransportTimeout(
                    f"{self._subject} did not arrive in time", language=self._language
                )
            if progress is not None:
                progress(done, total)
            yield chunk

    def _too_large(self, size: int, limit: int) -> MediaTooLarge:
        return MediaTooLarge(
            f"{self._subject} has {size} bytes or more, the limit is {limit}",
            remedy=Text("Pass a larger limit=.", "请传入更大的 limit=。"),
            language=self._language,
        )


def _of_the_link(request: requests.PreparedRequest) -> requests.PreparedRequest:
    """Add the login that stands in the link, and never one from ~/.netrc."""
    login = requests.utils.get_auth_from_url(request.url or "")
    return requests.auth.HTTPBasicAuth(*login)(request) if any(login) else request


def _why(error: Exception) -> str:
    """Return in a few words why there was no answer; never the error's text, which has the link."""
    names, seen = "", set[int]()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            names += f" {type(one).__name__}"
            inner = (one.__cause__, one.__context__, getattr(one, "reason", None), *one.args)
            waiting.extend(inner)
    for parts, why in _REASONS:
        if any(part in names for part in parts):
            return why
    return type(error).__name__


_REASONS = (
    (("Proxy",), "the proxy does not answer, or refuses"),
    (("NameResolution", "gaierror"), "its host name is unknown"),
    (("CertVerification", "CertificateError"), "the server's certificate is not trusted (TLS)"),
    (("SSL",), "no secure connection came about (TLS)"),
    (("ConnectionRefused",), "the connection was refused"),
    (("ConnectionReset", "ConnectionAborted", "RemoteDisconnected"), "the connection broke off"),
    (("IncompleteRead",), "it broke off in the middle"),
    (("NewConnection",), "the server cannot be reached"),
)


def _next_chunk(body: Any) -> bytes:
    """Return what has arrived; unlike ``iter_content`` without waiting for a full chunk.

    A server that trickles would hold that for hours, with no look at the deadline.
    """
    if hasattr(body, "read1"):  # urllib3 from 2.2 on
        return body.read1(CHUNK, decode_content=True) or b""
    return body.read(1024, decode_content=True) or b""


def _reserve(path: Path) -> Path:
    """Create an empty file under this name, or under the first free one like it."""
    for number in itertools.count():
        free = path.with_name(f"{path.stem} ({number}){path.suffix}") if number else path
        with contextlib.suppress(FileExistsError):
            free.open("xb").close()
            return free
    raise AssertionError  # unreachable: there is always a next number
