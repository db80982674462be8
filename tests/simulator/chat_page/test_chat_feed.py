"""The live feed of the chat page over a real simulator."""

import contextlib
import threading
import time

import requests

from qqgroup_sync.simulator import chat_feed as module
from tests.waiting import eventually

from ..bot import APPID
from .paging import Live, connections, offer, state


def test_live_tells_messages_recalls_and_refusals(sim, bot, group):
    """Live tells messages recalls and refusals."""
    with Live(sim) as live:
        assert live.headers["Content-Type"].startswith("text/event-stream")
        live.next("hello")
        group.member("Lan").say("line one\nline two")
        assert live.next("message")["message"]["text"] == "line one\nline two"

        sent = bot.say(group, "good morning").json()
        message = live.next("message")["message"]
        assert (message["id"], message["proactive"]) == (sent["id"], True)

        bot.say(group, "")
        assert live.next("refused")["code"] == 304061

        bot.call("DELETE", f"/v2/groups/{group.openid}/messages/{sent['id']}")
        assert live.next("recall") == {
            "kind": "recall",
            "chat": group.openid,
            "id": sent["id"],
        }
    assert state(sim)["messages"][-1]["recalled"] is True


def test_live_tells_acknowledgements(sim, bot, group):
    """Live tells acknowledgements."""
    offer(bot, group, "choose")
    with Live(sim) as live:
        live.next("hello")
        interaction = group.member("Lan").click(group.messages[-1], "ok")
        told = live.next("click")
        assert (told["id"], told["button"], told["code"]) == (interaction.id, "ok", None)

        bot.call("PUT", f"/interactions/{interaction.id}", {"code": 3})
        told = live.next("ack")
        assert (told["id"], told["code"], told["late"]) == (interaction.id, 3, False)
        assert told["message"] == group.messages[-1].id


def test_live_tells_new_members_and_bots_on_and_off_line(sim, bot, group):
    """Live tells new members and bots on and off line."""
    robot = {"appid": APPID, "name": f"bot-{APPID}", "online": True}
    with Live(sim) as live:
        assert len(live.next("overview")["chats"][0]["members"]) == 2
        group.join("小红")
        members = live.next("overview")["chats"][0]["members"]
        assert [one["name"] for one in members] == ["Ming", "Lan", "小红"]

        wire = bot.connect(identify=True)
        assert robot.items() < live.next("overview")["bots"][0].items()

        wire.websocket.close()
        assert live.next("overview")["bots"][0]["online"] is False


def test_half_a_character_does_not_end_the_feed(sim, group):
    """Half of an emoji, which Python code can say, is told as a question mark."""
    with Live(sim) as live:
        live.next("hello")
        group.member("Lan").say("half \ud83d")
        assert live.next("message")["message"]["text"] == "half ?"
        group.member("Lan").say("whole")
        assert live.next("message")["message"]["text"] == "whole"


def test_every_connection_is_told_bots_and_chats(sim, group):
    """What changed before it came may have reached the page by an answer that was older."""
    for _ in range(2):
        with Live(sim) as live:
            assert live.next("overview")["chats"][0]["id"] == group.openid


def test_every_page_hears_everything(sim, group):
    """Every page hears everything."""
    with Live(sim) as one, Live(sim) as other:
        one.next("hello")
        other.next("hello")
        group.member("Lan").say("to all")
        assert one.next("message") == other.next("message")


def test_reader_who_does_not_keep_up_is_told_to_start_anew(sim, group, monkeypatch):
    """Reader who does not keep up is told to start anew."""
    monkeypatch.setattr(module, "_WAITING", 3)
    observer = module._Observer(sim.platform)
    sim.platform.subscribe(observer)

    for number in range(3):
        group.member("Lan").say(str(number))
    assert [one["kind"] for one in observer.take()] == ["message"] * 3
    for number in range(5):
        group.member("Lan").say(str(number))
    assert [one["kind"] for one in observer.take()] == ["hello"]
    assert observer.take() == []


def test_many_changes_of_one_message_are_told_once(sim, bot):
    """Of a streamed message a feed tells the last state, not each frame."""
    sim.platform.change_rules(stream_interval=0)
    user = sim.platform.user("Ming")
    observer = module._Observer(sim.platform)
    sim.platform.subscribe(observer)
    frame = {"input_state": 1, "msg_id": user.say("x").id, "msg_seq": 1}
    path = f"/v2/users/{user.openid}/stream_messages"
    first = bot.post(path, {**frame, "index": 0, "content_raw": "0"}).json()
    for index in range(1, 6):
        body = {**frame, "index": index, "content_raw": str(index), "stream_msg_id": first["id"]}
        assert bot.post(path, body).ok

    told = [one for one in observer.take() if one["kind"] == "stream"]
    assert [one["message"]["text"] for one in told] == ["012345"]


def test_reader_who_has_gone_is_noticed(sim, monkeypatch):
    """Reader who has gone is noticed."""
    monkeypatch.setattr(module, "HEARTBEAT", 0.05)
    before = set(connections())
    with Live(sim) as live:
        live.next("hello")
        assert live.line(":")
        (thread,) = set(connections()) - before
    thread.join(5)
    assert not thread.is_alive()


def test_stop_ends_live_feeds_at_once(sim):
    """Stop ends live feeds at once."""
    with Live(sim) as one, Live(sim) as other:
        one.next("hello")
        other.next("hello")
        started = time.monotonic()

        assert sim.stop()

        assert time.monotonic() - started < 2
        eventually(
            lambda: not any(one.name.startswith("simulator") for one in threading.enumerate())
        )
        for live in (one, other):
            with contextlib.suppress(requests.RequestException):  # cut off: that is an end, too
                assert live.rest() == []


def test_live_tells_streams_and_typing(sim, bot):
    """Each frame is told with the text so far, and who is typing for how long."""
    sim.clock.speed = 0
    user = sim.platform.user("Ming")
    frame = {"input_state": 1, "msg_id": user.say("x").id, "msg_seq": 1}
    path = f"/v2/users/{user.openid}"
    with Live(sim) as live:
        live.next("hello")
        typing = {"msg_type": 6, "input_notify": {"input_type": 1, "input_second": 9}}
        bot.say(user, None, **typing, msg_id=frame["msg_id"], msg_seq=9)
        told = live.next("typing")
        assert (told["chat"], told["name"], told["for"]) == (user.openid, f"bot-{APPID}", 9)
        first = bot.post(f"{path}/stream_messages", {**frame, "index": 0, "content_raw": "one"})
        told = live.next("message")["message"]
        assert (told["text"], told["streaming"]) == ("one", True)
        sim.clock.advance(1)
        frame["stream_msg_id"] = first.json()["id"]
        bot.post(f"{path}/stream_messages", {**frame, "index": 1, "content_raw": " two"})
        told = live.next("stream")["message"]
        assert (told["text"], told["streaming"]) == ("one two", True)
        sim.clock.advance(61)
        told = live.next("stream")["message"]
        assert (told["text"], told["streaming"]) == ("one", False)
