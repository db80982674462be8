"""Forwarded chat records and quoted quotes, which the platform flattens into text."""

from __future__ import annotations

import pytest

FLAT = """[Ming和Hua的聊天记录]
=== 消息 1 ===
[消息内容] /update now
[发送者] Ming

=== 消息 2 ===
[消息内容] first line
second line &lt;3
[发送者] Hua

=== 消息 3 ===
[发送者] Hua
[附件1] 类型:图片 文件名:a b.png 尺寸:600x503 大小:30.8KB URL:https://m.qq.com/d?rkey=SECRETKEY
[附件2] 类型:文件 文件名:c.zip 大小:2MB URL://m.qq.com/e
"""
WRAPPED = """=== 消息 1 ===
[消息内容] [Ming和Hua的聊天记录]
[消息类型] 引用消息
[关联消息]
--- 第1条 ---
    [消息内容] /mc
    [发送者] Ming
--- 第2条 ---
    [消息内容] [Li的聊天记录]
    [发送者] Ming
    [消息类型] 合并转发消息
    [关联消息]
    --- 第1条 ---
        [消息内容] inner one
        still inner one
        [发送者] Li
    --- 第2条 ---
        [发送者] Li
        [附件1] 类型:语音 文件名:v.amr 大小:12B URL:https://m.qq.com/v
--- 第3条 ---
    [消息内容] see this
    [发送者] Hua
    [关联消息]
    --- 第1条 ---
        [消息内容] [聊天记录]
        [消息类型] 引用消息
"""


def record(receive, content, sample="c2c_plain", **changes):
    """Receive a message that is a chat record."""
    return receive(sample, {"message_type": 102, "content": content, **changes})


def test_a_record_is_its_messages_and_its_text_only_the_title(receive):
    """A command inside a record must not trigger a handler."""
    message = record(receive, FLAT)
    assert message.text == "Ming和Hua的聊天记录"
    assert message.content == FLAT
    assert message.attachments == ()
    first, second, third = message.forwarded
    assert (first.text, first.author.username) == ("/update now", "Ming")
    assert second.text == "first line\nsecond line <3"
    assert third.text == ""
    assert third.author.username == "Hua"
    picture, file = third.attachments
    assert (picture.kind, picture.filename, picture.size) == ("image", "a b.png", 31539)
    assert (picture.width, picture.height) == (600, 503)
    assert picture.url == "https://m.qq.com/d?rkey=SECRETKEY"
    assert (file.kind, file.size, file.url) == ("file", 2 * 1024 * 1024, "https://m.qq.com/e")
    assert "SECRETKEY" not in repr(message) + repr(message.forwarded)


def test_attachments_of_a_record_can_be_downloaded(receive, actions):
    """They have the client behind them like any other."""
    message = receive("group_at", {"message_type": 102, "content": FLAT}, actions=actions)
    assert message.forwarded[2].images[0].read() == b"bytes"


def check_wrapped(forwarded):
    """Assert what WRAPPED holds."""
    first, second, third = forwarded
    assert (first.text, first.message_type) == ("/mc", 0)
    assert (second.text, second.message_type) == ("Li的聊天记录", 102)
    assert [item.text for item in second.forwarded] == ["inner one\nstill inner one", ""]
    assert second.forwarded[1].voice.size == 12
    assert third.text == "see this"
    assert third.forwarded == ()
    assert third.quoted.text == "[聊天记录]"


def test_nested_records_and_quotes(receive):
    """Each level stands under the message that brought it."""
    message = record(receive, WRAPPED)
    assert message.text == "Ming和Hua的聊天记录"
    check_wrapped(message.forwarded)


def test_a_quoted_record_unfolds_in_the_quote(receive):
    """The record belongs to the quoted message, not to the one that quotes it."""
    message = receive("group_record_quoted", {"msg_elements": [{"content": WRAPPED}]})
    assert message.forwarded == ()
    quoted = message.quoted
    assert quoted.text == "Ming和Hua的聊天记录"
    assert quoted.message_type == 102
    assert quoted.content == WRAPPED
    assert not quoted.quotable
    check_wrapped(quoted.forwarded)


