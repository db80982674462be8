"""Settings: from arguments and environment, checked in the caller's line."""

from __future__ import annotations

import dataclasses

import pytest

from qqgroup_sync.errors import ConfigError
from qqgroup_sync.settings import (
    API_BASES,
    TOKEN_URLS,
    QQGroupChainBuilderOptions,
    settle,
)


def settings_of(appid="102", secret="s", environment=None, **options):
    """Return settled settings; the environment is empty unless given."""
    return settle(appid, secret, environment=environment or {}, **options)


def test_defaults_reach_tencent():
    """With AppID and secret alone both official hosts are known, the new one first."""
    settings = settings_of()
    assert settings.api_bases == API_BASES
    assert settings.token_urls == TOKEN_URLS
    assert settings.token_urls[0].startswith("https://api.bot.qq.com/")
    assert (settings.gateway_url, settings.simulator, settings.direct) == ("", "", False)


def test_the_environment_fills_in():
    """A program needs no credentials in its text."""
    environment = {
        "QQ_APPID": " 103 ",
        "QQ_CLIENT_SECRET": "from-env\n",
        "QQ_API_BASE": "https://proxy.example/qq/",
        "QQ_TOKEN_URL": "https://proxy.example/token",
        "QQ_GATEWAY_URL": "wss://proxy.example/ws",
        "QQ_LANGUAGE": "zh_CN",
        "REQUESTS_CA_BUNDLE": __file__,
    }
    settings = settle(None, None, environment=environment)
    assert (settings.appid, settings.client_secret) == ("103", "from-env")
    assert settings.api_bases == ("https://proxy.example/qq",)
    assert settings.token_urls == ("https://proxy.example/token",)
    assert settings.gateway_url == "wss://proxy.example/ws"
    assert settings.language == "zh"
    assert settings.ca_bundle == __file__


def test_arguments_win_over_the_environment():
    """What the program says is meant."""
    environment = {"QQ_APPID": "1", "QQ_CLIENT_SECRET": "x", "QQ_API_BASE": "https://env.example"}
    settings = settle(
        7, "mine", environment=environment, api_base="https://mine.example", language="zh"
    )
    assert (settings.appid, settings.client_secret, settings.language) == ("7", "mine", "zh")
    assert settings.api_bases == ("https://mine.example",)


def test_the_simulator_wins_over_both():
    """``try bot.py`` runs an unchanged script, whatever it passes, without a proxy."""
    environment = {"QQ_SIMULATOR": "http://127.0.0.1:9000/", "QQ_GATEWAY_URL": "wss://env.example"}
    settings = settings_of(environment=environment, api_base="https://mine.example")
    assert settings.api_bases == ("http://127.0.0.1:9000",)
    assert settings.token_urls == ("http://127.0.0.1:9000/app/getAppAccessToken",)
    assert (settings.gateway_url, settings.direct) == ("", True)


def test_the_simulator_needs_no_credentials():
    """A newcomer has none yet."""
    settings = settle(None, None, environment={"QQ_SIMULATOR": "http://127.0.0.1:9000"})
    assert settings.appid
    assert settings.client_secret


@pytest.mark.parametrize(
    ("api_base", "token_urls"),
    [
        ("https://my.example/qq/", ("https://my.example/qq/app/getAppAccessToken",)),
        ("https://sandbox.api.sgroup.qq.com/", TOKEN_URLS),
        ("https://api.sgroup.qq.com", TOKEN_URLS),
        ("https://api.bot.qq.com", ("https://api.bot.qq.com/app/getAppAccessToken",)),
    ],
)
def test_the_token_comes_from_the_same_host_unless_that_has_none(api_base, token_urls):
    """A reverse proxy serves everything; Tencent's old hosts never handed out tokens."""
    assert settings_of(api_base=api_base).token_urls == token_urls


