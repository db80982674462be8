"""How often each endpoint may be called: the table of limits, and how a bucket fills up again."""

import pytest

from qqgroup_sync.simulator.rates import RateBook
from qqgroup_sync.simulator.refusals import RefusalError


def allowed(book, method, path, now=0.0, appid="a"):
    """Count how many calls go through at one moment."""
    for number in range(1000):
        try:
            book.take(appid, method, path, now)
        except RefusalError:
            return number
    return None


@pytest.mark.parametrize(
    ("method", "path", "calls"),
    [
        ("GET", "/gateway", 10),
        ("GET", "/users/@me", 50),
        ("POST", "/v2/groups/G/messages", 100),
        ("POST", "/v2/users/U/messages", 100),
        ("POST", "/v2/users/U/stream_messages", 50),
        ("DELETE", "/v2/groups/G/messages/M", 10),
        ("POST", "/v2/groups/G/files", 50),
        ("POST", "/v2/users/U/upload_prepare", 10),
        ("PUT", "/interactions/I", 50),
        ("GET", "/v2/groups/G/info", 30),
        ("GET", "/v2/groups/G/members", 60),
        ("GET", "/v2/groups/G/members/M", 30),
        ("POST", "/v2/groups/G/member_blacklist", 60),
        ("GET", "/v2/groups/G/member_blacklist", 30),
        ("POST", "/v2/groups/G/approval_join_request/M", 60),
        ("POST", "/v2/groups/join_approval_strategy/S/execute", 60),
        ("GET", "/v2/menu", 30),
        ("PUT", "/v2/menu", 5),
        ("POST", "/v2/panels", 10),
        ("PUT", "/v2/panels/P", 10),
        ("GET", "/v2/panels/P", 30),
        ("PUT", "/v2/panels/P/target", 60),
        ("GET", "/v2/media-images", None),
        ("POST", "/app/getAppAccessToken", None),
    ],
)
def test_limits(method, path, calls):
    """Of the endpoints' pages; None where none is known."""
    assert allowed(RateBook(), method, path) == calls


def test_a_bucket_fills_up_steadily():
    """And never beyond its burst; the refusal tells when there is room again."""
    book = RateBook()
    assert allowed(book, "GET", "/gateway") == 10
    with pytest.raises(RefusalError) as caught:
        book.take("a", "GET", "/gateway", 10.0)
    refusal = caught.value
    assert (refusal.err_code, refusal.status, refusal.retry_after) == (22009, 429, 20)
    assert allowed(book, "GET", "/gateway", 30.0) == 1
    assert allowed(book, "GET", "/gateway", 10_000.0) == 10


def test_bots_and_endpoints_are_counted_apart():
    """One's calls are not another's."""
    book = RateBook()
    assert allowed(book, "GET", "/gateway") == 10
    assert allowed(book, "GET", "/gateway", appid="b") == 10
    assert allowed(book, "GET", "/users/@me") == 50


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("GET", "/gateway"), ("GET", "/gateway/bot")),
        (("POST", "/v2/groups/G/messages"), ("POST", "/v2/users/U/messages")),
        (("GET", "/v2/groups/G/info"), ("GET", "/v2/groups/G/members/M")),
        (("GET", "/v2/menu"), ("GET", "/v2/panels")),
        (
            ("POST", "/v2/groups/join_approval_strategy/S/execute"),
            ("POST", "/v2/groups/join_approval_strategy/S/whitelist_users"),
        ),
    ],
)
def test_each_endpoint_has_its_own_limit(one, other):
    """Calls of one take nothing from another."""
    book = RateBook()
    allowed(book, *one)
    assert allowed(book, *other) == allowed(RateBook(), *other)


def test_ids_share_the_limit_of_their_endpoint():
    """It holds per bot, whatever group is asked for."""
    book = RateBook()
    assert allowed(book, "GET", "/v2/groups/G/info") == 30
    assert allowed(book, "GET", "/v2/groups/H/info") == 0
