"""What a handler says arrives, in every way it can be said."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync import (
    Chain,
    Client,
    ConfigError,
    ContentRejected,
    Markdown,
    ReplyExpired,
    ReplyLimitReached,
    StateError,
    Text,
)


@pytest.fixture
def client():
    """A client whose handlers the test adds; not started."""
    return Client.simulated(language="en")


@pytest.fixture
def group(qq):
    """A group with the bot in it."""
    return qq.group("g")


@pytest.fixture
def ming(group):
    """A member."""
    return group.member("Ming")


@pytest.mark.parametrize(
    ("answer", "shown"),
    [
        ("plain", "plain"),
        (Chain().text("a").text("b"), "ab"),
        (Text("one"), "one"),
        (["x", Text("y"), Chain().text("z")], "xyz"),
        (Markdown("**bold**"), "**bold**"),
    ],
)
def test_what_a_handler_returns_is_the_reply(qq, client, group, ming, answer, shown):
    """str, chain, element, or a list of these."""
    client.on_group_message(lambda message: answer)
    qq.run(client)
    ming.say("go")
    assert group.next_reply().content == shown


def test_none_is_no_reply(qq, client, group, ming):
    """A handler that returns nothing says nothing."""
    heard = []
    client.on_group_message(lambda message: heard.append(message.text))
    qq.run(client)
    ming.say("go")
    group.no_reply()
    assert heard == ["go"]


def test_private_messages(qq, client):
    """C2C works like groups."""
    client.on_message(lambda message: f"echo {message.text}")
    qq.run(client)
    user = qq.user("Hong")
    user.say("psst")
    assert user.next_reply().text == "echo psst"


def test_full_mode_and_at_are_one_event(qq, client, group, ming):
    """In full mode every message comes, and is_at tells which ones are for the bot."""
    client.on_group_message(lambda message: f"{message.text} {message.is_at}")
    qq.run(client)
    group.full_mode = True
    ming.say("one", at=True)
    assert group.next_reply().text == "one True"
    ming.say("two", at=False)
    assert group.next_reply().text == "two False"


@pytest.mark.expected_errors
def test_five_replies_carry_rising_numbers_and_the_sixth_is_refused(qq, client, group, ming):
    """The budget is known before anything is sent."""
    left = []

    @client.on_group_message
    def many(message):
        for number in range(6):
            left.append(message.replies_left)
            message.reply(f"{number}")

    qq.run(client)
    ming.say("go")
    qq.wait_idle()
    assert [type(error) for error in qq.errors] == [ReplyLimitReached]
    sent = [message for message in group.messages if message.from_bot]
    assert [message.msg_seq for message in sent] == [1, 2, 3, 4, 5]
    assert left == [5, 4, 3, 2, 1, 0]


@pytest.mark.expected_errors
def test_a_reply_after_the_window_names_the_remedy(qq, client, group, ming):
    """The platform's clock decides."""

    @client.on_group_message
    def late(message):
        qq.simulator.clock.advance(301)
        message.reply("too late")

    qq.run(client)
    ming.say("go")
    group.no_reply()
    (refusal,) = qq.errors
    assert isinstance(refusal, ReplyExpired)
    assert "proactive_fallback" in refusal.remedy


def test_a_late_reply_can_become_a_proactive_message(qq, group, ming):
    """proactive_fallback=True sends what can no longer be a reply."""
    client = Client.simulated(proactive_fallback=True)

    @client.on_group_message
    def late(message):
        qq.simulator.clock.advance(301)
        return "better late"

    qq.run(client)
    ming.say("go")
    reply = group.next_reply()
    assert (reply.text, reply.proactive) == ("better late", True)


