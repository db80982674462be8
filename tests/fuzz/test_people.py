"""What people type: into commands, into names, into what a bot stores or says again."""

from __future__ import annotations

import json
import math
import re

from qqgroup_sync import Chain
from qqgroup_sync.api.reach import refuse_private
from qqgroup_sync.api.transport import json_body
from qqgroup_sync.dispatch.binding import WrongArguments
from qqgroup_sync.dispatch.help import echo, help_text
from qqgroup_sync.dispatch.words import UnclosedQuote, next_word
from qqgroup_sync.errors import ConfigError, ContentRejected, MediaError, StateError
from qqgroup_sync.masking import mask
from qqgroup_sync.media.names import harmless_name
from qqgroup_sync.message.payloads import build
from qqgroup_sync.state.storage import BotStorage
from qqgroup_sync.state.store import MemoryStore
from tests.dispatch.test_commands import BOB, COMMANDS, EVE, PHOTO, SONG, message_of
from tests.fuzz.fuzzed import check_told, fuzzed

LISTED = list(COMMANDS.values())
WORDS = (
    *("3", "-1", "1.5", "10m", "2h30m", "\u534a\u5c0f\u65f6", "yes", "off", "\u662f", "red"),
    *("GREEN", "C", "Beijing"),
    *("days=3", "--days=3", "--days", "--verbose", "--no-verbose", "--loud", "--tags", "a,b"),
    *("names=a\uff0cb",),
    *("level=", "--level", "--", "\u2014\u2014loud", "size=1e999", '"a b"', "'"),
    *("\u201ca b\u201d", "\u300cx", '\\"', "<@B2>"),
)  # fmt: skip


def line(dice):
    """Return what somebody may write after a command."""
    words = [dice.one_of(WORDS) if dice.below(3) else dice.text() for _ in range(1 + dice.below(7))]
    return dice.one_of((" ", " ", "\u3000", "\n", "")).join(words)


@fuzzed
def test_commands(dice):
    """Whatever stands after a command: it is called, or the person is told why not."""
    command, rest = dice.one_of(LISTED), line(dice)
    message = message_of(rest, (BOB, EVE)[: dice.below(3)], (PHOTO, SONG)[: dice.below(3)])
    found = command.match(f"{command.call} {rest}")
    assert found == rest.strip()
    try:
        bound = command.bind(found, message)
    except WrongArguments as error:
        for language in ("en", "zh"):
            told = error.answer(language)
            assert len(told) < 1000
            assert "<@" not in told
            assert "<qqbot" not in told
    else:
        command.function(*bound.args, **bound.kwargs)


@fuzzed
def test_words(dice):
    """A line is parted into words that stand in it, and its end is reached."""
    text, unclosed = line(dice), set()
    position, words = 0, 0
    while True:
        try:
            word = next_word(text, position, unclosed=unclosed if dice.odds(2) else None)
        except UnclosedQuote:
            word = next_word(text, position, unclosed=unclosed)
        if word is None:
            break
        assert position <= word.start < word.end <= len(text)
        position, words = word.end, words + 1
    assert words <= len(text)
    assert not text[position:].strip()
    said = help_text(LISTED, dice.one_of(("en", "zh")), topic=text)
    assert said
    assert not re.search(r"<[@a-zA-Z]", echo(text))


