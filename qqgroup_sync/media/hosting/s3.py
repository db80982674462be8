"""Puts what a message carries into S3-compatible storage, from where QQ fetches it.

Knows the storage, through boto3; knows nothing of messages, nor of QQ's own upload.
"""

from __future__ import annotations

import importlib.util
import logging
import math
import re
import secrets
import threading
from typing import TYPE_CHECKING, Any, Literal, NamedTuple
from urllib.parse import quote

from qqgroup_sync.errors import HostingError
from qqgroup_sync.masking import mask, mask_library
from qqgroup_sync.media.builder import ChainBuilder, Surroundings
from qqgroup_sync.media.hosting import arguments, failures
from qqgroup_sync.media.sources import load
from qqgroup_sync.runtime.clock import Clock

if TYPE_CHECKING:
    from qqgroup_sync.media.formats import Kind
    from qqgroup_sync.runtime.clock import Deadline

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 10.0
READ_TIMEOUT = 60.0
ATTEMPTS = 3
_CONNECTIONS = 64  # kept open at most: one for each worker of a busy bot
_REMEMBERED = 10_000  # objects that may still be deleted


class S3ChainBuilder(ChainBuilder):
    """Hosts pictures, voices, videos and files in a bucket and hands their URLs to QQ.

    Needs the extra ``s3`` (boto3). Nothing is looked up or connected before the first file; safe
    from any thread. Every file gets a name that cannot be guessed. Give the keys the rights
    PutObject, GetObject and DeleteObject. What QQ has taken is deleted; what stands inside markdown
    stays, so let a lifecycle rule of the bucket empty the prefix.

    Args:
        bucket: Name of the bucket; it must exist.
        endpoint_url: Where the storage listens; by default Amazon's own.
        region: Region of the bucket.
        access_key: Key id. Without keys, boto3 looks where it always does: the environment
            (``AWS_ACCESS_KEY_ID``), its files, the machine's role.
        secret_key: Secret key.
        session_token: For temporary keys; when they end, the URLs signed with them end too.
        prefix: What the names of all objects begin with.
        lifetime: Seconds for which a signed URL is good, at most seven days.
        public_url: Address under which everybody can read the bucket (a CDN, a domain of your own);
            URLs then carry no signature and do not expire.
        public_endpoint_url: Where QQ reaches the storage, when that is not ``endpoint_url``.
        delete_after_upload: Delete a file as soon as QQ has its own copy.
        addressing_style: Whether the bucket stands in the host or in the path of URLs.
        signature_version: ``s3v4``; ``s3`` for stores that know only the old one.

    Raises:
        ConfigError: boto3 is not installed, or an argument cannot be right.
    """

    def __init__(
        self,
        bucket: str,
        *,
        endpoint_url: str | None = None,
        region: str | None = None,
        access_key: str | None = None,
        secret_key: str | None = None,
        session_token: str | None = None,
        prefix: str = "qqgroup/",
        lifetime: float = 3600.0,
        public_url: str | None = None,
        public_endpoint_url: str | None = None,
        delete_after_upload: bool = True,
        addressing_style: Literal["virtual", "path", "auto"] = "auto",
        signature_version: Literal["s3v4", "s3"] = "s3v4",
    ) -> None:
        super().__init__()
        if importlib.util.find_spec("boto3") is None:
            raise arguments.without_boto3()
        arguments.check_bucket(bucket)
        arguments.check_keys(access_key, secret_key)
        arguments.check_prefix(prefix)
        arguments.check_lifetime(lifetime)
        arguments.check_choice("addressing_style", addressing_style, "virtual", "path", "auto")
        arguments.check_choice("signature_version", signature_version, "s3v4", "s3")
        arguments.check_url("endpoint_url", endpoint_url)
        arguments.check_url("public_url", public_url)
        arguments.check_url("public_endpoint_url", public_endpoint_url)
        if addressing_style == "auto" and endpoint_url is None and "." not in bucket:
            addressing_style = "virtual"  # with "auto", boto3 signs URLs for the wrong region
        self.bucket = bucket
        self.endpoint_url = endpoint_url
        self.region = region
        self.prefix = prefix
        self.lifetime = lifetime
        self._keys = (access_key, secret_key, session_token)
        self._public_url = public_url
        self._public_endpoint_url = public_endpoint_url
        self._delete_after_upload = delete_after_upload
        self._addressing_style = addressing_style
        self._signature_version = signature_version
        self._lock = threading.Lock()
        self._clients: _Clients | None = None
        self._users: dict[int, Surroundings] = {}
        self._hosted: dict[str, str] = {}  # URL without its query -> name of the object

    @classmethod
    def cos(
        cls,
        bucket: str,
        region: str,
        *,
        secret_id: str | None = None,
        secret_key: str | None = None,
        **options: Any,
    ) -> S3ChainBuilder:
        """Host in Tencent Cloud COS.

        COS takes requests with the bucket in the host only (for buckets made since 2024-01-01;
        source: COS domain notice).

        Args:
            bucket: Name with APPID, as in ``pictures-1250000000``.
            region: Such as ``ap-guangzhou``.
            secret_id: By default ``COS_SECRET_ID``, or else ``TENCENTCLOUD_SECRET_ID``, of the
                environment; the key and a session token come from the same place.
            secret_key: By default ``COS_SECRET_KEY`` or ``TENCENTCLOUD_SECRET_KEY``.
            options: Whatever the class takes.

        Raises:
            ConfigError: An argument cannot be right, or there are no keys.
        """
        arguments.check_region(region, "ap-guangzhou")
        arguments.check(
            re.fullmatch(r"[a-z0-9][a-z0-9-]*-\d{8,}", bucket or ""),
            f"bucket={bucket!r}",
            "Copy its full name from the console; the APPID stands at its end: name-1250000000.",
            "请从控制台复制完整的存储桶名称，末尾带 APPID：name-1250000000。",
        )
        keys = arguments.keys(secret_id, secret_key, arguments.COS_VARIABLES)
        options = {
            "endpoint_url": f"https://cos.{region}.myqcloud.com",
            "addressing_style": "virtual",
            **keys,
            **arguments.given(options),
        }
        return cls(bucket, region=region, **options)

    @classmethod
    def oss(
        cls,
        bucket: str,
        region: str,
        *,
        access_key_id: str | None = None,
        access_key_secret: str | None = None,
        internal: bool = False,
        **options: Any,
    ) -> S3ChainBuilder:
        """Host in Aliyun OSS, through its S3-compatible endpoint.

        OSS takes requests with the bucket in the host only. Accounts opened since 2025-03-20 reach
        buckets in mainland China not by the public endpoint: they need ``internal=True`` on a
        server of Aliyun's, and ``public_url=`` with a domain of their own (source: OSS change
        notice, 2025-03).

        Args:
            bucket: Name of the bucket.
            region: Such as ``cn-hangzhou``.
            access_key_id: By default ``OSS_ACCESS_KEY_ID``, or else
                ``ALIBABA_CLOUD_ACCESS_KEY_ID``, of the environment; the secret and a session token
                come from the same place.
            access_key_secret: By default ``OSS_ACCESS_KEY_SECRET`` or
                ``ALIBABA_CLOUD_ACCESS_KEY_SECRET``.
            internal: Upload through Aliyun's own network, free of charge on a server of Aliyun's
                in that region; QQ still gets public URLs.
            options: Whatever the class takes.

        Raises:
            ConfigError: An argument cannot be right, or there are no keys.
        """
        region = (region or "").removeprefix("oss-")  # both ways of writing it are about
        arguments.check_region(region, "cn-hangzhou")
        public = f"https://s3.oss-{region}.aliyuncs.com"
        private = f"https://s3.oss-{region}-internal.aliyuncs.com"
        keys = arguments.keys(access_key_id, access_key_secret, arguments.OSS_VARIABLES)
        options = arguments.given(options)
        if internal and "endpoint_url" not in options:
            options = {"endpoint_url": private, "public_endpoint_url": public, **options}
        options = {"endpoint_url": public, "addressing_style": "virtual", **keys, **options}
        return cls(bucket, region=region, **options)

    def __repr__(self) -> str:
        where = mask(self.endpoint_url) if self.endpoint_url else None
        return (
            f"{type(self).__name__}({self.bucket!r}, endpoint_url={where!r}, "
            f"region={self.region!r}, prefix={self.prefix!r})"
        )

    def get_image(self, image: str | bytes) -> str:
        """Put a picture into the bucket; return its URL."""
        return self._host(image, "image")

    def get_voice(self, voice_file: str) -> str:
        """Put a voice into the bucket as it is; return its URL."""
        return self._host(voice_file, "voice")

    def get_video(self, video_file: str) -> str:
        """Put a video into the bucket; return its URL."""
        return self._host(video_file, "video")

    def get_file(self, file: str) -> str:
        """Put a file into the bucket; return its URL."""
        return self._host(file, "file")

    def uploaded(self, url: str) -> None:
        """Delete what stands at a URL of this builder's, now that QQ has a copy.

        Never raises for the storage's sake: a failure is logged, and the file stays.
        """
        with self._lock:
            key = self._hosted.pop(_without_query(url), None)
        if key is None:
            return
        try:
            self._connected().storage.delete_object(Bucket=self.bucket, Key=key)
        except failures.storage_errors() as error:
            reason = self._masked(failures.explain(error).reason)
            logger.warning("a file stays in bucket %s, deleting it failed: %s", self.bucket, reason)

    # ------------------------------------------------------------------ its client's life

    def attach(self, user: object, surroundings: Surroundings) -> None:
        """Note which certificates to trust, and the language of errors."""
        with self._lock:
            self._users[id(user)] = surroundings

    def detach(self, user: object, deadline: Deadline) -> list[str]:
        """Close the connections when the last client is done; a later file opens new ones."""
        with self._lock:
            self._users.pop(id(user), None)
            done = not self._users
        if done:
            self.close()
        return []

    def close(self) -> None:
        """Close the connections to the storage; the next file opens them again."""
        with self._lock:
            clients, self._clients = self._clients, None
        if clients is not None:
            clients.close()

    @property
    def _surroundings(self) -> Surroundings:
        with self._lock:
            return next(iter(self._users.values()), None) or Surroundings(Clock())

    # ------------------------------------------------------------------ putting

    def _host(self, content: str | bytes, kind: Kind) -> str:
        """Put content into the bucket and return where QQ can fetch it.

        Blocks until the storage has it.

        Raises:
            MediaError: There is no such file.
            HostingError: The storage did not take it.
        """
        # Whether QQ takes it was checked before; here anything is a file.
        source = load(content, "file", name=kind if isinstance(content, bytes) else None)
        if source.url:
            return source.url
        key = f"{self.prefix}{secrets.token_hex(16)}{source.format.suffix}"
        try:
            clients = self._connected()
            # One request, whatever the size: no parts are left behind when it fails, the keys need
            # one right only, and the file is read from disk as it goes (files end at 200 MB).
            with source.open() as body:
                clients.storage.put_object(
                    Bucket=self.bucket,
                    Key=key,
                    Body=body,
                    ContentType=source.format.content_type,
                )
            url = self._url(clients, key)
        except failures.storage_errors() as error:
            found = failures.explain(error)
            raise HostingError(
                self._masked(f"cannot put {source} into bucket {self.bucket}: {found.reason}"),
                remedy=found.remedy,
                language=self._surroundings.language,
            ) from error
        if self._delete_after_upload:
            self._remember(url, key)
        return url

    def _url(self, clients: _Clients, key: str) -> str:
        if self._public_url is not None:
            return f"{self._public_url.rstrip('/')}/{quote(key)}"
        url: str = clients.signer.generate_presigned_url(
            "get_object",
            Params={"Bucket": self.bucket, "Key": key},
            ExpiresIn=math.ceil(self.lifetime),
        )
        return url

    def _remember(self, url: str, key: str) -> None:
        """Note that an object is ours; those inside markdown are never asked for again."""
        with self._lock:
            self._hosted[_without_query(url)] = key
            if len(self._hosted) > _REMEMBERED:
                del self._hosted[next(iter(self._hosted))]

    def _masked(self, text: str) -> str:
        return mask(text, *self._keys)

    # ------------------------------------------------------------------ boto3

    def _connected(self) -> _Clients:
        """Return the clients of this builder, made when first needed.

        They are made without the lock, because boto3 reads files and may ask the network for keys;
        of two threads that are first at once, one makes them in vain.
        """
        clients = self._clients
        if clients is None:
            made = self._connect()
            with self._lock:
                clients = self._clients = self._clients or made
            if clients is not made:
                made.close()
        return clients

    def _connect(self) -> _Clients:
        storage = self._client(self.endpoint_url)
        if self._public_endpoint_url is None:
            return _Clients(storage, storage)
        return _Clients(storage, self._client(self._public_endpoint_url))

    def _client(self, endpoint_url: str | None) -> Any:
        try:
            import boto3  # noqa: PLC0415 - slow, and an extra
            import botocore.config  # noqa: PLC0415 - as above
        except ImportError as error:
            raise arguments.without_boto3() from error
        access_key, secret_key, session_token = self._keys
        # A session of its own: clients may be shared among threads, sessions may not.
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=endpoint_url,
            region_name=self.region,
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
            aws_session_token=session_token,
            verify=self._surroundings.ca_bundle,
            config=botocore.config.Config(
                # Without it boto3 signs URLs with version 2, which OSS phases out for new users
                # and buckets (2025-03) and new regions never knew.
                signature_version=self._signature_version,
                s3={"addressing_style": self._addressing_style},
                # By default boto3 (from 1.36 on) appends checksums as aws-chunked trailers, which
                # OSS and others refuse.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                connect_timeout=CONNECT_TIMEOUT,
                read_timeout=READ_TIMEOUT,
                retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
                max_pool_connections=_CONNECTIONS,
            ),
        )
        for name in ("botocore", "boto3", "urllib3"):  # at level DEBUG they log signatures
            mask_library(name)
        return client


class _Clients(NamedTuple):
    """The client that moves files, and the one that signs URLs; often the same."""

    storage: Any
    signer: Any

    def close(self) -> None:
        self.storage.close()
        self.signer.close()


def _without_query(url: str) -> str:
    return url.partition("?")[0]
