"""Addresses that the platform hands out and that expire: presigned ones, and those of attachments.

They are signed rather than remembered. Knows nothing about what lies behind them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from qqgroup_sync.simulator.refusals import StoreError

if TYPE_CHECKING:
    from collections.abc import Mapping

STORE_PATH = "/cos/"
DOWNLOAD_PATH = "/download"


class Links:
    """Makes addresses and checks them when they come back.

    Attributes:
        base: What they begin with; set by the simulator when it knows its port.
    """

    def __init__(self) -> None:
        self.base = "http://simulator.invalid"
        self._secret = secrets.token_bytes(16)

    def presigned(self, method: str, key: str, *, now: float, life: float) -> str:
        """Return an address of the object store, good for one method and key (2.10)."""
        times = f"{int(now)};{int(now + life)}"
        query = {
            "q-sign-algorithm": "sha1",
            "q-ak": "simulator",
            "q-sign-time": times,
            "q-key-time": times,
            "q-header-list": "",
            "q-url-param-list": "",
            "q-signature": self._sign(method, key, times),
        }
        return f"{self.base}{STORE_PATH}{quote(key)}?{urlencode(query)}"

    def check(self, method: str, key: str, query: Mapping[str, str], now: float) -> None:
        """Refuse an address that was not made here, or is too old.

        Raises:
            StoreError: 403, as the store puts it.
        """
        times, signature = query.get("q-sign-time", ""), query.get("q-signature", "")
        method = "GET" if method == "HEAD" else method
        if not signature:
            raise StoreError(403, "AccessDenied", "Access Denied.")
        if not hmac.compare_digest(self._sign(method, key, times).encode(), signature.encode()):
            raise StoreError(
                403,
                "SignatureDoesNotMatch",
                "The Signature you specified is invalid.",
            )
        if int(times.partition(";")[2]) < now:
            raise StoreError(403, "AccessDenied", "Request has expired")

    def attachment(self, file_id: str, *, now: float, life: float, wav: bool = False) -> str:
        """Return the address of what a person sent; its ``rkey`` expires (4.3)."""
        until = str(int(now + life))
        rkey = f"{self._sign('rkey', file_id, until)}{int(until):08x}"
        query = {"appid": "1407", "fileid": file_id, "rkey": rkey, "spec": "0"}
        if wav:
            query["format"] = "wav"
        return f"{self.base}{DOWNLOAD_PATH}?{urlencode(query)}"

    def admits(self, file_id: str, rkey: str, now: float) -> bool:
        """Tell whether the ``rkey`` belongs to the file and has not expired."""
        signature, until = rkey[:40], rkey[40:]
        try:
            ends = int(until, 16)
        except ValueError:
            return False
        wanted = self._sign("rkey", file_id, str(ends))
        return hmac.compare_digest(wanted.encode(), signature.encode()) and now <= ends

    def _sign(self, *words: str) -> str:
        text = "\n".join(words).encode()
        return hmac.new(self._secret, text, hashlib.sha1).hexdigest()