@fuzzed
def test_answers(dice):
    """What outsiders write becomes text of messages, never a mention, a link or a picture."""
    chain = Chain()
    mentions = links = 0
    for _ in range(1 + dice.below(5)):
        kind, text = dice.below(7), dice.text()
        if kind == 0:
            chain.at(text or "A1")
            mentions += 1
        elif kind == 1:
            links += 1
            chain.link(text[:100] or "x", show=text[:100])
        elif kind == 2:
            chain.face(dice.below(65536) * 100)
        else:
            chain.text(text)
    scene, urls = dice.one_of(("group", "c2c")), dice.one_of(("error", "dots", "markdown"))
    try:
        payloads = build(chain, scene=scene, urls=urls, max_text=dice.one_of((5, 50, 4000)))
    except ContentRejected:
        return
    for payload in payloads:
        assert payload.pictures is None
        body = json.loads(json_body(payload.body))
        if dice.odds(4):
            continue
        content = body.get("markdown", {}).get("content")
        if content is None:
            assert body["msg_type"] == 0
            continue
        live = re.sub(r"(?s)\\.", "", content)
        assert live.count("<qqbot-at-") <= mentions
        assert live.count("<qqbot-cmd-") <= links
        assert "everyone" not in "".join(re.findall(r"<qqbot-at[^>]*>", live))
        assert "<@" not in live


@fuzzed
def test_names_and_addresses(dice):
    """Names of files stay in their folder on every system; addresses are looked at, not trusted."""
    name = "".join(dice.text() for _ in range(1 + dice.below(4)))
    for safe in (harmless_name(name), harmless_name(name.strip(" .") or "attachment")):
        assert safe
        assert safe not in (".", "..")
        assert not re.search('[\x00-\x1f<>:"/\\\\|?*\ud800-\udfff]', safe)
        assert len(safe.encode()) <= 255
        assert not re.match(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)", safe)
        assert safe == safe.strip()
        assert not safe.endswith(".")
    host = dice.one_of(("127.1", "[::1]", "2130706433", "0x7f.1", "localhost", "10.0.0.1"))
    url = f"http://{dice.text()}@{host}/"
    for address in (url, f"http://{name}/", name):
        try:
            refuse_private(address, look_up=False)
        except MediaError as error:
            check_told(error, "private network")


def same(one, other):
    """Tell whether a value came back as it was stored."""
    if type(one) is not type(other):
        return False
    if isinstance(one, dict):
        return [*map(whole, one)] == [*map(whole, other)] and all(
            map(same, one.values(), other.values())
        )
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return whole(one) == whole(other) if isinstance(one, str) else one == other


def whole(text):
    """Return a text with neighbouring halves joined to a character, as JSON reads them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


@fuzzed
def test_storage(dice):
    """What is stored comes back, and what cannot be stored is refused with a word of ours."""
    storage = BotStorage(STORE).group(dice.text() or "G1")
    kept = {}
    for _ in range(1 + dice.below(4)):
        key, value = dice.text(), dice.value()
        if dice.odds(12):
            value = dice.one_of((b"x", {1: 2}, {"a": object()}, {1}, 1j, [[]] * 3, ...))
        try:
            storage.set(key, value, expires=dice.one_of((None, None, 5, 1e300, math.nan, -1)))
        except (ConfigError, StateError) as error:
            check_told(error)
        else:
            kept[key] = value
    for key, value in kept.items():
        found = storage.get(key)
        assert found is None or same(value, found)
    assert isinstance(repr(storage), str)
    storage.clear()


STORE = MemoryStore()
SECRET = "hG7kQ2xW9zR4"
SHAPES = (
    '{"access_token":"%s"}', "{'client_secret': b'%s'}", "token=%s", "Authorization: QQBot %s",
    "QQBot %s",
    "auth_token=%s", "https://a.cn/x?sign=%s", "http://u:%s@proxy:1", "Bearer %s",
    "X-Union-Token: %s",
    "https://a.cn/d?rkey=%s&x=1", '\\"secret\\": \\"%s\\"', "file_data=%s",
    "Proxy-Authorization: Basic %s",
)  # fmt: skip


@fuzzed
def test_masking(dice):
    """A secret in a shape that carries one is hidden, whatever stands around it."""
    before, after = dice.text(), dice.text()
    before = (
        before
        if not before[-1:].isalnum() and before[-1:] not in ("_", "-", "\\")
        else before + " "
    )
    text = f"{before}\n{dice.one_of(SHAPES) % SECRET}\n{after}"
    assert SECRET not in mask(text)
    mask(f"{before}{SECRET}{after}", SECRET, dice.text(), None)
