"""What a client is set to: frozen, checked once, from arguments and environment."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlsplit

from qqgroup_sync.errors import ConfigError, Text, default_language
from qqgroup_sync.masking import Secret
from qqgroup_sync.rates import Rates, SendLimits, rates_of

if TYPE_CHECKING:
    from collections.abc import Mapping

API_BASES = ("https://api.bot.qq.com", "https://api.sgroup.qq.com")
TOKEN_PATH = "/app/getAppAccessToken"  # noqa: S105 - a path
TOKEN_URLS = (f"https://api.bot.qq.com{TOKEN_PATH}", f"https://bots.qq.com{TOKEN_PATH}")

Urls = Literal["error", "dots", "markdown"]
Ordering = Literal["sender", "group"] | None
MediaMode = Literal["auto", "serve", "upload"]


@dataclass(frozen=True, slots=True)
class QQGroupChainBuilderOptions:
    """Where the resource service listens and keeps its files.

    Attributes:
        host: Address to listen on.
        port: Port to listen on.
        resource_path: Folder for temporary files.
        http_server_options: Passed to waitress; unknown options are refused here.
    """

    host: str = "0.0.0.0"  # noqa: S104 - the seed's default: QQ fetches from outside
    port: int = 8086
    resource_path: str = "./resource"
    http_server_options: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.port, int) or not 0 <= self.port <= 65535:
            raise ConfigError(
                f"port {self.port!r} does not exist",
                remedy=Text("Use a number from 1 to 65535.", "端口号应在 1 到 65535 之间。"),
            )
        if self.http_server_options:
            self._check_server_options(self.http_server_options)

    @staticmethod
    def _check_server_options(options: Mapping[str, Any]) -> None:
        from waitress.adjustments import Adjustments  # noqa: PLC0415 - only when used

        try:
            Adjustments(**options)
        except (ValueError, TypeError, AttributeError) as error:
            raise ConfigError(
                f"http_server_options: {error}",
                remedy=Text(
                    "Use the options of waitress.serve, such as threads or connection_limit.",
                    "请使用 waitress.serve 的选项，例如 threads、connection_limit。",
                ),
            ) from error


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set about a client; built by :func:`settle`."""

    appid: str
    client_secret: str = field(repr=False)
    api_bases: tuple[str, ...] = API_BASES
    token_urls: tuple[str, ...] = TOKEN_URLS
    gateway_url: str = ""
    simulator: str = ""
    shard_index: int = 0
    shards: int | Literal["auto"] = 1
    intents: int | None = None
    default_chain_builder: Any = None
    default_chain_builder_options: QQGroupChainBuilderOptions = field(
        default_factory=QQGroupChainBuilderOptions
    )
    media: MediaMode = "auto"
    public_url: str | None = None
    private_urls: bool = False
    state: Any = "default"
    urls: Urls = "error"
    max_text: int = 4000
    proactive_fallback: bool = False
    send_limits: SendLimits = "default"
    ordering: Ordering = "sender"
    ignore_bots: bool = True
    acknowledge_clicks: bool = True
    workers: int = 16
    max_workers: int = 64
    queue_size: int = 10_000
    timeout: float = 30.0
    ca_bundle: str | None = None
    language: str = "en"

    @property
    def local(self) -> bool:
        """Whether the platform is on this machine, as a simulator is."""
        return urlsplit(self.api_bases[0]).hostname in ("127.0.0.1", "::1", "localhost")

    @property
    def rates(self) -> Rates:
        """How much is sent in how much time."""
        return rates_of(self.send_limits, local=self.local, language=self.language)

    @property
    def direct(self) -> bool:
        """Whether proxies are never used: everything is on this machine."""
        return bool(self.simulator)


def settle(
    appid: str | int | None,
    client_secret: str | None,
    *,
    api_base: str | None = None,
    token_url: str | None = None,
    gateway_url: str | None = None,
    language: str | None = None,
    ca_bundle: str | None = None,
    environment: Mapping[str, str] = os.environ,
    **options: Any,
) -> Settings:
    """Return checked settings; arguments win over the environment, QQ_SIMULATOR over both.

    Raises:
        ConfigError: Something is missing or wrong.
    """
    language = language or default_language(environment)
    simulator = environment.get("QQ_SIMULATOR", "").rstrip("/")
    for name, given, kinds in (("appid", appid, str | int), ("client_secret", client_secret, str)):
        if given is not None and not isinstance(given, kinds):
            raise ConfigError(
                f"{name} is a str, not {type(given).__name__}",
                remedy=Text("Put it in quotes.", "请加上引号。"),
                language=language,
            )
    appid = str(appid or environment.get("QQ_APPID") or ("simulated" if simulator else "")).strip()
    secret = (
        client_secret or environment.get("QQ_CLIENT_SECRET") or ("simulated" if simulator else "")
    ).strip()
    for name, variable, value in (
        ("appid", "QQ_APPID", appid),
        ("client_secret", "QQ_CLIENT_SECRET", secret),
    ):
        if not value or set(value) <= {".", "*"}:
            raise ConfigError(
                f"{name} is missing",
                cause=_MISSING,
                remedy=_credentials(variable),
                language=language,
            )
    base = api_base or environment.get("QQ_API_BASE")
    token = token_url or environment.get("QQ_TOKEN_URL")
    gateway = gateway_url or environment.get("QQ_GATEWAY_URL") or ""
    if simulator:
        base, token, gateway = simulator, simulator + TOKEN_PATH, ""
    elif base and not token and not base.rstrip("/").endswith(".sgroup.qq.com"):
        token = base.rstrip("/") + TOKEN_PATH  # the old hosts, sandbox included, hand out none
    _check_url("api_base", base, ("http", "https"), language)
    _check_url("token_url", token, ("http", "https"), language)
    _check_url("gateway_url", gateway, ("ws", "wss"), language)
    settings = Settings(
        appid=appid,
        client_secret=Secret(secret),
        api_bases=(base.rstrip("/"),) if base else API_BASES,
        token_urls=(token,) if token else TOKEN_URLS,
        gateway_url=gateway,
        simulator=simulator,
        language=language,
        ca_bundle=ca_bundle or environment.get("REQUESTS_CA_BUNDLE") or None,
        **options,
    )
    _check(settings)
    return settings


