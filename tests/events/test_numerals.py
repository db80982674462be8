"""text_digits: Chinese numerals as digits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqgroup_sync.events.models import GroupMessage
from qqgroup_sync.events.numerals import with_digits

DIGITS = "零一二三四五六七八九"


def section(number):
    """Write a number below 10 000 as it is said."""
    said, gap = "", False
    for unit, size in (("千", 1000), ("百", 100), ("十", 10), ("", 1)):
        digit = number // size % 10
        if digit:
            said += ("零" if gap and said else "") + DIGITS[digit] + unit
        gap = digit == 0
    return said


def in_chinese(number):
    """Write a number below 10 ** 12 as it is said."""
    if number == 0:
        return "零"
    said = ""
    for unit, size in (("亿", 10**8), ("万", 10**4), ("", 1)):
        part = number // size % 10_000
        if part:
            said += ("零" if said and part < 1000 else "") + section(part) + unit
    return said


@pytest.mark.parametrize(
    ("text", "digits"),
    [
        ("三", "3"),
        ("十", "10"),
        ("十五", "15"),
        ("二十三", "23"),
        ("一百零五", "105"),
        ("一百一十", "110"),
        ("一百五", "150"),
        ("一百五十", "150"),
        ("两千", "2000"),
        ("两千三", "2300"),
        ("一千零五", "1005"),
        ("三万五", "35000"),
        ("三万零五", "30005"),
        ("一亿三千万", "130000000"),
        ("三万亿", "3000000000000"),
        ("二零二四", "2024"),
        ("二〇二四年", "2024年"),
        ("十连", "10连"),
        ("抽二十次，三个人", "抽20次，3个人"),
        ("精英二", "精英2"),
        ("no numerals 12", "no numerals 12"),
        ("", ""),
    ],
)
def test_numerals_become_digits(text, digits):
    """Said as numbers, read out digit by digit, and with a last unit left out."""
    assert with_digits(text) == digits


@pytest.mark.parametrize("word", ["百度", "千万别", "万一", "亿点点", "三四十", "十十", "一万亿万"])
def test_what_is_no_number_stays(word):
    """Words that only look like one, and guesses."""
    assert with_digits(word) == word


@given(st.integers(0, 10**12 - 1))
def test_every_number_that_can_be_said_is_understood(number):
    """Written the standard way."""
    assert with_digits(in_chinese(number)) == str(number)


@given(st.text("零一二三十百千万亿〇两 x", max_size=60))
def test_no_text_breaks_it(text):
    """Whatever people type."""
    assert "x" not in text or "x" in with_digits(text)


def test_a_message_full_of_units_is_read_quickly_and_not_as_a_giant_number():
    """An integer of 16 000 digits could not even be printed."""
    text = "一" + "万" * 4000
    assert with_digits(text) == text
    assert len(with_digits("九" * 4000)) == 4000


def test_a_message_has_it_as_an_attribute():
    """Beside the text as it was written."""
    message = GroupMessage(text="抽二十次")
    assert (message.text_digits, message.text) == ("抽20次", "抽二十次")
