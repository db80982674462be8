"""What a handler says arrives, in every way it can be said."""

from __future__ import annotations

import threading

import pytest

from qqgroup_sync import (
    Chain,
    ConfigError,
    ContentRejected,
    Markdown,
    ReplyExpired,
    ReplyLimitReached,
    StateError,
    Text,
)


def started(client):
    """Start a client and wait for it."""
    client.start()
    assert client.wait_ready(10)
    return client


def hear(sim, text="go", **options):
    """Let Ming say something in the group; return the group."""
    group = sim.platform.group("g")
    group.member("Ming").say(text, **options)
    return group


def collect_errors(client):
    """Return a function that waits for the first error of a handler."""
    errors, came = [], threading.Semaphore(0)

    @client.on_exception
    def note(error, client, event):
        errors.append(error)
        came.release()

    def first():
        assert came.acquire(timeout=10)
        return errors[0]

    return first


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
def test_what_a_handler_returns_is_the_reply(sim, make_client, answer, shown):
    """str, chain, element, or a list of these."""
    client = make_client()
    client.on_group_message(lambda message: answer)
    started(client)
    assert hear(sim).next_reply().content == shown


def test_none_is_no_reply(sim, make_client):
    """A handler that returns nothing says nothing."""
    client = make_client()
    done = threading.Event()
    client.on_group_message(lambda message: done.set())
    started(client)
    group = hear(sim)
    assert done.wait(10)
    assert [message for message in group.messages if message.from_bot] == []


def test_private_messages(sim, echo):
    """C2C works like groups."""
    started(echo)
    user = sim.platform.user("Hong")
    user.say("psst")
    assert user.next_reply().text == "echo psst"


def test_full_mode_and_at_are_one_event(sim, make_client):
    """In full mode every message comes, and is_at tells which ones are for the bot."""
    client = make_client()
    client.on_group_message(lambda message: f"{message.text} {message.is_at}")
    started(client)
    group = sim.platform.group("g")
    group.full_mode = True
    ming = group.member("Ming")
    ming.say("one", at=True)
    assert group.next_reply().text == "one True"
    ming.say("two", at=False)
    assert group.next_reply().text == "two False"


@pytest.mark.expected_errors
def test_five_replies_carry_rising_numbers_and_the_sixth_is_refused(sim, make_client):
    """The budget is known before anything is sent."""
    client = make_client()
    error = collect_errors(client)
    left = []

    @client.on_group_message
    def many(message):
        for number in range(6):
            left.append(message.replies_left)
            message.reply(f"{number}")

    started(client)
    group = hear(sim)
    assert isinstance(error(), ReplyLimitReached)
    sent = [message for message in group.messages if message.from_bot]
    assert [message.msg_seq for message in sent] == [1, 2, 3, 4, 5]
    assert left == [5, 4, 3, 2, 1, 0]


@pytest.mark.expected_errors
def test_a_reply_after_the_window_names_the_remedy(sim, make_client):
    """The platform's clock decides."""
    client = make_client()
    error = collect_errors(client)

    @client.on_group_message
    def late(message):
        sim.clock.advance(301)
        message.reply("too late")

    started(client)
    hear(sim)
    refusal = error()
    assert isinstance(refusal, ReplyExpired)
    assert "proactive_fallback" in refusal.remedy


def test_a_late_reply_can_become_a_proactive_message(sim, make_client):
    """proactive_fallback=True sends what can no longer be a reply."""
    client = make_client(proactive_fallback=True)

    @client.on_group_message
    def late(message):
        sim.clock.advance(301)
        return "better late"

    started(client)
    reply = hear(sim).next_reply()
    assert (reply.text, reply.proactive) == ("better late", True)


