"""Delivery by webhook: a bot that is nothing but an HTTP server."""

import http.server
import json
import queue
import socket
import threading
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from qqgroup_sync.simulator.simulator import Simulator
from qqgroup_sync.simulator.webhooks import WebhookCheckError
from tests.waiting import eventually

from .bot import APPID, Bot

SECRET = "DG5g3B4j9X2KOErG"
KEY = Ed25519PrivateKey.from_private_bytes((SECRET * 2).encode())


class Receiver:
    """A bot's callback address; keeps what is posted and answers as told.

    Attributes:
        posts: What came: headers and body.
        answers: What the next posts are answered, status and body; then 200 and op 12.
        held: Cleared to keep posts waiting for their answer.
    """

    def __init__(self):
        self.posts = queue.Queue()
        self.answers = []
        self.held = threading.Event()
        self.held.set()
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.put((self.headers, body))
                receiver.held.wait(10)
                status, answer = receiver.answer(json.loads(body))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.handle_error = lambda *_: None  # whoever posted has hung up
        self.url = f"http://127.0.0.1:{self.server.server_port}/callback?bot=1"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def answer(self, payload):
        if self.answers:
            return self.answers.pop(0)
        if payload["op"] == 13:
            d = payload["d"]
            signed = KEY.sign(f"{d['event_ts']}{d['plain_token']}".encode()).hex()
            return 200, json.dumps({"plain_token": d["plain_token"], "signature": signed}).encode()
        return 200, b'{"op":12,"d":0}'

    def next(self):
        """Return headers and payload of the next post."""
        headers, body = self.posts.get(timeout=5)
        signed = f"{headers['X-Signature-Timestamp']}".encode() + body
        KEY.public_key().verify(bytes.fromhex(headers["X-Signature-Ed25519"]), signed)
        return headers, json.loads(body)

    def close(self):
        self.held.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join(5)


@pytest.fixture
def receiver():
    """A callback address that answers as it should."""
    one = Receiver()
    yield one
    one.close()


@pytest.fixture
def sim():
    """A running simulator that knows the bot's secret and does not wait long."""
    with Simulator() as simulator:
        simulator.platform.register_bot(APPID, SECRET, username="Robot")
        simulator.platform.change_rules(webhook_retry_delay=0.01)
        yield simulator


@pytest.fixture
def hooked(sim, receiver):
    """The receiver, after its address was accepted."""
    sim.webhooks.add(APPID, receiver.url)
    receiver.next()
    return receiver


def test_the_address_is_checked_first(sim, receiver):
    """Op 13 with a token to sign; the check is signed like everything else."""
    sim.webhooks.add(APPID, receiver.url)
    headers, payload = receiver.next()
    assert payload["op"] == 13
    assert set(payload["d"]) == {"plain_token", "event_ts"}
    assert headers["X-Bot-Appid"] == APPID


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"{}"),
        (200, b"no JSON"),
        (403, b""),
        (200, b'{"plain_token":"other","signature":"00"}'),
    ],
)
def test_an_address_that_answers_wrongly_is_refused(sim, receiver, answer):
    """13007, and events go on by WebSocket."""
    receiver.answers.append(answer)
    with pytest.raises(WebhookCheckError, match="13007"):
        sim.webhooks.add(APPID, receiver.url)
    with Bot(sim, secret=SECRET) as bot:
        wire = bot.connect(identify=True)
        sim.platform.group("g").member("Ming").say("hello")
        assert wire.read()["t"] == "GROUP_AT_MESSAGE_CREATE"


def test_an_address_where_nobody_listens_is_refused(sim, receiver):
    """10020."""
    receiver.close()
    with pytest.raises(WebhookCheckError, match="10020"):
        sim.webhooks.add(APPID, receiver.url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://192.0.2.1/", "not this machine"),
        ("http://example.com/", "not this machine"),
        ("ftp://127.0.0.1/", "http address"),
    ],
)
def test_events_stay_on_this_machine(sim, url, reason):
    """Nothing is even tried."""
    with pytest.raises(ValueError, match=reason):
        sim.webhooks.add(APPID, url)


def test_without_a_secret_there_is_no_webhook(sim):
    """It is what posts are signed with."""
    with pytest.raises(ValueError, match="register_bot"):
        sim.webhooks.add("unknown", "http://127.0.0.1/")


