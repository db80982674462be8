"""From what the platform refused to the error that a user catches and reads."""

from __future__ import annotations

import pytest
from requests.structures import CaseInsensitiveDict

from qqgroup_sync import errors
from qqgroup_sync.api.failures import api_error, number, retry_after, trace_id
from qqgroup_sync.api.transport import Exchange

URL = "https://api.bot.qq.com/v2/groups/G/messages?token=s3cret-query"


def exchange(status=400, **headers):
    """Return an answer with these headers."""
    named = {name.replace("_", "-"): str(value) for name, value in headers.items()}
    return Exchange(status, CaseInsensitiveDict(named), b"")


def failure(status=400, data=None, language="en", **headers):
    """Return the error for an answer."""
    return api_error(exchange(status, **headers), data or {}, "POST", URL, language=language)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (302, errors.ApiError),
        (400, errors.ApiError),
        (401, errors.AuthError),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (405, errors.ApiError),
        (413, errors.MediaRejected),
        (429, errors.RateLimited),
        (500, errors.ServerError),
        (503, errors.ServerError),
        (504, errors.ServerError),
    ],
)
@pytest.mark.parametrize("data", [{}, {"code": 987654, "message": "?"}, {"data": [1]}])
def test_without_a_known_code_the_status_decides(status, kind, data):
    """A page of a proxy and a code that came up yesterday still become the right class."""
    assert type(failure(status, data)) is kind


@pytest.mark.parametrize("status", [200, 400, 401, 403, 429, 500])
@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ({"code": 11298, "err_code": 40023002}, errors.IPNotAllowed),
        ({"err_code": 40054005}, errors.DuplicateMessage),
        ({"code": 40034128}, errors.ReplyLimitReached),
        ({"code": 304103}, errors.ReplyExpired),
        ({"code": 987654, "err_code": 40034105}, errors.ProactiveNotAllowed),
        ({"code": 40034105, "err_code": 987654}, errors.ProactiveNotAllowed),
        ({"code": 1100101, "err_code": 40054010}, errors.ContentRejected),
        ({"code": "850019", "err_code": "0"}, errors.MediaRejected),
    ],
)
def test_a_known_code_decides_whatever_the_status(status, data, kind):
    """The platform judges by err_code; the status of business errors varies."""
    error = failure(status, data)
    assert type(error) is kind
    assert error.status == status
    assert error.cause
    assert error.remedy


def test_err_code_comes_before_code():
    """The two can differ: the first tells what to do, the second stays visible."""
    error = failure(400, {"code": 1100101, "err_code": 40054010, "message": "包含url"})
    assert error.reason == "url"
    assert (error.code, error.err_code) == (1100101, 40054010)
    assert error.codes == {1100101, 40054010}
    assert error.summary == (
        "POST /v2/groups/G/messages: 包含url (HTTP 400, code 40054010 (1100101))"
    )


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (304003, "url"),
        (1100101, "sensitive"),
        (40054007, "too_long"),
        (50006, "empty"),
        (304061, "format"),
    ],
)
def test_rejected_content_says_why(code, reason):
    """A program can shorten what is too long, and must not repeat what is forbidden."""
    error = failure(400, {"err_code": code})
    assert type(error) is errors.ContentRejected
    assert error.reason == reason


@pytest.mark.parametrize("value", [None, "", "abc", "1.5", [], {}, [1], float("inf"), float("nan")])
def test_what_is_no_code_counts_as_none(value):
    """Garbage in a refusal is no second failure on top of it."""
    assert number(value) == 0
    error = failure(500, {"code": value, "err_code": value, "message": value, "trace_id": value})
    assert type(error) is errors.ServerError
    assert error.codes == frozenset()


@pytest.mark.parametrize(("value", "found"), [(11244, 11244), ("11244", 11244), (11244.0, 11244)])
def test_codes_come_as_number_or_string(value, found):
    """The platform sends numbers as strings here and there."""
    assert number(value) == found


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("5", 5.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("-3", 0.0),
        ("3600", 3600.0),
        ("", None),
        ("soon", None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("nan", 0.0),
    ],
)
def test_retry_after(header, seconds):
    """Seconds when they were said, never negative."""
    assert retry_after(exchange(Retry_After=header)) == seconds
    assert failure(429, retry_AFTER=header).retry_after == seconds


def test_no_retry_after():
    """The platform often does not say."""
    assert failure(429).retry_after is None


@pytest.mark.parametrize(
    ("data", "headers", "found"),
    [
        ({"trace_id": "body"}, {"X_Tps_trace_ID": "header"}, "body"),
        ({}, {"x_tps_trace_id": "header"}, "header"),
        ({"trace_id": ""}, {"X_Tps_trace_ID": "header"}, "header"),
        ({"trace_id": 5}, {}, "5"),
        ({}, {}, ""),
    ],
)
def test_trace_ids(data, headers, found):
    """Support asks for one; where it stands differs."""
    assert trace_id(exchange(**headers), data) == found
    error = failure(400, data, **headers)
    assert error.trace_id == found
    assert ("[trace " in error.summary) is bool(found)


def test_no_secret_stands_in_an_error():
    """Neither the query of the address nor what the platform echoes."""
    data = {"message": 'invalid {"clientSecret":"s3cret-body"} QQBot s3cret-token-value'}
    error = failure(400, data)
    assert "s3cret" not in f"{error} {error!r} {error.args} {error.message} {error.path}"
    assert error.path == "/v2/groups/G/messages"


def test_the_words_are_in_the_users_language():
    """The first line can be pasted into a ticket, cause and remedy can be read."""
    english, chinese = (failure(401, {"code": 11298}, language=one) for one in ("en", "zh"))
    assert "whitelist" in english.cause
    assert "白名单" in chinese.cause
    assert english.summary == chinese.summary
