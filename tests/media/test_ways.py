"""What each refusal means for the other ways, in which order they come, what is remembered."""

from __future__ import annotations

import logging

import pytest

from qqgroup_sync import error_codes, errors
from qqgroup_sync.errors import (
    ApiError,
    BadResponse,
    MediaError,
    MediaRejected,
    MediaTooLarge,
    QQGroupError,
    StateError,
    Text,
    TransportError,
    TransportTimeout,
)
from qqgroup_sync.media import formats
from qqgroup_sync.media.ways import (
    BASE64_FIRST,
    BASE64_MOST,
    LESSON_LIFE,
    Attempts,
    Lessons,
    Verdict,
    direct_ways,
    is_format_refused,
    judge,
)

MIB = 1024 * 1024
NOW = 1000.0
FINAL, NEXT, REFUSED, TOO_LARGE = (
    Verdict.FINAL,
    Verdict.NEXT,
    Verdict.REFUSED,
    Verdict.TOO_LARGE,
)


def refusal(status=400, err_code=0, code=0):
    """Return the error of an answer, of the class that the table gives it."""
    known = error_codes.lookup(err_code, code)
    kind = getattr(errors, known.error) if known else ApiError
    return kind(status=status, err_code=err_code, code=code, method="POST", path="/files")


@pytest.mark.parametrize(
    ("status", "err_code", "verdict"),
    [
        # of this content
        (400, 850019, FINAL),  # format
        (500, 850019, FINAL),  # as it was seen live
        (400, 850031, FINAL),  # too large
        (400, 40093002, FINAL),  # volume of the day
        (400, 40034006, FINAL),  # breaks the rules
        (400, 304025, FINAL),
        (400, 1100101, FINAL),
        (400, 1100103, FINAL),
        # of this chat
        (400, 850018, FINAL),  # muted
        (400, 40054003, FINAL),
        (400, 40054004, FINAL),
        (400, 11255, FINAL),  # a foreign openid
        (404, 11255, FINAL),
        # of this bot
        (401, 11244, FINAL),
        (401, 11298, FINAL),
        (401, 0, FINAL),
        (429, 0, FINAL),
        (400, 22009, FINAL),
        (400, 1100100, FINAL),
        # of the way
        (400, 10000, REFUSED),
        (400, 11253, REFUSED),
        (400, 11254, REFUSED),
        (404, 0, REFUSED),
        (405, 0, REFUSED),
        (413, 0, TOO_LARGE),
        # of this attempt
        (400, 850012, NEXT),
        (400, 850026, NEXT),
        (400, 850027, NEXT),
        (400, 40034004, NEXT),
        (500, 0, NEXT),
        (504, 0, NEXT),
        (500, 500, NEXT),
        (400, 40093001, NEXT),
        (400, 123456789, NEXT),  # unknown: another way may do
        (404, 123456789, NEXT),
        (403, 0, NEXT),
    ],
)
def test_what_a_refusal_means(status, err_code, verdict):
    """Each code and status says whether another way has a chance."""
    assert judge(refusal(status, err_code)) is verdict


def test_err_code_counts_more_than_code():
    """The two can differ; the platform itself judges by err_code."""
    assert judge(refusal(400, err_code=850019, code=10000)) is FINAL
    assert judge(refusal(400, err_code=10000, code=850019)) is REFUSED
    assert judge(refusal(400, err_code=999, code=10000)) is REFUSED


@pytest.mark.parametrize("code", sorted(error_codes.CODES))
def test_no_content_is_forced_on_the_platform(code):
    """Whatever the table calls a rejected content is final; nothing but a way is remembered."""
    verdict = judge(refusal(400, code))
    kind = error_codes.CODES[code].error
    if kind in ("ContentRejected", "AuthError", "IPNotAllowed", "NotFound", "RateLimited"):
        assert verdict is FINAL
    if verdict is REFUSED:
        assert code in (10000, 11253, 11254)


def test_no_answer():
    """A host that cannot be reached is the same for all ways; a broken connection is not."""
    unreachable = TransportError("no")
    unreachable.never_sent = True
    assert judge(unreachable) is FINAL
    assert judge(TransportError("broke")) is NEXT
    assert judge(TransportTimeout("late")) is NEXT
    assert judge(BadResponse("what?")) is NEXT


@pytest.mark.parametrize("error", [StateError("stop"), MediaError("gone"), ValueError("bug")])
def test_anything_else_is_no_refusal(error):
    """Other errors are raised as they are."""
    assert judge(error) is FINAL


def test_only_one_code_is_about_the_format():
    """With it a voice becomes SILK."""
    assert is_format_refused(refusal(500, 850019))
    assert is_format_refused(refusal(400, 1, code=850019))
    assert not is_format_refused(refusal(400, 850031))
    assert not is_format_refused(MediaError("850019"))


@pytest.mark.parametrize(
    ("size", "ceiling", "ways"),
    [
        (1, BASE64_MOST, ["base64", "chunked"]),
        (BASE64_FIRST, BASE64_MOST, ["base64", "chunked"]),
        (BASE64_FIRST + 1, BASE64_MOST, ["chunked", "base64"]),
        (BASE64_MOST, BASE64_MOST, ["chunked", "base64"]),
        (BASE64_MOST + 1, BASE64_MOST, ["chunked"]),
        (200 * MIB, BASE64_MOST, ["chunked"]),
        (2000, 1999, ["chunked"]),
        (1999, 1999, ["base64", "chunked"]),
    ],
)
def test_the_order_depends_on_the_size(size, ceiling, ways):
    """Small things go in one request, large ones in parts."""
    assert direct_ways(size, ceiling) == ways


# ---------------------------------------------------------------------- lessons


