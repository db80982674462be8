"""The table of platform codes: complete, in both languages, and true to the retry classes."""

import ast
import inspect
import subprocess
import sys

import pytest

from qqgroup_sync import error_codes, errors
from qqgroup_sync.error_codes import AUDIT_CODES, CODES, TOKEN_CODES, CodeInfo, lookup

# Every REST code that the platform's pages, or users of other SDKs, name for groups and C2C.
NAMED = {
    # access token; authorisation
    *(100001, 100002, 100007, 100016, 100017, 10004),
    *(11241, 11242, 11243, 11244, 11245, 11251, 11252, 11253, 11254, 11255),
    *(11261, 11262, 11263, 11264, 11265, 11275, 11281, 11282, 11298, 40023002),
    *(11301, 11302, 11303, 11304, 11305, 11306, 12001, 12002, 12003),
    # sending
    *(22006, 22009, 50059, 304004, 304036, 304041, 304057, 304061, 304062, 304064, 304080),
    *(304082, 304083, 304103, 305007, 340067, 340069, 10013, 50006, 50037, 50040, 50041, 50042),
    *(50045, 50046, 50047, 50048, 50054, 50055, 50056, 50057),
    *(40034004, 40034005, 40034006, 40034008, 40034009, 40034010, 40034011, 40034024, 40034025),
    *(40034026, 40034027, 40034029, 40034100, 40034101, 40034102, 40034105, 40034106, 40034108),
    *(40034109, 40034122, 40034123, 40034124, 40034127, 40034128),
    *(40054002, 40054003, 40054004, 40054005, 40054006, 40054007, 40054010, 40054013, 40054014),
    *(40054015, 40054016, 40054018, 50055001, 50055002, 50055006),
    *(304003, 304007, 304008, 304009, 304010, *range(304016, 304030), *range(304037, 304041)),
    *range(304044, 304053),
    *(1100100, 1100101, 1100103, 1100104, 1100300, 1100301, 1100308, 3300006),
    # streaming, media, recall, clicks, share link, panels, image library
    *(40007, 40113003, 50001, 50002),
    *(850012, 850018, 850019, 850026, 850027, 850031, 10000, 40093001, 40093002),
    *(40064004, 40062003, 40061001, 40061002, 306009, 50065001, *range(306001, 306007)),
    *range(630001, 630009),
    *(10001, 10002, 10003, 10044, 11004, 40030021, 40035007, 40035008),
}
# What other SDKs repeat by themselves (protocol: retry classes), and what the pages say to retry.
RETRIED = {
    *(304007, 304008, 304009, 304010, 304017, 304021, 304029, 304052),
    *(40034004, 40034100, 40054006, 50055001, 50055002, 50055006),
    *(101, 11242, 11252, 11263, 11281, 130000, 306003, 306005, 306006, 501002, 620007),
    *(22009, 304082, 304083, 100001, 100002, 100017, 850027, 40093001, 630004, 630005, 50065001),
}


def info_of(code: int) -> CodeInfo:
    """Return what is known about a code that must be known."""
    info = lookup(code)
    assert info is not None
    return info


def test_every_named_code_is_known():
    """No code that the platform is known to send is missing."""
    assert sorted(NAMED - CODES.keys()) == []


def test_no_code_stands_in_two_rows():
    """A code has one meaning: a second row would silently win."""
    rows = [code for codes, _ in error_codes._TABLE for code in codes]
    assert sorted(rows) == sorted(set(rows))


@pytest.mark.parametrize("code", sorted(CODES))
def test_an_entry_is_complete(code):
    """Each names an error class, and says cause and remedy in two different languages."""
    info = CODES[code]
    assert issubclass(getattr(errors, info.error), errors.ApiError)
    for english, chinese in (info.cause, info.remedy):
        assert english.isascii()
        assert english.endswith((".", ")"))
        assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese)
        assert chinese.endswith("。")
    reasons = {"url", "sensitive", "too_long", "empty", "format"}
    assert (info.reason in reasons) == (info.error == "ContentRejected")
    assert (not info.reason) == (info.error != "ContentRejected")