def test_the_page_sample_of_a_quoted_record(receive):
    """The sample of the platform's own page, without title and senders."""
    quoted = receive("group_record_quoted").quoted
    assert [item.text for item in quoted.forwarded] == [
        "今天的学习计划已完成",
        "很棒！继续保持",
        "好的，一起进步！",
    ]
    assert quoted.ref_idx.startswith("TMP_")


def test_a_quote_of_a_quote_shows_both(receive):
    """The text is that of the quoted message alone."""
    content = (
        "=== 消息 1 ===\n[消息内容]   123456\n[消息类型] 引用消息\n[关联消息]\n"
        "--- 第1条 ---\n    [消息内容]  \n    [消息类型] 引用消息\n"
        "    [附件1] 类型:图片 文件名:a.png 尺寸:700x1099 大小:146.7KB URL:https://img"
    )
    author = {"member_openid": "M2"}
    quoted = receive(
        "group_quote", {"msg_elements": [{"content": content, "author": author}]}
    ).quoted
    assert quoted.text == "123456"
    assert quoted.author.openid == "M2"
    assert quoted.forwarded == ()
    assert quoted.quoted.text == ""
    assert quoted.quoted.images[0].width == 700


def test_one_message_with_a_marker_is_a_quoted_message(receive):
    """Not a record of one message."""
    elements = [{"content": "=== 消息 1 ===\n今天完成了学习计划"}]
    assert receive("group_quote", {"msg_elements": elements}).quoted.text == "今天完成了学习计划"


@pytest.mark.parametrize("message_type", [101, 102])
def test_records_given_as_elements(receive, message_type):
    """The form that the pages describe."""
    elements = [
        {"content": "one", "author": {"username": "Li"}},
        {"content": "two", "msg_elements": [{"content": "in two"}], "message_type": 102},
        {"content": "three", "msg_elements": [{"content": "quoted"}], "message_type": 103},
        {"ark_data": {"ark_type": "map"}},
    ]
    message = record(receive, "title", message_type=message_type, msg_elements=elements)
    assert message.text == "title"
    one, two, three, four = message.forwarded
    assert (one.text, one.author.username) == ("one", "Li")
    assert [item.text for item in two.forwarded] == ["in two"]
    assert (three.forwarded, three.quoted.text) == ((), "quoted")
    assert four.ark.ark_type == "map"
    wrapped = record(receive, "", message_type=message_type, msg_elements=[{"content": FLAT}])
    assert (wrapped.text, len(wrapped.forwarded)) == ("Ming和Hua的聊天记录", 3)


def test_parallel_nodes_are_better_than_nothing(receive):
    """The last place where something may stand."""
    nodes = {"msg_nodes": [{"content": "a"}, {"content": "b"}]}
    message = record(receive, "", message_type=101, parallel_message=nodes)
    assert [item.text for item in message.forwarded] == ["a", "b"]


@pytest.mark.parametrize("content", ["这不是聊天记录", "=== 消息 x ===", "no === 消息 1 === line"])
def test_what_is_no_record_stays_text(receive, content):
    """A wrong message_type costs no text."""
    message = record(receive, content)
    assert message.text == content
    assert message.forwarded == ()
    quoted = receive("group_quote", {"msg_elements": [{"content": content}]}).quoted
    assert (quoted.text, quoted.forwarded) == (content, ())


def test_a_plain_message_is_never_unfolded(receive):
    """Anybody can type the marker."""
    content = "=== 消息 1 ===\n[消息内容] x"
    message = receive("group_at", {"content": content})
    assert (message.text, message.forwarded) == (content, ())


def test_windows_line_ends_and_unknown_details(receive):
    """What cannot be read is left empty."""
    content = (
        "=== 消息 1 ===\r\n[消息内容] hi\r\n[发送者] Li\r\n"
        "[附件1] 类型:奇怪 大小:?? 尺寸:big URL:\r\n[附件2] nothing"
    )
    (message,) = record(receive, content).forwarded
    assert (message.text, message.author.username) == ("hi", "Li")
    first, second = message.attachments
    assert (first.kind, first.size, first.width, first.height, first.url) == ("file", 0, 0, 0, "")
    assert second.filename == ""
