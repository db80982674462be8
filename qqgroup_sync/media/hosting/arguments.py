"""What a builder for a storage is told: checked, and completed from the environment."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import urlsplit

from qqgroup_sync.errors import ConfigError, Text
from qqgroup_sync.masking import mask

LONGEST_LIFETIME = 7 * 24 * 3600  # seconds; what signature version 4 allows


def without_boto3() -> ConfigError:
    """Return what says that boto3 is missing."""
    install = 'pip install "qqgroup_sync[s3]"'
    return ConfigError(
        "S3ChainBuilder needs boto3",
        remedy=Text(f"Install it: {install}", f"请安装：{install}"),
    )


def check(good: object, argument: str, en: str, zh: str) -> None:
    """Refuse an argument, with a remedy."""
    if not good:
        raise ConfigError(f"{argument} is not possible", remedy=Text(en, zh))


def check_bucket(bucket: str) -> None:
    """Refuse what is no name of a bucket."""
    check(
        re.fullmatch(r"[A-Za-z0-9._-]{3,255}", bucket or ""),
        f"bucket={bucket!r}",
        "Give its name alone; address and folder are endpoint_url and prefix.",
        "只填写存储桶名称；地址和目录由 endpoint_url 和 prefix 指定。",
    )


def check_region(region: str, example: str) -> None:
    """Refuse what is no region."""
    check(
        re.fullmatch(r"[a-z]{2}(-[a-z0-9]+)+", region or ""),
        f"region={region!r}",
        f"Copy it from the console: {example}.",
        f"请从控制台复制，例如 {example}。",
    )


def check_prefix(prefix: str) -> None:
    """Refuse a prefix that some storage would not take."""
    # OSS takes no name that begins with a slash; dots would walk up in the path of the URL.
    good = not prefix.startswith(("/", "\\")) and ".." not in prefix and len(prefix) <= 200
    check(good, f"prefix={prefix!r}", "Write it like qqgroup/.", "请写成 qqgroup/ 的形式。")


def check_lifetime(lifetime: Any) -> None:
    """Refuse a lifetime that cannot be signed."""
    check(
        isinstance(lifetime, int | float) and 0 < lifetime <= LONGEST_LIFETIME,
        f"lifetime={lifetime!r}",
        f"Seconds, above 0 and at most {LONGEST_LIFETIME} (seven days).",
        f"单位为秒，须大于 0 且不超过 {LONGEST_LIFETIME}（七天）。",
    )


def check_choice(name: str, value: object, *choices: str) -> None:
    """Refuse what is none of the choices."""
    listed = ", ".join(map(repr, choices))
    check(value in choices, f"{name}={value!r}", f"Possible: {listed}.", f"可选：{listed}。")


def check_url(name: str, url: str | None) -> None:
    """Refuse what is no address; None is fine."""
    if url is None:
        return
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        good = good and not parts.query and not parts.fragment
    except ValueError:
        good = False
    check(
        good,
        f"{name}={mask(url)!r}",
        "Write it in full: https://host[:port].",
        "请写完整：https://host[:port]。",
    )


def check_keys(access_key: str | None, secret_key: str | None) -> None:
    """Refuse one key without the other."""
    if bool(access_key) != bool(secret_key):
        raise ConfigError(
            f"the {'secret key' if access_key else 'key id'} is missing",
            remedy=Text("Give both keys, or none of them.", "两个密钥要么都填写，要么都不填写。"),
        )


# Where each provider's own tools look for key id, secret key and session token.
COS_VARIABLES = (
    "COS_SECRET_ID COS_SECRET_KEY COS_SESSION_TOKEN",
    "TENCENTCLOUD_SECRET_ID TENCENTCLOUD_SECRET_KEY TENCENTCLOUD_SESSION_TOKEN",
)
OSS_VARIABLES = (
    "OSS_ACCESS_KEY_ID OSS_ACCESS_KEY_SECRET OSS_SESSION_TOKEN",
    "ALIBABA_CLOUD_ACCESS_KEY_ID ALIBABA_CLOUD_ACCESS_KEY_SECRET ALIBABA_CLOUD_SECURITY_TOKEN",
)


def keys(
    key_id: str | None, secret_key: str | None, variables: tuple[str, ...]
) -> dict[str, str | None]:
    """Return the keys that were given, or else those of the environment.

    boto3 is not left to look for any: what it finds are Amazon's.
    """
    if key_id or secret_key:
        return {"access_key": key_id, "secret_key": secret_key}
    for names in variables:
        key_id, secret_key, token = (os.environ.get(name) or None for name in names.split())
        if key_id and secret_key:
            return {"access_key": key_id, "secret_key": secret_key, "session_token": token}
    pair = " / ".join(variables[0].split()[:2])
    raise ConfigError(
        "there are no keys for the storage",
        remedy=Text(
            f"Pass them, or set {pair} in the environment.", f"请传入密钥，或设置环境变量 {pair}。"
        ),
    )


def given(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options without those that are None: they leave the provider's own in place."""
    return {name: value for name, value in options.items() if value is not None}