def test_every_error_class_of_the_platform_is_used():
    """No class of the error tree waits for a code that never comes."""
    classes = {
        name
        for name, kind in vars(errors).items()
        if inspect.isclass(kind) and issubclass(kind, errors.ApiError)
    }
    assert classes == {info.error for info in CODES.values()}


def test_what_is_transient_is_what_others_repeat():
    """A code that is repeated although it means no would delay every error by seconds."""
    assert sorted(RETRIED - {code for code in CODES if CODES[code].transient}) == []
    for code in CODES:
        if CODES[code].transient:
            assert CODES[code].error in {"ServerError", "RateLimited", "MediaRejected"}


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (100016, "AuthError"),
        (11244, "AuthError"),
        (11265, "AuthError"),
        (11298, "IPNotAllowed"),
        (40023002, "IPNotAllowed"),
        (11253, "Forbidden"),
        (40054002, "Forbidden"),
        (40054003, "Forbidden"),
        (1100104, "NotFound"),
        (40034100, "RateLimited"),
        (50055001, "ServerError"),
        (40034005, "ReplyExpired"),
        (304103, "ReplyExpired"),
        (40034026, "ReplyExpired"),
        (40034128, "ReplyLimitReached"),
        (40054005, "DuplicateMessage"),
        (40034105, "ProactiveNotAllowed"),
        (40034102, "ProactiveNotAllowed"),
        (40054013, "ProactiveNotAllowed"),
        (304080, "MediaRejected"),
        (850019, "MediaRejected"),
        (40064004, "ApiError"),
    ],
)
def test_the_error_class_fits_what_the_user_can_do(code, error):
    """The class is what the user's except clause names."""
    assert info_of(code).error == error


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (40054010, "url"),
        (304003, "url"),
        (40034006, "sensitive"),
        (1100101, "sensitive"),
        (40054007, "too_long"),
        (40054018, "too_long"),
        (50006, "empty"),
        (22006, "format"),
        (40034029, "format"),
    ],
)
def test_the_reason_of_rejected_content(code, reason):
    """Rejected content says why in one word."""
    assert info_of(code).reason == reason


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (40054010, ['Client(urls="markdown")', 'Client(urls="dots")', "q.qq.com|console|控制台"]),
        (11298, ["q.qq.com", "IP whitelist|IP 白名单", "IPv4"]),
        (40034105, ["message.reply", "group owner|群主"]),
        (40034128, ["Client(proactive_fallback=True)", "5 ", "60 ", "4 "]),
        (100016, ["AppSecret", "client_secret", "once|一次", "reset|重置"]),
    ],
)
def test_the_remedy_names_what_to_do(code, words):
    """The failures that every newcomer meets come with the exact setting, in both languages."""
    for text in info_of(code).remedy:
        for word in words:
            assert any(choice in text for choice in word.split("|")), (word, text)


def test_lookup_takes_the_first_known_code():
    """``err_code`` is asked before ``code``; an unknown or absent one does not hide the other."""
    assert lookup(40023002, 11253) is CODES[40023002]
    assert lookup(11253, 40023002) is CODES[11253]
    assert lookup(0, 11253) is CODES[11253]
    assert lookup(99999999, 40054005) is CODES[40054005]
    assert lookup(0, 99999999) is None
    assert lookup() is None


def test_code_groups():
    """A refresh helps against the token codes, and not against the IP whitelist."""
    assert frozenset({11241, 11242, 11243, 11244}) == TOKEN_CODES
    assert frozenset({304023, 304024}) == AUDIT_CODES
    assert CODES.keys() >= (TOKEN_CODES | AUDIT_CODES)
    assert not TOKEN_CODES & {11298, 40023002, 11245}


def test_the_module_imports_nothing_of_the_package():
    """It lies at the bottom of the house, and is loaded only when a refusal is explained."""
    tree = ast.parse(inspect.getsource(error_codes))
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert modules == {"__future__", "typing"}
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import)]


def test_the_table_is_not_loaded_with_the_endpoints():
    """A bot that is never refused never pays for the table."""
    source = (
        "import sys, qqgroup_sync.api.endpoints\n"
        "cold = ('error_codes', 'api.group_records', 'api.file_records')\n"
        "print([name for name in cold if f'qqgroup_sync.{name}' in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout.strip() == "[]"
