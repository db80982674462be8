"""Payloads with pictures, voices, buttons and cards: the fewest that keep the order."""

from __future__ import annotations

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as PictureImage

from qqgroup_sync import Ark, Button, Chain, File, Image, Keyboard, Text, Video, Voice
from qqgroup_sync.errors import ContentRejected
from qqgroup_sync.message.chain import chain_of
from qqgroup_sync.message.elements import At, Face, Link, Markdown, MarkdownTemplate, Raw
from qqgroup_sync.message.markup import fill_in, picture_markup
from qqgroup_sync.message.payloads import build
from tests.media.samples import picture as png
from tests.media.samples import video

KEYS = Keyboard().row(Button.command("a"))


PNG = png()
SILK = b"\x02#!SILK_V3" + b"\x01\x00\x00"


def told(payload):
    """A payload as a short text."""
    body = payload.body
    if payload.medium is not None:
        caption = f"={body['content']}" if "content" in body else ""
        return f"{payload.medium.kind}{caption}"
    keys = "+keys" if "keyboard" in body else ""
    if body["msg_type"] == 2:
        markdown = body["markdown"]
        text = markdown.get("content", markdown.get("custom_template_id"))
        text = fill_in(text, lambda number: f"({payload.pictures[number].alt})")
        return f"md:{text}{keys}"
    return f"ark:{body['ark']['template_id']}" if body["msg_type"] == 3 else body["content"]


@pytest.mark.parametrize(
    ("chain", "expected"),
    [
        (Chain().image(PNG), ["image"]),
        (Chain().text("hi").image(PNG), ["image=hi"]),
        (Chain().text("a").text("b").face(14).image(PNG), ["image=ab[微笑]"]),
        (Chain().image(PNG).text("after"), ["image", "after"]),
        (Chain().text(" \n").image(PNG), ["image"]),
        (Chain().image([PNG, PNG]), ["image", "image"]),
        (Chain().text("a").image(PNG).text("b").image(PNG).text("c"), ["image=a", "image=b", "c"]),
        (Chain().text("a").video(video()), ["video=a"]),
        (Chain().text("a").voice(SILK), ["a", "voice"]),
        (Chain().text("a").file(b"data", "x.bin"), ["a", "file"]),
        (Chain().voice(SILK), ["voice"]),
        (Chain().at("M").text(" x").image(PNG), ['md:<qqbot-at-user id="M" /> x', "image"]),
        (Chain().markdown("# t").image(PNG), ["md:# t", "image"]),
        (Chain().text("x").keyboard(KEYS), ["md:x+keys"]),
        (Chain().keyboard(KEYS), ["md:\u200b+keys"]),
        (Chain().keyboard(KEYS).text("x"), ["md:x+keys"]),
        (Chain().text("a").keyboard(KEYS).text("b"), ["md:a+keys", "b"]),
        (Chain().text("a").image(PNG).keyboard(KEYS), ["image=a", "md:\u200b+keys"]),
        (Chain().image(PNG).keyboard(KEYS).text("b"), ["image", "md:b+keys"]),
        (Chain().keyboard(KEYS).keyboard(KEYS), ["md:\u200b+keys", "md:\u200b+keys"]),
        (Chain().markdown_template("1_2", {"k": "v"}, KEYS), ["md:1_2+keys"]),
        (Chain().text("a").ark(Ark.thumbnail("t")).text("b"), ["a", "ark:24", "b"]),
        (Chain().text("a").image(PNG, inline=True, alt="p").text("b"), ["md:a(p)b"]),
        (
            Chain().markdown("# t").image(PNG, inline=True, alt="p").keyboard(KEYS),
            ["md:# t\n\n(p)+keys"],
        ),
        (Chain().link("/a b", "say").text("!"), [
            'md:<qqbot-cmd-input text="%2Fa%20b" show="say" reference="false" />!'
        ]),
        (Chain().link("/x", enter=True), ['md:<qqbot-cmd-enter text="%2Fx" />']),
        (Chain().at_all().text(" hi"), ["@全体成员 hi"]),
    ],
)  # fmt: skip
def test_the_fewest_messages_that_keep_the_order(chain, expected):
    """Captions go with pictures, buttons with markdown, cards alone."""
    assert [told(payload) for payload in build(chain, scene="group")] == expected


def test_long_captions_are_split_and_the_last_piece_stays_with_the_picture():
    """No piece is longer than allowed, and nothing is lost."""
    found = build(Chain().text("a" * 25).image(PNG), scene="group", max_text=10)
    assert [told(payload) for payload in found] == ["a" * 10, "a" * 10, "image=aaaaa"]


def test_urls_in_captions():
    """They follow the same setting as in text."""
    chain = Chain().text("see a.cn").image(PNG)
    assert told(build(chain, scene="group", urls="dots")[0]) == "image=see a。cn"
    assert [told(one) for one in build(chain, scene="group", urls="markdown")] == [
        "md:see [a.cn](https://a.cn)",
        "image",
    ]


def test_keyboards_hang_below_the_last_piece_of_a_long_text():
    """The buttons are what is read last."""
    found = build(Chain().text("a " * 15).keyboard(KEYS), scene="group", max_text=10)
    assert ["keyboard" in payload.body for payload in found] == [False] * (len(found) - 1) + [True]


def test_a_quote_goes_with_the_first_message():
    """Also when that is a picture."""
    first, second = build(Chain().quote("REFIDX_1").image(PNG).text("x"), scene="group")
    assert first.body["message_reference"] == {"message_id": "REFIDX_1"}
    assert "message_reference" not in second.body


def test_mentions_are_dropped_in_private_chats():
    """There is nobody else to mention, so the text can be a caption."""
    chain = Chain().at("M").text("x").image(PNG)
    assert [told(payload) for payload in build(chain, scene="c2c")] == ["image=x"]


