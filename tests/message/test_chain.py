"""Chain: what is written from left to right is what is sent, and what cannot be sent says so."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from qqgroup_sync import Button, File, Image, Keyboard, Video, Voice
from qqgroup_sync.errors import ConfigError, UnsupportedMedia
from qqgroup_sync.events.models import C2CMessage, GroupMessage, Member, Mention
from qqgroup_sync.message.chain import Chain, chain_of
from qqgroup_sync.message.elements import At, Markdown, Quote, Text
from qqgroup_sync.sending.sent import Sent, SentPart
from tests.media.samples import picture, silk, video

QUESTION = GroupMessage(
    "GROUP_AT_MESSAGE_CREATE",
    id="m",
    author=Member("M1", "Ming"),
    scene={"msg_idx": "REFIDX_q"},
    group_openid="G",
)

texts = st.text(max_size=5)
elements = st.one_of(
    st.builds(Text, texts),
    st.builds(Markdown, texts),
    st.builds(At, st.text("ABC", min_size=1, max_size=3)),
    st.builds(Quote, st.text("ABC", min_size=1, max_size=3)),
)
chains = st.lists(elements, max_size=5).map(chain_of)
contents = st.recursive(
    texts | elements | chains,
    lambda inner: st.lists(inner, max_size=4) | st.lists(inner, max_size=4).map(tuple),
    max_leaves=8,
)


def flat(content):
    """What a content says, by another way than the chain's own."""
    if isinstance(content, str):
        return [Text(content)]
    if isinstance(content, list | tuple):
        return [element for part in content for element in flat(part)]
    return list(content) if isinstance(content, Chain) else [content]


@pytest.fixture(autouse=True)
def _english(monkeypatch):
    """Let remedies be English, whatever this machine speaks."""
    monkeypatch.setenv("QQ_LANGUAGE", "en")


def test_everything_in_order():
    """Each method appends, and returns the chain."""
    chain = Chain()
    same = chain.text("a").markdown("**b**").at("M1").quote("REFIDX_x").append("c").extend(["d"])
    assert same is chain
    assert chain.elements == (
        Text("a"),
        Markdown("**b**"),
        At("M1"),
        Quote("REFIDX_x"),
        Text("c"),
        Text("d"),
    )
    assert len(chain) == 6


@pytest.mark.parametrize(("given", "shown"), [("x", "x"), (5, "5"), (None, "None"), (1.5, "1.5")])
def test_text_takes_anything(given, shown):
    """As print does."""
    assert str(Chain().text(given)) == shown


# ---------------------------------------------------------------------- at and quote


@pytest.mark.parametrize(
    ("chain", "element"),
    [
        (Chain(QUESTION).at(), At("M1", "Ming")),
        (Chain().at("M2"), At("M2")),
        (Chain(QUESTION).at("M2"), At("M2")),
        (Chain().at(QUESTION.author), At("M1", "Ming")),
        (Chain().at(Mention("M3", "Hong")), At("M3", "Hong")),
        (("before " + Chain(QUESTION)).at(), At("M1", "Ming")),
        ((Chain(QUESTION) + " after").at(), At("M1", "Ming")),
    ],
)
def test_whom_at_mentions(chain, element):
    """The author of the answered message, or whoever is given."""
    assert element in chain.elements


@pytest.mark.parametrize("user", [None, "", Member(), Mention("", "全体成员", scope="all"), 5])
def test_at_without_anybody_is_refused_with_the_remedy(user):
    """An empty mention would be shown as markup."""
    with pytest.raises(ConfigError, match="nobody") as caught:
        Chain().at(user)
    assert "Chain(message)" in caught.value.remedy


def test_at_mentions_one_member():
    """A list is told from nobody."""
    with pytest.raises(ConfigError, match="one member") as caught:
        Chain().at([QUESTION.author, "M2"])
    assert ".at(" in caught.value.remedy


