"""Chinese numerals as digits."""

from __future__ import annotations

import re

_DIGITS = {char: value for value, char in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"千": 1000, "百": 100, "十": 10}
_LARGE = {"亿": 100_000_000, "万": 10_000}

_ANY = "零〇一二两三四五六七八九十"
# None begins with 百, 千, 万 or 亿: 百度, 千万 and 万一 are words.
_NUMERAL = re.compile(f"(?<![百千万亿])[{_ANY}][{_ANY}百千万亿]*")
_READ_OUT = re.compile(f"[{''.join(_DIGITS)}]+")
_DIGIT = "[一二两三四五六七八九]"
_ZERO = "[零〇]?"
_BELOW_WAN = f"(?:{_DIGIT}千)?(?:{_ZERO}{_DIGIT}百)?(?:{_ZERO}{_DIGIT}?十)?(?:{_ZERO}{_DIGIT})?"
_WAN = f"(?!万){_BELOW_WAN}万"
_YI = f"(?:{_WAN}{_BELOW_WAN}|(?!亿){_BELOW_WAN})亿"
_WELL_FORMED = re.compile(f"(?:{_YI})?(?:{_WAN})?{_BELOW_WAN}")


def with_digits(text: str) -> str:
    """Return a text in which every Chinese numeral stands in digits.

    ``二十三`` becomes 23, ``二零二四`` 2024, ``一百五`` 150. What is no number, such as ``三四十``
    (thirty or forty), stays as it is.
    """
    return _NUMERAL.sub(lambda numeral: _digits(numeral.group()) or numeral.group(), text)


def number_of(numeral: str) -> int:
    """Return the number that a whole numeral means.

    Raises:
        ValueError: It is none.
    """
    digits = _digits(numeral) if _NUMERAL.fullmatch(numeral) else ""
    if not digits:
        raise ValueError(numeral)
    return int(digits)


def _digits(numeral: str) -> str:
    """Return a numeral in digits; empty when it is no number."""
    if _READ_OUT.fullmatch(numeral):
        return "".join(str(_DIGITS[char]) for char in numeral)  # read out digit by digit
    return str(_value(numeral)) if _WELL_FORMED.fullmatch(numeral) else ""


def _value(numeral: str) -> int:
    """Return the number that a well-formed numeral means."""
    for unit, size in _LARGE.items():
        before, found, rest = numeral.rpartition(unit)
        if found:
            return _value(before) * size + _rest(rest, size)
    total = digit = 0
    for place, char in enumerate(numeral):
        if char in _UNITS:
            total += (digit or 1) * _UNITS[char]
            digit = 0
        elif place and place == len(numeral) - 1 and numeral[place - 1] in _UNITS:
            return total + _rest(char, _UNITS[numeral[place - 1]])
        else:
            digit = _DIGITS[char]
    return total + digit


def _rest(rest: str, size: int) -> int:
    """Return what stands after a unit; a digit alone is a tenth of it: 一百五 is 150."""
    return _DIGITS[rest] * size // 10 if rest in _DIGITS else _value(rest)