def test_long_text_is_split(sim, make_client):
    """20 000 characters leave as five messages, all within the budget, in order."""
    client = make_client()
    text = "".join(f"line {number}\n" for number in range(2000))[:20_000]
    client.on_group_message(lambda message: text)
    started(client)
    group = hear(sim)
    parts = [group.next_reply().content for _ in range(-(-len(text) // 4000))]
    assert "\n".join(parts).split() == text.split()


@pytest.mark.expected_errors
@pytest.mark.parametrize(
    ("answer", "kind"),
    [("", ContentRejected), (" \n", ContentRejected), (42, ConfigError), (object(), ConfigError)],
)
def test_what_cannot_be_sent_goes_to_on_exception(sim, make_client, answer, kind):
    """An empty text or a wrong type is an error with a remedy, not silence."""
    client = make_client()
    error = collect_errors(client)
    client.on_group_message(lambda message: answer)
    started(client)
    hear(sim)
    refusal = error()
    assert isinstance(refusal, kind)
    assert refusal.remedy


@pytest.mark.expected_errors
def test_a_url_is_refused_with_the_remedy(sim, make_client):
    """The first wall that beginners meet says how to get over it."""
    client = make_client()
    error = collect_errors(client)
    client.on_group_message(lambda message: "see https://example.com/x")
    started(client)
    hear(sim)
    refusal = error()
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
def test_urls_can_be_sent_after_all(sim, make_client, mode, shown):
    """urls="dots" and urls="markdown" get a URL through."""
    client = make_client(urls=mode)
    client.on_group_message(lambda message: "see https://example.com/x")
    started(client)
    assert hear(sim).next_reply().content == shown


def test_events_are_answered_by_event_id(sim, make_client):
    """A greeting to a group that added the bot is no proactive message."""
    client = make_client()
    client.on_group_added(lambda event: "thanks")
    client.on_friend_added(lambda event: "hello friend")
    started(client)
    group = sim.platform.group("g")
    group.allow_push(False)
    group.add_bot()
    reply = group.next_reply()
    assert (reply.text, reply.proactive) == ("thanks", False)
    user = sim.platform.user("Hong")
    user.add_friend()
    assert user.next_reply().text == "hello friend"


def test_sent_can_be_recalled_and_quoted(sim, make_client):
    """Sent knows what a recall and a quote need."""
    client = make_client()
    done = threading.Event()

    @client.on_group_message
    def twice(message):
        first = message.reply("first")
        message.reply(Chain(message).quote(first).text("second"))
        first.recall()
        done.set()

    started(client)
    group = hear(sim)
    first, second = group.next_reply(), group.next_reply()
    assert second.quote_ref == first.ref_idx
    assert done.wait(10)
    assert first.recalled


def test_mentions_leave_as_markdown(sim, make_client):
    """In plain text they would not be shown."""
    client = make_client()
    client.on_group_message(lambda message: Chain(message).at().text(" hi"))
    started(client)
    group = hear(sim)
    openid = group.member("Ming").openid
    assert group.next_reply().content == f'<qqbot-at-user id="{openid}" /> hi'


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


def test_a_stopped_life_sends_nothing_more(sim, make_client):
    """A handler of an earlier start cannot speak in a later one."""
    client = make_client()
    kept = []
    client.on_group_message(kept.append)
    started(client)
    hear(sim)
    while not kept:
        client.wait(0.01)
    client.stop()
    with pytest.raises(StateError, match="stopped"):
        kept[0].reply("from the grave")


def test_clicks_are_acknowledged_and_answered(sim, make_client):
    """A callback button stops to spin before its handler is done."""
    client = make_client()
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

    started(client)
    group = sim.platform.group("g")
    body = {"msg_type": 2, "markdown": {"content": "sure?"}, "keyboard": keyboard}
    client.api.send_group_message(group.openid, body)
    click = group.member("Ming").click(group.next_reply(), "b1")
    for _ in range(1000):
        if click.acknowledged:
            break
        client.wait(0.01)
    assert click.ack_code == 0
    go_on.set()
    assert group.next_reply().text == "you chose yes"


def test_a_repeated_event_is_answered_once(sim, echo):
    """The platform may deliver the same message twice."""
    started(echo)
    sim.gateway.duplicate_events(1)
    group = hear(sim, "one")
    assert group.next_reply().text == "echo one"
    hear(sim, "two")
    assert group.next_reply().text == "echo two"
    assert echo.status.counters["repeated"] == 1


def test_an_ambiguous_timeout_is_retried_with_the_same_number(sim, make_client):
    """A reply that was accepted but not confirmed arrives once."""
    client = make_client()
    results = []
    client.on_group_message(lambda message: results.append(message.reply("once")))
    started(client)
    sim.faults.drop("/messages", after_accept=True)
    group = hear(sim)
    assert group.next_reply().text == "once"
    while not results:
        client.wait(0.01)
    assert results[0].parts[0].deduplicated
    assert len([message for message in group.messages if message.from_bot]) == 1


def test_auto_shards(sim, make_client):
    """shards="auto" runs as many shards as the platform recommends; each group is heard once."""
    sim.platform.change_rules(shards=3)
    client = make_client(shards="auto")
    client.on_group_message(lambda message: "ok")
    started(client)
    sim.gateway.wait_live(count=3)
    groups = [sim.platform.group(f"g{number}") for number in range(12)]
    for group in groups:
        group.member("Ming").say("hi")
    assert [group.next_reply().text for group in groups] == ["ok"] * 12
    assert [shard.index for shard in client.status.shards] == [0, 1, 2]
    assert client.status.counters["received"] == 12


def test_one_shard_of_several(sim, make_client):
    """Two clients share the groups of one bot, as in the seed."""
    clients = [make_client(shard_index=index, shards=2) for index in range(2)]
    for client in clients:
        client.on_group_message(lambda message: "ok")
        client.start()
    for client in clients:
        assert client.wait_ready(10)
    groups = [sim.platform.group(f"g{number}") for number in range(12)]
    for group in groups:
        group.member("Ming").say("hi")
    assert [group.next_reply().text for group in groups] == ["ok"] * 12
    assert sum(client.status.counters["received"] for client in clients) == 12


def test_a_handler_on_event_observes_everything(sim, make_client):
    """Observers compete with nobody and see what has no handler."""
    client = make_client()
    seen, came = [], threading.Semaphore(0)

    @client.on_event
    def observe(event, instance):
        assert instance is client
        seen.append(event.name)
        came.release()

    client.on_group_message(lambda message: "answered all the same")
    started(client)
    group = hear(sim)
    assert group.next_reply().text == "answered all the same"
    sim.platform.emit(None, "SOMETHING_NEW", {"x": 1})
    assert came.acquire(timeout=10)
    assert came.acquire(timeout=10)
    assert set(seen) == {"GROUP_AT_MESSAGE_CREATE", "SOMETHING_NEW"}


def test_attachments_are_downloaded(sim, make_client, tmp_path):
    """read() and save() fetch what a person sent, within a limit."""
    from qqgroup_sync import MediaTooLarge

    client = make_client()
    messages, came = [], threading.Semaphore(0)

    @client.on_group_message
    def keep(message):
        messages.append(message)
        came.release()

    started(client)
    picture = {"content_type": "image/png", "filename": "a.png", "url": f"{sim.url}/gateway"}
    hear(sim, "look", attachments=[picture])
    assert came.acquire(timeout=10)
    (attachment,) = messages[0].images
    with pytest.raises(Exception, match="HTTP 401"):
        attachment.read()
    sim.faults.fail("/gateway", times=3, status=200, body={"hello": "world"})
    assert b"world" in attachment.read()
    assert b"world" in attachment.save(tmp_path / "a.json").read_bytes()
    with pytest.raises(MediaTooLarge, match="limit"):
        attachment.read(limit=3)
    assert [path.name for path in tmp_path.iterdir()] == ["a.json"]