@pytest.mark.parametrize("face", ["x", None, 5.5, ["1", "x"], [None]])
def test_what_is_no_face_is_refused_with_the_remedy(face):
    """And nothing of a list is appended."""
    chain = Chain()
    with pytest.raises(ConfigError, match="no face") as caught:
        chain.face(face)
    assert "number" in caught.value.remedy
    assert list(chain) == []


def test_at_can_end_its_line():
    """As in the seed: enter=True."""
    assert list(Chain().at("M1", enter=True).text("x")) == [At("M1"), Text("\n"), Text("x")]


@pytest.mark.parametrize(
    ("chain", "ref_idx"),
    [
        (Chain(QUESTION).quote(), "REFIDX_q"),
        (Chain().quote(QUESTION), "REFIDX_q"),
        (Chain().quote("REFIDX_x"), "REFIDX_x"),
        (Chain().quote(Sent((SentPart("id", ref_idx="REFIDX_s"),))), "REFIDX_s"),
    ],
)
def test_what_is_quoted(chain, ref_idx):
    """The answered message, a message, what was sent, or an index itself."""
    assert list(chain) == [Quote(ref_idx)]


@pytest.mark.parametrize("target", [None, C2CMessage(id="m"), Sent((SentPart("id"),)), Sent(()), 5])
def test_what_has_no_index_is_not_quoted(target):
    """A missing quote is no reason to say nothing."""
    assert list(Chain().quote(target).text("x")) == [Text("x")]


# ---------------------------------------------------------------------- algebra


@given(contents)
def test_chain_of_keeps_what_was_said_in_order(content):
    """A str, an element, a chain, or lists of these, nested as one likes."""
    assert list(chain_of(content)) == flat(content)


@given(chains, contents)
def test_adding_on_either_side(chain, content):
    """As with lists: order is kept, and neither side is changed."""
    before = (flat(chain), flat(content))
    assert list(chain + content) == flat(chain) + flat(content)
    assert list(content + chain) == flat(content) + flat(chain)
    assert (flat(chain), flat(content)) == before


@given(chains, contents)
def test_append_and_extend_take_the_same(chain, content):
    """What a handler may return can be appended, too."""
    expected = flat(chain) + flat(content)
    assert list((Chain() + chain).append(content)) == expected
    assert list((Chain() + chain).extend(content)) == expected


def test_a_sum_is_a_new_chain():
    """So that a greeting can be kept and used again."""
    greeting = Chain().text("hello ")
    total = greeting + "world"
    total.text("!")
    greeting += "you"
    assert (str(total), str(greeting)) == ("hello world!", "hello you")


def test_a_chain_can_be_appended_to_itself():
    """Without end it would be."""
    chain = Chain().text("ab")
    assert str(chain.append(chain)) == "abab"


def test_equality_is_what_is_said():
    """Not for which message."""
    assert Chain().text("a") == Chain(QUESTION).text("a")
    assert Chain().text("a") != Chain().markdown("a")
    assert Chain() != []
    with pytest.raises(TypeError):
        hash(Chain())


def test_how_a_chain_reads():
    """As people would see it; and as it was written."""
    chain = Chain(QUESTION).quote().at().text(" see ").markdown("**this**")
    assert str(chain) == "[quote]@Ming see **this**"
    assert str(Chain().at("M9")) == "@M9"
    assert repr(Chain().text("a").at("M1")) == "Chain(Text(text='a'), At(openid='M1', name=''))"


# ---------------------------------------------------------------------- what cannot be sent


@pytest.mark.parametrize(
    "content", [None, 5, True, b"x", {"a": 1}, {"a"}, object(), ["a", 5], [[None]]]
)
@pytest.mark.parametrize(
    "say",
    [
        chain_of,
        lambda content: Chain().append(content),
        lambda content: Chain().extend(content),
        lambda content: Chain() + content,
        lambda content: content + Chain(),
    ],
)
def test_what_cannot_be_sent_is_refused_with_its_type_and_the_remedy(say, content):
    """The name of the wrong thing, and what to pass instead."""
    with pytest.raises(ConfigError, match="cannot be sent") as caught:
        say(content)
    assert "a str, a Chain" in caught.value.remedy
    assert "Chain().image(" in caught.value.remedy  # it may have been a picture


