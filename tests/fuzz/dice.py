"""Turns random bytes into hostile inputs of every kind.

Hypothesis draws the bytes, for it draws nothing faster, and shrinks them; what they become is
decided here, so that an example costs less than a millisecond.
"""

from __future__ import annotations

import json

NASTY_TEXTS = (
    *("", " ", "\0", "\n", "\r\n", "\t", "\x7f", "\x85", "\u200b", "\u202e", "\ufeff", "\uffff"),
    *("\ud800", "\udfff", "\U0001f600", "\u0130", "\u00df", "\u3000", "\uff1d", "a\u0301" * 3),
    *("null", "NaN", "true", "-0", "1e999", "9" * 40, "9" * 5000, "0x1f", "1_000", "\u0661"),
    *("\u4e00\u767e",),
    *("../", "..\\", "/etc/passwd", "C:\\", "CON", "%00", "%2e%2e%2f", "file:///x", "javascript:0"),
    *("<", ">", "&", "&amp;", "<@", "<@!A1>", '<qqbot-at-user id="A1" />'),
    *("<qqbot-at-everyone />",),
    *("<faceType=", '<faceType=1,faceId="5",ext="eyJ0ZXh0Ijoi">', "[<face,id=4>]", "@everyone"),
    *("http://", "https://a.cn/x?k=1", "//", "a.b", "x@y.cn", "![a](", "[a](b)", "**", "```", "\\"),
    *("\ue0f0", "\ue0f1", "\ue0f00\ue0f1", "$(x)", "'", '"', "\u201c", "\u300c", "--", "--x"),
    *("=", ",", "\uff0c"),
    *("\u7b2c", "\u4e07\u4ebf", "\u5343", "2026-07-21T10:00:00+08:00", "99999-01-01T00:00:00Z"),
    *("1712070511230",),
    *("auth_token=T", "token", "QQBot abcdefgh", "REFIDX_x==", "TMP_", "a" * 300, "=" * 50),
    *("(" * 50,),
)  # fmt: skip
NASTY_NUMBERS = (
    *(0, 1, -1, 2, 7, 8, 9, 10, 11, 127, 255, 256, 4903, 65535, 65536, 2**31, 2**32, 2**53 + 1),
    *(2**63 - 1, 2**63, -(2**63), 2**64, 10**30, 10**300, -(10**30)),
    *(0.5, -0.0, 1e-308, 1e308, float("inf"), float("-inf"), float("nan")),
)


class Dice:
    """Random decisions, taken from bytes one after the other; when they run out, all are 0.

    Attributes:
        trace: Different for different decisions so far.
    """

    def __init__(self, data):
        self.data = data
        self.trace = 0
        self._at = 0

    def below(self, limit):
        """Return a number from 0 to ``limit`` - 1; at most 65 536 of them."""
        width = 1 if limit <= 256 else 2
        piece = self.data[self._at : self._at + width]
        self._at += width
        number = int.from_bytes(piece, "big") % limit
        self.trace = hash((self.trace, number))
        return number

    def one_of(self, choices):
        """Return one of a sequence."""
        return choices[self.below(len(choices))]

    def odds(self, one_in):
        """Return True once in so many times."""
        return self.below(one_in) == one_in - 1

    def take(self, count):
        """Return so many of the bytes themselves, or what is left of them."""
        piece = self.data[self._at : self._at + count]
        self._at += count
        self.trace = hash((self.trace, piece))
        return piece

    def text(self):
        """Return a text: nasty pieces, single characters, or both."""
        pieces = []
        for _ in range(self.below(4)):
            if self.odds(3):
                pieces.append(self.take(self.below(12)).decode("utf-8", "replace"))
            else:
                pieces.append(self.one_of(NASTY_TEXTS))
        return "".join(pieces)

    def value(self, depth=3):
        """Return a value of JSON, or NaN and its like, which Python's JSON knows."""
        kind = self.below(8 if depth else 6)
        if kind == 0:
            return None
        if kind == 1:
            return self.odds(2)
        if kind in (2, 3):
            return self.one_of(NASTY_NUMBERS)
        if kind in (4, 5):
            return self.text()
        if kind == 6:
            return [self.value(depth - 1) for _ in range(self.below(4))]
        return {self.text(): self.value(depth - 1) for _ in range(self.below(4))}

    def changed(self, value, chance=12):
        """Return a copy of a JSON value in which here and there another one stands."""
        if self.odds(chance):
            return self.value()
        if isinstance(value, dict):
            copy = {
                key: self.changed(part, chance)
                for key, part in value.items()
                if not self.odds(3 * chance)
            }
            if self.odds(2 * chance):
                copy[self.text()] = self.value()
            return copy
        if isinstance(value, list):
            return [self.changed(part, chance) for part in value] * (1 + self.odds(2 * chance))
        if isinstance(value, str) and self.odds(chance):
            place = self.below(len(value) + 1)
            return value[:place] + self.text() + value[place:]
        return value

    def damaged(self, data, tokens, chance=2):
        """Return bytes in which pieces were cut out, doubled or replaced by tokens."""
        for _ in range(0 if self.odds(40) else 1 + self.below(5)):
            place = self.below(min(len(data), 65535) + 1)
            end = place + self.below(9)
            how = self.below(4 * chance)
            if how == 0:
                data = data[:place]
            elif how == 1:
                data = data[:place] + data[end:]
            elif how == 2:
                data = data[:place] + data[place:end] * 3 + data[end:]
            elif how == 3:
                data = data[:place] + self.take(4) + data[end:]
            else:
                data = data[:place] + self.one_of(tokens) + data[end:]
        return data


JSON_TOKENS = (
    *(b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"null", b"true", b"NaN", b"-Infinity"),
    *(b"1e999",),
    *(b"[" * 3000, b'{"a":' * 3000, b"9" * 5000, b"-" * 40, b"\\ud800", b"\\udc00\\ud800"),
    *(b"\\u0000",),
    *(b"\xed\xa0\x80", b"\xff\xfe", b"\xef\xbb\xbf", b"\x00", b"\xf0\x9f\x98\x80", b"\\"),
    *(b'"op":7,',),
)  # fmt: skip


def as_json(value):
    """Return a value as the bytes of JSON."""
    return json.dumps(value).encode()