def test_a_refused_way_is_remembered_for_its_scene(caplog):
    """One warning says so, however often it is learned; the other scene is its own."""
    lessons = Lessons()
    for _ in range(3):
        lessons.refuse("base64", "c2c", "HTTP 400, code 10000", NOW)
    assert lessons.refusal("base64", "c2c", NOW) == "HTTP 400, code 10000"
    assert lessons.refusal("base64", "group", NOW) == lessons.refusal("chunked", "c2c", NOW) == ""
    (line,) = caplog.messages
    assert "base64 in private chats" in line
    assert "code 10000" in line


def test_a_way_that_works_again_is_no_longer_avoided():
    """The platform may have opened it."""
    lessons = Lessons()
    lessons.refuse("chunked", "group", "no", NOW)
    lessons.allow("chunked", "group")
    lessons.allow("url", "group")  # nothing to forget
    assert lessons.refusal("chunked", "group", NOW) == ""


def test_the_ceiling_only_falls(caplog):
    """What was too much stays too much; less may still go."""
    caplog.set_level(logging.INFO)
    lessons = Lessons()
    assert lessons.ceiling("group", NOW) == BASE64_MOST
    lessons.lower_ceiling("group", 3 * MIB, NOW)
    lessons.lower_ceiling("group", 4 * MIB, NOW)
    assert lessons.ceiling("group", NOW) == 3 * MIB - 1
    assert lessons.ceiling("c2c", NOW) == BASE64_MOST
    assert len(caplog.messages) == 1


def test_a_small_body_that_is_too_large_teaches_nothing():
    """Something on the way may answer 413 to anything; base64 stays open."""
    lessons = Lessons()
    lessons.lower_ceiling("group", 70, NOW)
    lessons.lower_ceiling("group", MIB, NOW)
    assert lessons.ceiling("group", NOW) == BASE64_MOST
    lessons.lower_ceiling("group", MIB + 1, NOW)
    assert lessons.ceiling("group", NOW) == MIB


def test_every_lesson_ends(caplog):
    """After an hour the platform is asked again; what it says then is told again."""
    lessons = Lessons()
    lessons.refuse("url", "group", "no", NOW)
    lessons.lower_ceiling("group", 3 * MIB, NOW)
    lessons.refuse_format(formats.WAV, "group", NOW)
    late = NOW + LESSON_LIFE - 1
    assert lessons.refusal("url", "group", late) == "no"
    assert lessons.ceiling("group", late) == 3 * MIB - 1
    assert not lessons.takes(formats.WAV, "group", late)
    later = NOW + LESSON_LIFE
    assert lessons.refusal("url", "group", later) == ""
    assert lessons.ceiling("group", later) == BASE64_MOST
    assert lessons.takes(formats.WAV, "group", later)
    lessons.refuse("url", "group", "no", later)
    assert len(caplog.messages) == 2
    assert "for an hour" in caplog.messages[0]


def test_a_refused_format_is_remembered(caplog):
    """By its scene, with one line."""
    caplog.set_level(logging.INFO)
    lessons = Lessons()
    lessons.refuse_format(formats.WAV, "group", NOW)
    lessons.refuse_format(formats.WAV, "group", NOW)
    assert not lessons.takes(formats.WAV, "group", NOW)
    assert lessons.takes(formats.WAV, "c2c", NOW)
    assert lessons.takes(formats.MP3, "group", NOW)
    assert len(caplog.messages) == 1


# ---------------------------------------------------------------------- when all fails


def test_one_failure_is_raised_as_it_is():
    """Its class says what to do."""
    tried = Attempts("cat.png", "en")
    error = MediaRejected(status=400, err_code=850026)
    tried.failed("url", error)
    assert tried.error() is error


def test_several_failures_are_told_one_by_one():
    """A line for each way, in both languages, with the last one as the cause."""
    for language, headline in (("en", "every way"), ("zh", "所有方式都失败了")):
        tried = Attempts("cat.png", language)
        tried.failed("base64", refusal(413))
        tried.failed("chunked", TransportError("broke\nin two"))
        tried.skipped("resource service", "port taken")
        error = tried.error()
        assert isinstance(error, MediaError)
        assert isinstance(error.__cause__, TransportError)
        lines = str(error).splitlines()
        assert lines[0] == (
            "cat.png could not be handed to QQ; tried base64, chunked, resource service"
        )
        assert headline in lines[1]
        assert [line.strip() for line in lines[2:5]] == [
            "base64: POST /files: refused (HTTP 413)",
            "chunked: broke in two",
            "resource service: port taken",
        ]
        assert error.remedy


def test_secrets_stay_out_of_the_reasons():
    """A foreign error may quote a presigned link."""
    tried = Attempts("cat.png", "en")
    tried.failed("a", OSError("https://cos.example/x?q-signature=hush"))
    tried.failed("b", QQGroupError("see https://cos.example/x?q-signature=hush"))
    assert "hush" not in str(tried.error())
    assert "cos.example" in tried.last


@pytest.mark.parametrize(
    ("error", "remedy"),
    [
        (MediaError("404", remedy=Text("Check the link.", "请检查链接。")), "Check the link."),
        (TransportError("its host name is unknown"), "open it in a browser"),
        (MediaTooLarge("big", remedy=Text("Pass a larger limit=.", "limit=")), "smaller"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_helps_when_a_url_cannot_be_fetched(error, remedy):
    """What is wrong with the link, not another way of hosting."""
    error.language = "en"
    tried = Attempts("cat.png", "en")
    tried.failed("url", refusal(400, 850026))
    tried.failed_here(error)
    assert remedy in tried.error().remedy
    assert "limit=" not in tried.error().remedy
    assert f"fetching it here: {error.summary}" in str(tried.error())