def test_a_chain_that_cannot_grow_stays_as_it_was():
    """An error in the middle of a list adds nothing of it."""
    chain = Chain().text("a")
    with pytest.raises(ConfigError):
        chain.extend(["b", 5])
    assert list(chain) == [Text("a")]


# ---------------------------------------------------------------------- media, buttons, cards


def test_every_kind_of_medium_in_one_line():
    """Each method appends its element and returns the chain."""
    chain = (
        Chain()
        .image(picture())
        .image([picture(), picture("blue")], inline=True, alt="two")
        .voice(silk(), "hello.silk")
        .video(video())
        .file(b"data", "a.txt")
        .image(url="https://x.cn/a.png")
    )
    kinds = [type(element) for element in chain]
    assert kinds == [Image, Image, Image, Voice, Video, File, Image]
    assert [one.inline for one in chain if isinstance(one, Image)] == [False, True, True, False]
    assert str(chain) == (
        "[image image.png][image image.png][image image.png][voice hello.silk][video video.mp4]"
        "[file a.txt][image https://x.cn/a.png]"
    )


def test_what_cannot_be_sent_is_refused_in_the_line_that_says_it():
    """The error names the format and what to use instead."""
    with pytest.raises(UnsupportedMedia, match=r"an? mp4 video, not a picture") as caught:
        Chain().image(video())
    assert ".video()" in caught.value.remedy
    with pytest.raises(UnsupportedMedia, match="NoneType cannot be sent"):
        Chain().image()


def test_the_seed_s_way_to_begin():
    """``at``, ``reference`` and ``chain_builder`` have their names and places."""
    builder = object()
    chain = Chain(QUESTION, True, True, builder)
    assert chain.elements == (Quote("REFIDX_q"), At("M1", "Ming"), Text("\n"))
    assert chain.builder is builder
    assert (chain + "x").builder is builder
    assert chain_of([chain, "x"]).builder is builder
    assert Chain(QUESTION, at=False).elements == ()
    assert Chain(data=QUESTION, reference=True).at().elements == (
        Quote("REFIDX_q"),
        At("M1", "Ming"),
    )


def test_words_that_are_no_text():
    """Faces, everyone, command links, templates, cards, raw bodies."""
    chain = Chain().face(14).face(["5", 128512, 999]).at_all().link("/go", "go!")
    chain.markdown_template("1_2", {"a": "b"}, keyboard_template_id="k").ark(
        23, {"#PROMPT#": "p"}
    ).raw({"content": "x"})
    assert str(chain) == ("[微笑][流泪]😀[face 999]@全体成员go!b[keyboard k][card 23][raw]")


@pytest.mark.parametrize(
    "bad", [{"command": ""}, {"command": "x" * 101}, {"command": "a", "show": "x" * 101}]
)
def test_links_have_limits(bad):
    """Too long or empty is refused at once."""
    with pytest.raises(ConfigError):
        Chain().link(**bad)


def test_buttons_as_rows():
    """A keyboard may be given as its rows, or the buttons of one."""
    button = Button.command("a")
    expected = Chain().keyboard(Keyboard().row(button))
    for shape in ([[button]], [button], button):
        assert Chain().keyboard(shape) == expected


def test_text_image_is_a_picture():
    """Long text may become one by itself."""
    (drawn,) = Chain().text_image("你好 [cl red@#ff0000 cle]")
    assert isinstance(drawn, Image)
    (short,) = Chain().text("short", auto_convert=True)
    assert short == Text("short")
    (long,) = Chain().text("long " * 200, auto_convert=True)
    assert isinstance(long, Image)


def test_two_chains_with_the_same_picture_are_equal():
    """By content, not by identity."""
    assert Chain().image(picture()) == Chain().image(picture())
    assert Chain().image(picture()) != Chain().image(picture("blue"))
