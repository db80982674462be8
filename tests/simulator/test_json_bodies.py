"""What is JSON for the platform, and what is not."""

import pytest

from qqgroup_sync.simulator import json_bodies
from qqgroup_sync.simulator.refusals import RefusalError


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'{"a":[1,2.5,null,"\xe5\xa4\xa9"]}', {"a": [1, 2.5, None, "天"]}),
        (b'"\\ud83d\\ude00 \\u5929"', "😀 天"),
        ('"\\\\ud800"', "\\ud800"),
    ],
)
def test_what_is_read(data, found):
    """Everything that can be written again; a backslash before an escape makes it plain text."""
    assert json_bodies.read(data) == found


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"no JSON",
        b"\xff",
        b"[" * 100_000,
        b"NaN",
        b'{"a":-Infinity}',
        b"[1e999]",
        b"9" * 5000,
        b'"\\ud800"',
        b'{"\\uDFFF":1}',
        b'["\\ude00\\ud83d"]',
        b'"\xed\xa0\x80"',
        '"x"'.encode("utf-16"),
    ],
)
def test_what_is_refused(data):
    """What is no JSON, or could not be written again."""
    with pytest.raises(ValueError):
        json_bodies.read(data)


def test_a_request_carries_an_object():
    """Nothing is an empty object, other things are refused with 11255."""
    assert json_bodies.read_object(b"") == {}
    for data in (b"[]", b"null", b'"x"', b'{"a":NaN}'):
        with pytest.raises(RefusalError) as caught:
            json_bodies.read_object(data)
        assert caught.value.err_code == 11255


def test_what_is_written_can_be_sent():
    """Compact UTF-8, whatever is in it."""
    assert json_bodies.write({"a": "天", "b": "x\ud800"}) == '{"a":"天","b":"x?"}'.encode()
