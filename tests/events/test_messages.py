"""What a handler finds on a message."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from qqgroup_sync.events.models import Ark, Attachment, Face, GroupMessage, Member, Mention

HEX = "0A81EAA929FEE62EB9CB3A40EFF195CC"
BOT = {"scope": "single", "bot": True, "id": "BOT", "is_you": True, "member_openid": "BOT"}
BOB = {"id": "B2", "member_openid": "B2", "username": "Bob", "bot": False, "is_you": False}
ALL = {"scope": "all", "is_you": True, "username": "bot"}
FACE = '<faceType=1,faceId="9",ext="eyJ0ZXh0Ijoi5aSn5ZOtIn0=">'


@pytest.mark.parametrize(
    ("content", "mentions", "expected"),
    [
        (" /weather ", [], ("/weather", [], False)),
        (" ", [BOT], ("", [], True)),
        (" <@BOT> 123456", [BOT], ("123456", [], True)),
        (" <@BOT> <@B2> 123<@BOT> ", [BOT, BOB], ("123", ["B2"], True)),
        ("<@!B2>hi", [BOB], ("hi", ["B2"], False)),
        ("mute <@B2> 10", [BOB], ("mute 10", ["B2"], False)),
        ("a<@B2> b", [BOB], ("a b", ["B2"], False)),
        ("a <@B2>b", [BOB], ("a b", ["B2"], False)),
        (f'ban <qqbot-at-user id="{HEX}" />', [], ("ban", [HEX], False)),
        (f"ban <@{HEX}> <@{HEX}>", [], ("ban", [HEX], False)),
        ("", [BOB], ("", ["B2"], False)),
        ("hi", [ALL], ("hi", [""], False)),
        ("<qqbot-at-everyone />hi", [ALL], ("hi", [""], False)),
        ("<qqbot-at-everyone/> hi", [], ("hi", [""], False)),
        ("<@all> hi <@everyone>", [], ("hi", [""], False)),
        ("hi", [{"scope": "single", "username": "nameless"}], ("hi", [""], False)),
        ("hi", [{}, None, 5], ("hi", [], False)),
        ("1 < 2 &amp;&amp; 3 &gt; 2", [], ("1 < 2 && 3 > 2", [], False)),
        ("&lt;@B2&gt;", [], ("<@B2>", [], False)),
        ("&amp;lt;", [], ("&lt;", [], False)),
        ("&copy; &nbsp", [], ("&copy; &nbsp", [], False)),
        ("<@_@> <@> <b>", [], ("<@_@> <@> <b>", [], False)),
        ("two\nlines", [], ("two\nlines", [], False)),
    ],
)
def test_text_is_what_a_command_is_matched_against(receive, content, mentions, expected):
    """Mentions, escapes and outer space are gone; content keeps everything."""
    text, openids, is_at = expected
    message = receive("group_full", {"content": content, "mentions": mentions})
    assert message.text == text
    assert message.content == message.text_original == content
    assert [item.openid for item in message.mentions] == openids
    assert message.is_at is is_at


def test_at_message_is_for_the_bot_even_when_it_lists_only_others(receive):
    """The page says that the bot is not listed there."""
    message = receive("group_at", {"mentions": [BOB], "content": " hi <@B2>"})
    assert message.is_at
    assert message.mentions == (Mention("B2", "Bob"),)
    assert message.at_target == ["B2"]


def test_everyone_is_a_mention_without_an_openid(receive):
    """And it does not address the bot."""
    message = receive("group_full", {"mentions": [ALL, BOB]})
    everyone, bob = message.mentions
    assert everyone.is_everyone
    assert not bob.is_everyone
    assert message.at_target == ["B2"]
    assert not message.is_at


@pytest.mark.parametrize("bot_id", ["BOT", {"OTHER", "BOT"}, ["BOT"]])
def test_known_bot_openids_stand_in_for_missing_marks(receive, bot_id):
    """In the list of mentions as well as in the text."""
    unmarked = {**BOT, "is_you": None}
    listed = receive("group_full", {"mentions": [unmarked]}, bot_id=bot_id)
    assert (listed.is_at, listed.mentions, listed.bot_openid) == (True, (), "BOT")
    written = receive("group_full", {"mentions": [], "content": "<@BOT> hi"}, bot_id=bot_id)
    assert (written.is_at, written.mentions, written.bot_openid) == (True, (), "BOT")
    assert written.text == "hi"


def test_own_messages_are_told_by_either_id(receive):
    """An id counts as a whole; an empty one never does."""
    by_openid = {"author": {"member_openid": "BOT", "bot": True}}
    by_id = {"author": {"id": "BOT", "member_openid": "M9", "bot": True}}
    assert receive("group_full", by_openid, bot_id="BOT").is_own
    assert receive("group_full", by_id, bot_id=["BOT"]).is_own
    assert not receive("group_full", by_openid, bot_id="BOTTOM").is_own
    assert not receive("group_full", {"author": {}}, bot_id=[""]).is_own
    other = receive("group_full", by_openid)
    assert other.is_from_bot
    assert not other.is_own
    assert not receive("group_full").is_from_bot


def test_c2c_is_never_at(receive):
    """Nor does a C2C message have a group."""
    message = receive("c2c_plain", {"mentions": [BOT], "group_openid": "G"}, bot_id="BOT")
    assert not message.is_at
    assert message.group_openid == message.channel_id == ""


@pytest.mark.parametrize(
    ("content", "face"),
    [
        (FACE, Face("9", "大哭", 1)),
        (
            '<faceType=4,faceId="",ext="eyJ0ZXh0IjoiW+a7oeWktOmXruWPt10ifQ==">',
            Face("", "满头问号", 4),
        ),
        ('<faceType=3,faceId="5",ext="eyJ0ZXh0IjoiL+a1geazqiJ9">', Face("5", "流泪", 3)),
        ('<faceType=1,faceId="333">', Face("333", "", 1)),
        ("<faceType=13>", Face("", "", 13)),
        ('<faceType=1,faceId="5",ext="not base64"/>', Face("5", "", 1)),
        ('<faceType=1,faceId="5",ext="W10=">', Face("5", "", 1)),
        ('<faceType=6,faceId="0",ext="eyJ0ZXh0IjoiIn0=">', Face("0", "", 6)),
        ("<faceType=101 faceName=微笑>", Face("", "微笑", 101)),
        ("[<face,id=13/>]", Face("13", "", 1)),
    ],
)
def test_faces_leave_the_text(receive, content, face):
    """Every form that was seen, also damaged ones."""
    message = receive("group_full", {"content": f" hi {content} there"})
    assert message.faces == (face,)
    assert message.text == "hi there"
    assert message.face == ([face.id] if face.id and face.type != 6 else [])
    assert face.is_picture == (face.type == 6)


def test_readable_shows_what_text_leaves_out(receive):
    """As people see it, without the mention of the bot itself."""
    content = f' <@BOT> <@B2> &lt;3 {FACE}[<face,id=13/>]<faceType=6,faceId="0"><@all> bye'
    message = receive("group_full", {"content": content, "mentions": [BOT, BOB]})
    assert message.text == "<3 bye"
    assert message.readable == "@Bob <3 [大哭][表情][图片]@全体成员 bye"
    assert receive("group_full", {"content": f"<@{HEX}>"}).readable == f"@{HEX}"
    assert receive("c2c_plain").readable == "hello"


def test_seed_names(receive):
    """An AmiyaBot handler finds its attributes."""
    message = receive("group_full", {"content": f"{FACE} hi"}, appid="102")
    assert message.message_id == "ROBOT1.0_F"
    assert message.message is message.raw
    assert message.user_id == message.user_openid == message.member_openid == "M1"
    assert message.channel_id == message.channel_openid == message.group_openid == "G1"
    assert message.nickname == "Hua"
    assert message.avatar == "https://q.qlogo.cn/qqapp/102/M1/640"
    assert message.face == ["9"]
    assert message.image == ["https://multimedia.nt.qq.com.cn/download?rkey=SECRETKEY"]
    assert message.at_target == []
    assert message.time == message.timestamp
    assert receive("group_full").avatar == ""
    assert receive("group_full", {"author": None}, appid="102").avatar == ""


def test_author(receive):
    """The openid of the scene, or whatever id there is."""
    message = receive("group_at", {"author": {"id": "X", "member_role": "owner", "bot": "true"}})
    assert message.author == Member("X", "", "owner", is_bot=True)
    assert message.is_admin
    nobody = receive("group_at", {"author": "?"})
    assert nobody.author == Member()
    assert nobody.sender == ""


def test_voice(receive):
    """With transcript and WAV."""
    voice = receive("c2c_voice").voice
    assert voice.kind == "voice"
    assert voice.transcript == "recognised text"
    assert voice.wav_url == "https://multimedia.nt.qq.com.cn/wav?rkey=SECRETKEY"
    assert voice.size == 3210


@pytest.mark.parametrize(
    ("content_type", "kind"),
    [
        ("image/jpeg", "image"),
        ("IMAGE/PNG", "image"),
        ("image", "image"),
        ("video/mp4", "video"),
        ("voice", "voice"),
        ("audio/silk", "voice"),
        ("silk", "voice"),
        ("application/silk", "voice"),
        ("file", "file"),
        ("application/pdf", "file"),
        ("", "file"),
    ],
)
def test_attachment_kinds(receive, content_type, kind):
    """Kinds, and the short cuts to them."""
    message = receive("group_full", {"attachments": [{"content_type": content_type}, None]})
    (attachment,) = message.attachments
    assert attachment.kind == kind
    assert message.images == ((attachment,) if kind == "image" else ())
    assert message.files == ((attachment,) if kind == "file" else ())
    assert message.voice == (attachment if kind == "voice" else None)
    assert message.video == (attachment if kind == "video" else None)


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("https://x/y?a=1", "https://x/y?a=1"),
        ("http://x/y", "http://x/y"),
        ("//x/y", "https://x/y"),
        ("x/y?next=http://z", "https://x/y?next=http://z"),
        (" x/y ", "https://x/y"),
        ("", ""),
        (None, ""),
    ],
)
def test_urls_get_a_scheme(receive, written, url):
    """So that they can be fetched as they are."""
    message = receive("group_full", {"attachments": [{"content_type": "image", "url": written}]})
    assert message.image == [url]


def test_ark(receive):
    """A card with what it has."""
    ark = receive("group_ark").ark
    assert (ark.ark_type, ark.ark_name, ark.prompt) == ("miniapp", "小程序", "[QQ小程序]")
    assert ark.title == "A title"
    assert ark.fields["source"] == "bili"
    assert receive("group_ark", {"ark_data": {"fields": {"title": ["x"]}}}).ark.title == ""
    assert receive("group_ark", {"ark_data": {}}).ark is None
    assert Ark().title == ""


def test_quote(receive):
    """What was quoted, by whom, with its pictures."""
    message = receive("group_quote")
    quoted = message.quoted
    assert quoted.text == "quoted text"
    assert quoted.ref_idx == "REFIDX_aaa=="
    assert quoted.quotable
    assert quoted.author == Member("", "bot", "", is_bot=True)
    assert [item.filename for item in quoted.images] == ["q.png"]
    assert message.ref_idx == "REFIDX_zzz=="
    assert message.forwarded == ()


@pytest.mark.parametrize(
    ("elements", "ref", "ref_idx", "quotable"),
    [
        ([{"msg_idx": "REFIDX_e"}], "REFIDX_s", "REFIDX_e", True),
        ([{"msg_idx": "REFIDX_e"}], "TMP_s", "REFIDX_e", True),
        ([{"msg_idx": "TMP_e"}], "REFIDX_s", "REFIDX_s", True),
        ([{}], "TMP_s", "TMP_s", False),
        ([{"msg_idx": "TMP_e"}], "", "TMP_e", False),
        ([], "REFIDX_s", "REFIDX_s", True),
        (None, "", "", False),
    ],
)
def test_which_index_names_the_quoted_message(receive, elements, ref, ref_idx, quotable):
    """A lasting index wins over a temporary one, the element's over the scene's."""
    scene = {"ext": [f"ref_msg_idx={ref}"] if ref else []}
    message = receive("group_quote", {"msg_elements": elements, "message_scene": scene})
    assert message.quoted.ref_idx == ref_idx
    assert message.quoted.quotable is quotable


def test_quote_without_element_has_at_least_the_hint(receive):
    """Which never replaces a text."""
    hint = {"msg_nodes": [{"message_type": 7, "content": "[图片] "}]}
    message = receive("group_quote", {"msg_elements": [], "parallel_message": hint})
    assert message.quoted.text == "[图片]"
    message = receive("group_quote", {"msg_elements": [{"content": "x"}], "parallel_message": hint})
    assert message.quoted.text == "x"
    assert receive("group_quote", {"msg_elements": []}).quoted.text == ""


def test_a_quote_without_its_type_is_one_all_the_same(receive):
    """The index in the scene tells."""
    assert receive("group_quote", {"message_type": 0}).quoted.text == "quoted text"
    assert receive("group_at").quoted is None


def test_quoted_text_is_cleaned_too(receive):
    """Like the text of a message."""
    message = receive("group_quote", {"msg_elements": [{"content": f" <@B2> a &lt; b {FACE}"}]})
    assert message.quoted.text == "a < b"


def test_repr_is_short_and_readable(receive):
    """One line, no secrets."""
    message = receive(
        "group_quote", {"content": "https://x/y?sign=SECRETKEY " + "long " * 40, "mentions": [BOT]}
    )
    assert repr(message) == (
        "GroupMessage(text='https://x/y?*** long long long long long long lo…', author='Hua', "
        "group_openid='G1', id='ROBOT1.0_Q', quoted='quoted text', is_at=True)"
    )
    assert repr(receive("c2c_plain", {"author": {"user_openid": "U1"}})) == (
        "C2CMessage(text='hello', author='U1', id='ROBOT1.0_Abc')"
    )
    assert "attachments=<1>" in repr(receive("group_full"))
    assert "ark='miniapp'" in repr(receive("group_ark"))
    assert repr(receive("group_full").images[0]) == (
        "Attachment(kind='image', filename='a.jpg', size=256000, width=1920, height=1080, "
        "url='https://multimedia.nt.qq.com.cn/download?***')"
    )
    assert repr(Attachment()) == "Attachment(kind='file')"
    assert repr(Attachment(url="https://user:SECRET@x/y")) == (
        "Attachment(kind='file', url='https://***@x/y')"
    )
    assert repr(Member("M", "Ming")) == "Member(openid='M', username='Ming')"
    assert "SECRETKEY" not in repr(receive("group_quote").quoted)


def test_auth_token_is_only_in_the_raw_payload(receive):
    """Printing the scene shows no token."""
    message = receive("group_at")
    assert "SECRETKEY" not in repr(message.scene)
    assert "auth_token=SECRETKEY" in message.raw["message_scene"]["ext"]


def test_messages_can_be_changed_into_others_but_not_themselves(receive):
    """As the message_created hook does."""
    message = receive("group_at")
    with pytest.raises(FrozenInstanceError):
        message.text = "x"
    changed = replace(message, text="weather")
    assert (changed.text, changed.id) == ("weather", message.id)
    assert changed != message
    assert len({message, receive("group_at"), changed}) == 2
    assert GroupMessage() != message