def test_an_event_is_posted_as_the_gateway_would_send_it(sim, hooked):
    """The same frame, with the headers of 6.1, and a reply is possible."""
    ming = sim.platform.group("g").member("Ming")
    said = ming.say("hello")
    headers, payload = hooked.next()
    assert (payload["op"], payload["t"]) == (0, "GROUP_AT_MESSAGE_CREATE")
    assert payload["id"].startswith("GROUP_AT_MESSAGE_CREATE:")
    assert payload["d"]["id"] == said.id
    assert headers["User-Agent"] == "QQBot-Callback"
    assert headers["X-Signature-Method"] == "Ed25519"
    assert len(headers["X-Tps-trace-ID"]) == 32
    with Bot(sim, secret=SECRET) as bot:
        assert bot.say(ming.group, msg_id=said.id).status_code == 200


def test_half_a_character_becomes_a_question_mark(sim, hooked):
    """As on the gateway; the event is posted."""
    sim.platform.emit(APPID, "SOMETHING_NEW", {"x": "a\ud800"})
    assert hooked.next()[1]["d"] == {"x": "a?"}


def test_only_one_way_is_in_use(sim, hooked):
    """A gateway session gets nothing until the address is removed, and then everything."""
    group = sim.platform.group("g")
    with Bot(sim, secret=SECRET) as bot:
        wire = bot.connect(identify=True)
        group.member("Ming").say("by webhook")
        assert hooked.next()[1]["d"]["content"] == " by webhook"
        sim.webhooks.remove(APPID)
        group.member("Ming").say("by gateway")
        assert wire.read()["d"]["content"] == " by gateway"
    assert hooked.posts.empty()


def test_other_bots_keep_their_gateway(sim, hooked):
    """The choice is made bot by bot."""
    with Bot(sim, "other") as other:
        wire = other.connect(identify=True)
        sim.platform.group("g").member("Ming").say("both of you")
        assert wire.read()["t"] == hooked.next()[1]["t"] == "GROUP_AT_MESSAGE_CREATE"


@pytest.mark.parametrize("answer", [(500, b""), (200, b'{"op":12,"d":1}'), (404, b"no")])
def test_what_is_not_acknowledged_is_posted_again(sim, hooked, answer):
    """The same event with the same id, until it is."""
    hooked.answers += [answer, answer]
    sim.platform.user("Hong").say("hello")
    posts = [hooked.next()[1] for _ in range(3)]
    assert posts[0] == posts[1] == posts[2]
    eventually(lambda: sim.platform.stats["webhooks_accepted"] == 1)
    assert sim.platform.stats["webhooks_tried_again"] == 2


@pytest.mark.parametrize("answer", [(200, b""), (200, b'{"op":12}'), (200, b'{"op":12,"d":{}}')])
def test_what_counts_as_acknowledged(sim, hooked, answer):
    """All forms that SDKs use."""
    hooked.answers.append(answer)
    sim.platform.user("Hong").say("hello")
    eventually(lambda: sim.platform.stats["webhooks_accepted"] == 1)
    assert sim.platform.stats["webhooks_tried_again"] == 0


def test_the_acknowledgement_can_be_demanded(sim, hooked):
    """Switches: an empty 200 is not enough then, and a no may be taken for a yes."""
    sim.platform.change_rules(webhook_ack="op12", webhook_failures=False)
    hooked.answers += [(200, b""), (200, b'{"op":12,"d":1}')]
    sim.platform.user("Hong").say("hello")
    eventually(lambda: sim.platform.stats["webhooks_accepted"] == 1)
    assert sim.platform.stats["webhooks_tried_again"] == 1


def test_it_is_given_up_in_the_end(sim, hooked):
    """After the retries of the rules; the next event goes out all the same."""
    sim.platform.change_rules(webhook_retries=1)
    hooked.answers += [(500, b"")] * 2
    sim.platform.user("Hong").say("lost")
    eventually(lambda: sim.platform.stats["webhooks_given_up"] == 1)
    sim.platform.user("Hong").say("next")
    contents = [hooked.next()[1]["d"]["content"] for _ in range(3)]
    assert contents == ["lost", "lost", "next"]


def test_a_bot_that_does_not_answer_gets_it_again(sim, hooked):
    """After ``webhook_timeout`` real seconds."""
    sim.platform.change_rules(webhook_timeout=0.1)
    sim.webhooks.remove(APPID)
    sim.webhooks.add(APPID, hooked.url)
    hooked.next()
    hooked.held.clear()
    sim.platform.user("Hong").say("hello")
    first = hooked.next()[1]
    assert hooked.next()[1] == first
    hooked.held.set()
    eventually(lambda: sim.platform.stats["webhooks_accepted"] == 1)


def test_events_can_be_doubled(sim, hooked):
    """Duplicates were seen live: the same id twice."""
    sim.webhooks.duplicate_events()
    sim.platform.user("Hong").say("hello")
    assert hooked.next()[1] == hooked.next()[1]