def test_templates_cards_and_raw_bodies():
    """They become what the platform's pages show."""
    template, card, raw = build(
        Chain()
        .markdown_template("1_2", {"title": "x", "list": ["a", "b"]})
        .ark(Ark.link_list(["one", ("two", "https://x.cn")], description="d", prompt="p"))
        .raw({"msg_type": 0, "content": "as it is"}),
        scene="group",
    )
    assert template.body["markdown"] == {
        "custom_template_id": "1_2",
        "params": [{"key": "title", "values": ["x"]}, {"key": "list", "values": ["a", "b"]}],
    }
    assert card.body == {
        "msg_type": 3,
        "ark": {
            "template_id": 23,
            "kv": [
                {"key": "#DESC#", "value": "d"},
                {"key": "#PROMPT#", "value": "p"},
                {
                    "key": "#LIST#",
                    "obj": [
                        {"obj_kv": [{"key": "desc", "value": "one"}]},
                        {
                            "obj_kv": [
                                {"key": "desc", "value": "two"},
                                {"key": "link", "value": "https://x.cn"},
                            ]
                        },
                    ],
                },
            ],
        },
    }
    assert raw.body == {"msg_type": 0, "content": "as it is"}
    (own,) = build(Chain().ark(23, [{"key": "#A#", "value": "b"}]), scene="group")
    assert own.body["ark"] == {"template_id": 23, "kv": [{"key": "#A#", "value": "b"}]}


def test_a_raw_body_is_not_shared():
    """What is added to a body does not reach the user's dict."""
    mine = {"msg_type": 0, "content": "x"}
    (payload,) = build(Chain().quote("REFIDX_1").raw(mine), scene="group")
    payload.body["msg_id"] = "m"
    assert mine == {"msg_type": 0, "content": "x"}


def test_inline_pictures_bring_their_size():
    """The platform needs it for a correct layout."""
    image = Image(png(size=(30, 20)), inline=True, alt="a [cat]")
    text = picture_markup(image, "https://x.cn/(a) b")
    assert text == r"![a \[cat\] #30px #20px](https://x.cn/%28a%29%20b)"


def test_a_converted_picture_brings_the_size_that_it_will_have():
    """The webp says how it is turned; the png made of it is turned."""
    data, exif = io.BytesIO(), PictureImage.Exif()
    exif[0x0112] = 6
    PictureImage.new("RGB", (30, 20)).save(data, "WEBP", exif=exif)
    text = picture_markup(Image(data.getvalue(), inline=True), "https://x.cn/a")
    assert text == "![image #20px #30px](https://x.cn/a)"


@pytest.mark.parametrize("words", ["", "x", "word " * 300])
def test_inline_pictures_with_long_addresses_fit_into_their_messages(words):
    """Twenty of them do not fit into one; each stands in one message, in order."""
    chain = Chain()
    for number in range(20):
        chain.text(words).image(PNG, inline=True, alt=str(number))
    found = build(chain, scene="group")
    shown = [
        fill_in(
            payload.body["markdown"]["content"],
            lambda number, payload=payload: picture_markup(
                payload.pictures[number], f"https://storage.example/{'a' * 330}"
            ),
        )
        for payload in found
    ]
    assert max(map(len, shown)) <= 4000
    assert re.findall(r"!\[(\d+) ", "".join(shown)) == [str(number) for number in range(20)]
    assert "".join(shown).count("word") == words.count("word") * 20


def test_many_inline_pictures_are_numbered_in_order_over_several_messages():
    """A cut between messages never parts a mark, and each message knows its own pictures."""
    chain = Chain()
    for number in range(6):
        chain.text("word " * 300).image(PNG, inline=True, alt=str(number))
    found = build(chain, scene="group")
    shown = [told(payload) for payload in found]
    assert re.findall(r"\((\d)\)", "".join(shown)) == list("012345")


def test_nothing_visible_is_refused():
    """A quote alone is no message."""
    with pytest.raises(ContentRejected):
        build(Chain().quote("REFIDX_1"), scene="group")


media = st.sampled_from(
    [
        Image(PNG),
        Image(PNG, inline=True),
        Voice(SILK),
        File(b"x"),
        Video(video()),
        KEYS,
        Ark.thumbnail("t"),
        MarkdownTemplate("1_2"),
        Raw({"msg_type": 0, "content": "r"}),
        Link("/x"),
        Face(14),
        Markdown("# m"),
        At("M"),
    ]
)
chains = st.lists(st.builds(Text, st.text("ab \n.cn", max_size=6)) | media, max_size=10).map(
    chain_of
)


@given(chains, st.sampled_from(["group", "c2c"]), st.sampled_from(["error", "dots", "markdown"]))
def test_whatever_is_said_arrives_in_order_and_no_message_is_empty(chain, scene, urls):
    """Every medium, card and keyboard stands in exactly one message, in the order of the chain."""
    try:
        payloads = build(chain, scene=scene, urls=urls, max_text=20)
    except ContentRejected:
        assert not any(isinstance(one, Voice | File | Video | Image | Ark) for one in chain)
        return
    wanted = [one for one in chain if isinstance(one, Image | Voice | Video | File)]
    carried = []
    for payload in payloads:
        body = payload.body
        assert None not in body.values()
        if payload.medium is not None:
            carried.append(payload.medium)
            assert body.get("content", "x").strip()
        elif body["msg_type"] == 0:
            assert body["content"].strip()
        elif body["msg_type"] == 2 and "content" in body["markdown"]:
            assert body["markdown"]["content"]
            carried += (payload.pictures or {}).values()
    assert carried == wanted
    assert sum("keyboard" in one.body for one in payloads) == list(chain).count(KEYS)