@pytest.mark.parametrize("value", [None, "", "  ", "...", "****"])
@pytest.mark.parametrize("missing", ["appid", "client_secret"])
def test_missing_credentials_say_where_to_find_them(missing, value):
    """Also the placeholder of an example counts as missing."""
    appid, secret = (value, "s") if missing == "appid" else ("1", value)
    with pytest.raises(ConfigError, match=f"{missing} is missing") as caught:
        settle(appid, secret, environment={"QQ_LANGUAGE": "en"})
    assert "q.qq.com" in caught.value.remedy
    assert "QQ_" in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_base", "api.bot.qq.com"),
        ("api_base", "ftp://api.bot.qq.com"),
        ("api_base", "https://"),
        ("api_base", "https://[::1"),
        ("api_base", "https://x:99999"),
        ("api_base", "https://x:port"),
        ("token_url", "wss://x"),
        ("gateway_url", "https://api.bot.qq.com/websocket"),
        ("gateway_url", "wss:/x"),
    ],
)
def test_what_is_no_address_is_refused(name, value):
    """A typo in a URL is found before anything is sent anywhere."""
    with pytest.raises(ConfigError, match=name):
        settings_of(**{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("urls", "remove"),
        ("ordering", "user"),
        ("language", "fr"),
        ("max_text", 0),
        ("max_text", "4000"),
        ("workers", 0),
        ("workers", 1.5),
        ("max_workers", 3),
        ("max_workers", None),
        ("queue_size", 0),
        ("queue_size", "many"),
        ("timeout", 0),
        ("timeout", -1.0),
        ("timeout", None),
        ("timeout", float("nan")),
        ("timeout", float("inf")),
        ("ca_bundle", "/nowhere/company.pem"),
    ],
)
def test_an_impossible_value_is_refused_with_what_is_possible(name, value):
    """The error names the setting and the remedy; no wrong type comes through as a TypeError."""
    with pytest.raises(ConfigError, match=name) as caught:
        settings_of(**{name: value})
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("index", "count", "possible"),
    [
        (0, 1, True),
        (1, 2, True),
        (0, "auto", True),
        (1, 1, False),
        (-1, 2, False),
        (0, 0, False),
        (1, "auto", False),
        (0, "2", False),
        (0, None, False),
        ("0", 1, False),
    ],
)
def test_shards_count_from_zero(index, count, possible):
    """``shard_index`` is below ``shards``; ``auto`` takes them all."""
    if possible:
        settings = settings_of(shard_index=index, shards=count)
        assert (settings.shard_index, settings.shards) == (index, count)
        return
    with pytest.raises(ConfigError, match="shard"):
        settings_of(shard_index=index, shards=count)


def test_settings_show_no_secret_and_cannot_change():
    """They may be logged, and every thread reads the same."""
    settings = settings_of(secret="hunter2-hunter2")
    assert "hunter2" not in repr(settings)
    with pytest.raises(dataclasses.FrozenInstanceError):
        settings.appid = "2"


def test_the_resource_service_has_the_seeds_defaults():
    """An AmiyaBot user finds the same options."""
    options = QQGroupChainBuilderOptions()
    assert (options.host, options.port, options.resource_path) == ("0.0.0.0", 8086, "./resource")
    assert options.http_server_options is None


@pytest.mark.parametrize("port", [-1, 65536, "8086", None])
def test_a_port_that_does_not_exist_is_refused(port):
    """At construction, not when the first picture is sent."""
    with pytest.raises(ConfigError, match="port"):
        QQGroupChainBuilderOptions(port=port)


def test_server_options_are_those_of_waitress():
    """Unknown ones fail at construction and are named."""
    assert QQGroupChainBuilderOptions(http_server_options={"threads": 8}).http_server_options
    for wrong in ({"treads": 8}, {"threads": "many"}, {"workers": 2}):
        with pytest.raises(ConfigError, match="http_server_options"):
            QQGroupChainBuilderOptions(http_server_options=wrong)


@pytest.mark.parametrize(("appid", "secret"), [(["1"], "s"), ("1", 5), (1.5, "s"), ("1", b"s")])
def test_credentials_of_another_type_are_refused(appid, secret):
    """A number is fine for the appid, as people write it."""
    assert settle(1, "s", environment={}).appid == "1"
    with pytest.raises(ConfigError, match="is a str, not") as caught:
        settle(appid, secret, environment={})
    assert caught.value.remedy


def test_a_builder_that_serves_does_not_go_with_uploads():
    """Said at once, without asking a builder that nobody opened yet for its address."""
    from qqgroup_sync.media.serving import QQGroupChainBuilder

    builder = QQGroupChainBuilder(QQGroupChainBuilderOptions(port=0))
    with pytest.raises(ConfigError, match="this builder serves files") as caught:
        settings_of(media="upload", default_chain_builder=builder)
    assert "media='auto'" in caught.value.remedy
