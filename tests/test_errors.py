"""The error tree: what a user reads, catches and pastes into a ticket."""

from __future__ import annotations

import pytest

from qqgroup_sync import errors
from qqgroup_sync.errors import (
    ApiError,
    ConfigError,
    ContentRejected,
    GatewayClosed,
    GatewayRejected,
    PartialSendError,
    QQGroupError,
    Text,
    default_language,
)

CAUSE = Text("The moon is full.", "月圆了。")
REMEDY = Text("Wait.", "等一等。")
ALL = [
    value
    for value in vars(errors).values()
    if isinstance(value, type) and issubclass(value, QQGroupError)
]


def make(kind, summary="it failed", **options):
    """Return an error of any class."""
    if kind is PartialSendError:
        options.setdefault("sent", ())
    return kind(summary, **options)


@pytest.mark.parametrize("kind", ALL)
def test_each_error_begins_with_its_summary(kind):
    """The first line of every error is the English line for a ticket."""
    assert str(make(kind)).splitlines()[0] == "it failed"
    assert repr(make(kind)) == f"{kind.__name__}('it failed')"
    assert make(kind).args == ("it failed",)


@pytest.mark.parametrize("kind", ALL)
def test_no_error_carries_a_secret(kind):
    """Neither text nor ``args`` of an error keep what its summary should not have said."""
    error = make(kind, 'the body was {"access_token": "s3cret-value"}')
    assert "s3cret" not in f"{error} {error!r} {error.args} {error.summary}"


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [
        (errors.ConfigError, ValueError),
        (errors.StateError, RuntimeError),
        (errors.TransportTimeout, TimeoutError),
        (errors.TransportTimeout, errors.TransportError),
        (errors.NotConnected, errors.TransportError),
        (errors.WaitTimeout, TimeoutError),
        (errors.UnsupportedMedia, ValueError),
        (errors.UnsupportedMedia, errors.MediaError),
        (errors.IPNotAllowed, errors.AuthError),
        (errors.GatewayRejected, errors.GatewayError),
    ],
)
def test_errors_can_be_caught_as_what_they_are(kind, builtin):
    """``except ValueError`` and its like work, too."""
    with pytest.raises(builtin):
        raise make(kind)


def test_cause_and_remedy_follow_on_lines_of_their_own():
    """In the language that was asked for; the summary stays English."""
    english = ConfigError("no moon", cause=CAUSE, remedy=REMEDY, language="en")
    chinese = ConfigError("no moon", cause=CAUSE, remedy=REMEDY, language="zh")
    assert str(english) == "no moon\n  cause: The moon is full.\n  remedy: Wait."
    assert str(chinese) == "no moon\n  原因: 月圆了。\n  办法: 等一等。"
    assert (chinese.cause, chinese.remedy) == ("月圆了。", "等一等。")


def test_without_cause_and_remedy_there_is_one_line():
    """No empty lines are printed."""
    error = QQGroupError("no moon")
    assert (str(error), error.cause, error.remedy) == ("no moon", "", "")


def test_a_refusal_names_everything_that_support_asks_for():
    """Method, path, the platform's words, both codes and the trace id stand in one line."""
    error = ApiError(
        status=400,
        code=11298,
        err_code=40023002,
        message="来源IP不在白名单",
        trace_id="0123456789abcdef",
        method="POST",
        path="/v2/groups/G/messages",
    )
    assert str(error) == (
        "POST /v2/groups/G/messages: 来源IP不在白名单"
        " (HTTP 400, code 40023002 (11298)) [trace 0123456789abcdef]"
    )
    assert error.codes == {11298, 40023002}


def test_a_refusal_without_words_is_still_a_sentence():
    """An empty body leaves the status."""
    error = ApiError(status=502, method="GET", path="/gateway")
    assert str(error) == "GET /gateway: refused (HTTP 502)"
    assert error.codes == frozenset()


def test_particulars_are_kept():
    """What a handler can act upon stands in attributes."""
    assert ContentRejected(status=400, reason="url").reason == "url"
    assert PartialSendError("x", sent=["a", "b"]).sent == ("a", "b")
    assert GatewayRejected("x", code=4914).code == 4914
    closed = GatewayClosed("x", code=4009, reason="Session timed out")
    assert (closed.code, closed.reason) == (4009, "Session timed out")
    assert errors.TransportError("x").never_sent is False


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
        ({"LANG": "zh_CN.UTF-8", "LC_MESSAGES": "en_US"}, "en"),
        ({"LANG": "en_US", "QQ_LANGUAGE": "zh"}, "zh"),
        ({"LANG": "zh_CN", "QQ_LANGUAGE": "en"}, "en"),
        ({"QQ_LANGUAGE": "ZH-Hans"}, "zh"),
        ({"LANG": "Chinese (Simplified)_China.936"}, "zh"),
    ],
)
def test_the_language_is_that_of_the_environment(environment, language):
    """QQ_LANGUAGE first, then the locale as other programs read it."""
    assert default_language(environment) == language


def test_errors_speak_the_language_of_the_environment(monkeypatch):
    """An error that nobody told a language asks the environment."""
    monkeypatch.setenv("QQ_LANGUAGE", "zh")
    assert "办法: 等一等。" in str(ConfigError("x", remedy=REMEDY))
