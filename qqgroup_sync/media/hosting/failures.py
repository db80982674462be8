"""What the errors of a storage mean, and what to do about them."""

from __future__ import annotations

from typing import NamedTuple

from qqgroup_sync.errors import Text


class Failure(NamedTuple):
    """What went wrong, and what to do about it."""

    reason: str
    remedy: Text


_NO_ANSWER = Text(
    "Check endpoint_url, the region, and this machine's network and proxy.",
    "请检查 endpoint_url、地域，以及本机的网络和代理。",
)
_UNKNOWN = Text(
    "Look it up in the documentation of the storage.", "请在存储服务的文档中查询该错误。"
)
_KEYS_WRONG = Text(
    "Check the key id and the secret key; they are the storage's, not the bot's.",
    "请检查密钥 ID 和密钥；这里使用的是存储服务的密钥，而不是机器人的。",
)
_NO_BUCKET = Text(
    "Check the bucket's name and region, or create it in the console.",
    "请检查存储桶的名称和地域，或先在控制台创建。",
)
_NO_RIGHT = Text(
    "Give these keys the rights PutObject, GetObject and DeleteObject on the bucket.",
    "请为该密钥授予存储桶的 PutObject、GetObject、DeleteObject 权限。",
)
_CLOSED_TO_NEW_USERS = Text(
    "Aliyun closed its public endpoints to accounts opened since 2025-03-20: use internal=True on "
    "an Aliyun server with public_url= of your own, or another storage.",
    "阿里云自 2025-03-20 起不再对新账号开放公网 Endpoint：请在阿里云服务器上使用 internal=True "
    "并用 public_url= 指定自有域名，或换用其他存储。",
)
_VIRTUAL = Text("Pass addressing_style='virtual'.", "请传入 addressing_style='virtual'。")
_CLOCK = Text("Set the clock of this machine.", "请校准本机时间。")
_REGION = Text("Give the region in which the bucket is.", "请填写存储桶所在的地域。")
_BILL = Text(
    "Look into the console: the account is in arrears or blocked.",
    "请登录控制台查看：账号已欠费或被停用。",
)
_LATER = Text("Try again later.", "请稍后重试。")

# What a storage answers: Amazon's codes, and COS's and OSS's own.
_REFUSALS = {
    "NoSuchBucket": _NO_BUCKET,
    "InvalidAccessKeyId": _KEYS_WRONG,
    "SignatureDoesNotMatch": _KEYS_WRONG,
    "ExpiredToken": _KEYS_WRONG,
    "InvalidToken": _KEYS_WRONG,
    "InvalidSecurityToken": _KEYS_WRONG,
    "SecurityTokenExpired": _KEYS_WRONG,
    "AccessDenied": _NO_RIGHT,
    "AccessForbidden": _NO_RIGHT,
    "RequestTimeTooSkewed": _CLOCK,
    "PathStyleDomainForbidden": _VIRTUAL,
    "SecondLevelDomainForbidden": _VIRTUAL,
    "PermanentRedirect": _REGION,
    "AuthorizationHeaderMalformed": _REGION,
    "PublicEndpointForbidden": _CLOSED_TO_NEW_USERS,
    "UserDisable": _BILL,
    "UnavailableForLegalReasons": _BILL,
    "SlowDown": _LATER,
    "InternalError": _LATER,
    "ServiceUnavailable": _LATER,
}
# What boto3 raises without an answer; the first class that fits decides.
_BREAKDOWNS = {
    "NoCredentialsError": Failure("there are no keys", _KEYS_WRONG),
    "PartialCredentialsError": Failure("half of the keys is missing", _KEYS_WRONG),
    "ConnectTimeoutError": Failure("no answer in time", _NO_ANSWER),
    "ReadTimeoutError": Failure("no answer in time", _NO_ANSWER),
    "SSLError": Failure("its certificate is not trusted, or not its own", _NO_ANSWER),
    "ProxyConnectionError": Failure("the proxy cannot be reached", _NO_ANSWER),
    "ConnectionError": Failure("no connection", _NO_ANSWER),
    "HTTPClientError": Failure("no connection", _NO_ANSWER),
    "ResponseParserError": Failure("what answers speaks no S3", _NO_ANSWER),
}


def storage_errors() -> tuple[type[Exception], ...]:
    """Return what boto3 raises; nothing without boto3."""
    try:
        import botocore.exceptions  # noqa: PLC0415 - an extra
        import botocore.parsers  # noqa: PLC0415 - as above
    except ImportError:
        return ()
    return (
        botocore.exceptions.BotoCoreError,
        botocore.exceptions.ClientError,
        botocore.parsers.ResponseParserError,
    )


def explain(error: Exception) -> Failure:
    """Say in one line what went wrong with the storage, and what to do about it."""
    answer = getattr(error, "response", None)
    if isinstance(answer, dict):
        told = answer.get("Error", {})
        code = str(told.get("Code") or "refused")
        return Failure(_one_line(f"{code}: {told.get('Message')}"), _REFUSALS.get(code, _UNKNOWN))
    classes = [one.__name__ for one in type(error).__mro__]
    for name, failure in _BREAKDOWNS.items():
        if name in classes:
            return failure._replace(reason=f"{failure.reason} ({classes[0]})")
    return Failure(_one_line(f"{classes[0]}: {error}"), _UNKNOWN)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