def test_posts_can_be_forged(sim, hooked):
    """So that a bot's own check can be tested; a refusal is the end of it."""
    sim.webhooks.forge()
    hooked.answers.append((401, b""))
    sim.platform.user("Hong").say("hello")
    with pytest.raises(InvalidSignature):
        hooked.next()
    eventually(lambda: sim.platform.stats["webhooks_given_up"] == 1)
    sim.platform.user("Hong").say("again")
    assert hooked.next()[1]["d"]["content"] == "again"


def test_events_are_ticked(sim, receiver):
    """Each of several addresses gets what it is meant for; there are no intents."""
    sim.webhooks.add(APPID, receiver.url, events={"FRIEND_DEL"})
    sim.webhooks.add(APPID, receiver.url, events={"FRIEND_ADD"})
    for _ in range(2):
        receiver.next()
    hong = sim.platform.user("Hong")
    hong.say("not ticked")
    hong.remove_friend()
    assert receiver.next()[1]["t"] == "FRIEND_DEL"
    hong.add_friend()
    assert receiver.next()[1]["t"] == "FRIEND_ADD"


def test_there_are_at_most_ten_addresses(sim, receiver):
    """Product page, 2026-09."""
    for _ in range(10):
        sim.webhooks.add(APPID, receiver.url, check=False)
    with pytest.raises(ValueError, match="at most 10"):
        sim.webhooks.add(APPID, receiver.url, check=False)


def test_observers_see_every_attempt(sim, hooked):
    """With what came back and what follows."""
    records = []
    sim.platform.subscribe(lambda kind, record: kind == "webhook" and records.append(record))
    hooked.answers.append((500, b"oh"))
    sim.platform.user("Hong").say("hello")
    eventually(lambda: len(records) == 2)
    told = [(one.status, one.answer, one.attempt, one.outcome) for one in records]
    assert told == [(500, "oh", 1, "tried again"), (200, '{"op":12,"d":0}', 2, "accepted")]


def test_stopping_ends_a_post_under_way(sim, hooked):
    """At once, although the bot does not answer; after a new start posts go on."""
    hooked.held.clear()
    sim.platform.user("Hong").say("held")
    hooked.next()
    assert sim.stop(timeout=2)
    hooked.held.set()
    sim.start()
    sim.platform.user("Hong").say("again")
    assert hooked.next()[1]["d"]["content"] == "again"


@pytest.fixture
def mute(sim):
    """An https address that accepts and never speaks TLS, and how long posts wait for it: long."""
    sim.platform.change_rules(webhook_timeout=60.0)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(5)
        yield listening


def test_stopping_ends_a_handshake(sim, mute):
    """Nobody is held up by an address that does not speak."""
    sim.webhooks.add(APPID, f"https://127.0.0.1:{mute.getsockname()[1]}/", check=False)
    sim.platform.emit(APPID, "SOMETHING_NEW", {})
    peer, _ = mute.accept()
    with peer:
        assert peer.recv(1) == b"\x16"  # the handshake has begun
        assert sim.stop(timeout=5)


def test_stopping_ends_a_check(sim, mute):
    """Whoever adds such an address is told at once that nobody was there."""
    failed = []

    def add():
        try:
            sim.webhooks.add(APPID, f"https://127.0.0.1:{mute.getsockname()[1]}/")
        except WebhookCheckError as error:
            failed.append(error.retcode)

    thread = threading.Thread(target=add)
    thread.start()
    peer, _ = mute.accept()
    with peer:
        assert peer.recv(1) == b"\x16"
        sim.stop()
        thread.join(5)
    assert failed == [10020]


def test_a_bot_by_webhook_is_online(sim, hooked):
    """What it sends is shown, although it has no gateway session."""
    sim.platform.change_rules(swallow_offline=True)
    group = sim.platform.group("g")
    with Bot(sim, secret=SECRET) as bot:
        bot.say(group, "shown")
        assert group.next_reply().text == "shown"


def test_https_with_a_certificate_of_its_own(sim, receiver):
    """Verified against the given file; without it, the address does not pass."""
    import ssl

    pem = str(Path(__file__).parents[1] / "localhost.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    receiver.server.socket = context.wrap_socket(receiver.server.socket, server_side=True)
    url = f"https://localhost:{receiver.server.server_port}/"
    with pytest.raises(WebhookCheckError, match="10020"):
        sim.webhooks.add(APPID, url)
    sim.webhooks.add(APPID, url, cafile=pem)
    assert receiver.next()[1]["op"] == 13