def test_long_text_is_split(qq, client, group, ming):
    """20 000 characters leave as five messages, all within the budget, in order."""
    text = "".join(f"line {number}\n" for number in range(2000))[:20_000]
    client.on_group_message(lambda message: text)
    qq.run(client)
    ming.say("go")
    parts = [group.next_reply().content for _ in range(-(-len(text) // 4000))]
    assert "\n".join(parts).split() == text.split()


@pytest.mark.expected_errors
@pytest.mark.parametrize(
    ("answer", "kind"),
    [("", ContentRejected), (" \n", ContentRejected), (42, ConfigError), (object(), ConfigError)],
)
def test_what_cannot_be_sent_goes_to_on_exception(qq, client, group, ming, answer, kind):
    """An empty text or a wrong type is an error with a remedy, not silence."""
    told = []
    client.on_exception(lambda error: told.append(error))
    client.on_group_message(lambda message: answer)
    qq.run(client)
    ming.say("go")
    group.no_reply()
    (refusal,) = told
    assert isinstance(refusal, kind)
    assert refusal.remedy


@pytest.mark.expected_errors
def test_a_url_is_refused_with_the_remedy(qq, client, group, ming):
    """The first wall that beginners meet says how to get over it."""
    client.on_group_message(lambda message: "see https://example.com/x")
    qq.run(client)
    ming.say("go")
    group.no_reply()
    (refusal,) = qq.errors
    assert isinstance(refusal, ContentRejected)
    assert refusal.reason == "url"
    assert "markdown" in refusal.remedy


@pytest.mark.parametrize(
    ("mode", "shown"),
    [
        ("dots", "see example。com/x"),
        ("markdown", "see [https://example.com/x](https://example.com/x)"),
    ],
)
def test_urls_can_be_sent_after_all(qq, group, ming, mode, shown):
    """urls="dots" and urls="markdown" get a URL through."""
    client = Client.simulated(urls=mode)
    client.on_group_message(lambda message: "see https://example.com/x")
    qq.run(client)
    ming.say("go")
    assert group.next_reply().content == shown


def test_events_are_answered_by_event_id(qq, client, group):
    """A greeting to a group that added the bot is no proactive message."""
    client.on_group_added(lambda event: "thanks")
    client.on_friend_added(lambda event: "hello friend")
    qq.run(client)
    group.allow_push(False)
    group.add_bot()
    reply = group.next_reply()
    assert (reply.text, reply.proactive) == ("thanks", False)
    user = qq.user("Hong")
    user.add_friend()
    assert user.next_reply().text == "hello friend"


def test_sent_can_be_recalled_and_quoted(qq, client, group, ming):
    """Sent knows what a recall and a quote need."""

    @client.on_group_message
    def twice(message):
        first = message.reply("first")
        message.reply(Chain(message).quote(first).text("second"))
        first.recall()

    qq.run(client)
    ming.say("go")
    first, second = group.next_reply(), group.next_reply()
    assert second.quoted is first
    group.no_reply()
    assert first.recalled


def test_mentions_leave_as_markdown(qq, client, group, ming):
    """In plain text they would not be shown."""
    client.on_group_message(lambda message: Chain(message).at().text(" hi"))
    qq.run(client)
    ming.say("go")
    assert group.next_reply().content == f'<qqbot-at-user id="{ming.openid}" /> hi'


def test_sending_works_without_starting(sim, make_client):
    """A cron script sends and ends."""
    client = make_client()
    group, user = sim.platform.group("g"), sim.platform.user("Hong")
    client.api.bot_profile()  # the platform gets to know the bot
    user.befriend()
    sent = client.send_group(group.openid, "good morning")
    assert group.next_reply().proactive
    assert sent.id
    assert client.send_user(user.openid, "you too").id
    assert client.stop()


def test_a_stopped_life_sends_nothing_more(qq, client, ming):
    """A handler of an earlier start cannot speak in a later one."""
    kept = []
    client.on_group_message(kept.append)
    qq.run(client)
    ming.say("go")
    qq.wait_idle()
    client.stop()
    with pytest.raises(StateError, match="stopped"):
        kept[0].reply("from the grave")


def test_clicks_are_acknowledged_and_answered(qq, client, group, ming):
    """A callback button stops to spin before its handler is done."""
    go_on = threading.Event()
    keyboard = {
        "content": {
            "rows": [
                {
                    "buttons": [
                        {
                            "id": "b1",
                            "render_data": {"label": "OK", "visited_label": "OK", "style": 1},
                            "action": {"type": 1, "data": "yes", "permission": {"type": 2}},
                        }
                    ]
                }
            ]
        }
    }

    @client.on_interaction
    def clicked(interaction):
        go_on.wait(10)
        return f"you chose {interaction.button_data}"

    qq.run(client)
    body = {"msg_type": 2, "markdown": {"content": "sure?"}, "keyboard": keyboard}
    client.api.send_group_message(group.openid, body)
    click = ming.click(group.next_reply(), "OK").wait_acknowledged()
    assert (click.button_id, click.ack_code) == ("b1", 0)
    go_on.set()
    assert group.next_reply().text == "you chose yes"


def test_a_repeated_event_is_answered_once(qq, client, group, ming):
    """The platform may deliver the same message twice."""
    client.on_message(lambda message: f"echo {message.text}")
    qq.run(client)
    qq.faults.duplicate_events(1)
    ming.say("one")
    assert group.next_reply().text == "echo one"
    ming.say("two")
    assert group.next_reply().text == "echo two"
    group.no_reply()
    assert client.status.counters["repeated"] == 1


def test_an_ambiguous_timeout_is_retried_with_the_same_number(qq, client, group, ming):
    """A reply that was accepted but not confirmed arrives once."""
    results = []
    client.on_group_message(lambda message: results.append(message.reply("once")))
    qq.run(client)
    qq.faults.drop("/messages", after_accept=True)
    ming.say("go")
    assert group.next_reply().text == "once"
    group.no_reply()
    assert results[0].parts[0].deduplicated


def test_auto_shards(qq):
    """shards="auto" runs as many shards as the platform recommends; each group is heard once."""
    qq.platform.change_rules(shards=3)
    client = Client.simulated(shards="auto")
    client.on_group_message(lambda message: "ok")
    qq.run(client)
    qq.simulator.gateway.wait_live(count=3)
    groups = [qq.group(f"g{number}") for number in range(12)]
    for group in groups:
        group.member("Ming").say("hi")
    assert [group.next_reply().text for group in groups] == ["ok"] * 12
    assert [shard.index for shard in client.status.shards] == [0, 1, 2]
    assert client.status.counters["received"] == 12


def test_one_shard_of_several(qq):
    """Two clients share the groups of one bot, as in the seed."""
    clients = [Client.simulated(shard_index=index, shards=2) for index in range(2)]
    for client in clients:
        client.on_group_message(lambda message: "ok")
        qq.run(client)
    groups = [qq.group(f"g{number}") for number in range(12)]
    for group in groups:
        group.member("Ming").say("hi")
    assert [group.next_reply().text for group in groups] == ["ok"] * 12
    assert sum(client.status.counters["received"] for client in clients) == 12


def test_a_handler_on_event_observes_everything(qq, client, group, ming):
    """Observers compete with nobody and see what has no handler."""
    seen = []

    @client.on_event
    def observe(event, instance):
        assert instance is client
        seen.append(event.name)

    client.on_group_message(lambda message: "answered all the same")
    qq.run(client)
    ming.say("go")
    assert group.next_reply().text == "answered all the same"
    qq.platform.emit(None, "SOMETHING_NEW", {"x": 1})
    group.no_reply()
    assert set(seen) == {"GROUP_AT_MESSAGE_CREATE", "SOMETHING_NEW"}


def test_attachments_are_downloaded(qq, client, ming, tmp_path):
    """read() and save() fetch what a person sent, within a limit."""
    from qqgroup_sync import MediaTooLarge

    messages = []
    client.on_group_message(messages.append)
    qq.run(client)
    address = f"{qq.simulator.url}/gateway"
    picture = {"content_type": "image/png", "filename": "a.png", "url": address}
    ming.say("look", attachments=[picture])
    qq.wait_idle()
    (attachment,) = messages[0].images
    with pytest.raises(Exception, match="HTTP 401"):
        attachment.read()
    qq.faults.fail("/gateway", times=3, status=200, body={"hello": "world"})
    assert b"world" in attachment.read()
    assert b"world" in attachment.save(tmp_path / "a.json").read_bytes()
    with pytest.raises(MediaTooLarge, match="limit"):
        attachment.read(limit=3)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