_MISSING = Text(
    "A bot logs in with its AppID and AppSecret.", "机器人使用 AppID 和 AppSecret 登录。"
)


def _credentials(variable: str) -> Text:
    return Text(
        f"Copy it from the console (q.qq.com, development settings), or set {variable}. To try a "
        "bot without an account: python -m qqgroup_sync try bot.py",
        f"在开放平台（q.qq.com）的开发设置里复制，或设置环境变量 {variable}。"
        "没有账号也能试：python -m qqgroup_sync try bot.py",
    )


def _check_url(name: str, url: str | None, schemes: tuple[str, ...], language: str) -> None:
    if not url:
        return
    try:
        parts = urlsplit(url)
        good = parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ConfigError(
            f"{name}={url!r} is no address",
            remedy=Text(
                f"Write it in full: {schemes[-1]}://host[:port].",
                f"请写完整地址：{schemes[-1]}://host[:port]。",
            ),
            language=language,
        )


def _check(settings: Settings) -> None:
    _check_shards(settings)
    _check_media(settings)
    rates_of(settings.send_limits, local=settings.local, language=settings.language)
    checks = (
        ("media", settings.media in ("auto", "serve", "upload"), "'auto', 'serve', 'upload'"),
        ("urls", settings.urls in ("error", "dots", "markdown"), "'error', 'dots', 'markdown'"),
        ("ordering", settings.ordering in ("sender", "group", None), "'sender', 'group', None"),
        ("language", settings.language in ("zh", "en"), "'zh', 'en'"),
        ("max_text", _is_count(settings.max_text), "a number of characters from 1"),
        ("workers", _is_count(settings.workers), "a number from 1"),
        ("max_workers", _is_count(settings.max_workers, settings.workers), "at least workers"),
        ("queue_size", _is_count(settings.queue_size), "a number from 1"),
        ("timeout", _is_seconds(settings.timeout), "seconds above 0"),
    )
    for name, good, allowed in checks:
        if not good:
            raise ConfigError(
                f"{name}={getattr(settings, name)!r} is not possible",
                remedy=Text(f"Possible: {allowed}.", f"可选：{allowed}。"),
                language=settings.language,
            )
    if settings.ca_bundle is not None and not os.path.exists(settings.ca_bundle):  # noqa: PTH110
        raise ConfigError(
            f"ca_bundle: there is no file {settings.ca_bundle}",
            remedy=Text("Give the path of a .pem file.", "请填写 .pem 文件的路径。"),
            language=settings.language,
        )


def _check_media(settings: Settings) -> None:
    _check_url("public_url", settings.public_url, ("http", "https"), settings.language)
    builder = settings.default_chain_builder
    if builder is None:
        return
    if isinstance(builder, type) or not callable(getattr(builder, "hand_over", None)):
        raise ConfigError(
            f"default_chain_builder={builder!r} is no chain builder",
            remedy=Text(
                "Pass an instance of a class that inherits from ChainBuilder: MyBuilder().",
                "请传入继承 ChainBuilder 的类的实例：MyBuilder()。",
            ),
            language=settings.language,
        )
    if settings.media == "upload" and hasattr(type(builder), "domain"):
        raise ConfigError(
            "media='upload' never opens a port, but this builder serves files",
            remedy=Text("Use media='auto' or media='serve'.", "请使用 media='auto' 或 'serve'。"),
            language=settings.language,
        )


def _is_count(value: Any, least: Any = 1) -> bool:
    return isinstance(value, int) and isinstance(least, int) and value >= least


def _is_seconds(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value < float("inf")


def _check_shards(settings: Settings) -> None:
    index, count = settings.shard_index, settings.shards
    automatic = count == "auto" and index == 0
    fixed = isinstance(count, int) and isinstance(index, int) and 0 <= index < count
    if not automatic and not fixed:
        raise ConfigError(
            f"shard_index={index!r} with shards={count!r} is not possible",
            remedy=Text(
                "shard_index counts from 0 to shards - 1; shards='auto' takes them all.",
                "shard_index 的取值为 0 到 shards - 1；shards='auto' 会连接全部分片。",
            ),
            language=settings.language,
        )
