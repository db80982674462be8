"""Every example, run as a user runs it: a process of its own, against the platform."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image as Pictures

from tests.media import sounds
from tests.waiting import eventually
from tests.web import free_port, serving, tunnel_to

EXAMPLES = Path(__file__).parents[2] / "examples"
CAT = (EXAMPLES / "assets" / "cat.png").read_bytes()
HELLO = (EXAMPLES / "assets" / "hello.wav").read_bytes()


@pytest.fixture
def run(sim, tmp_path):
    """Return a function that starts examples and waits until they are on line."""
    processes = []

    def start(name, **environment):
        log = (tmp_path / f"{Path(name).name}-{len(processes)}.log").open("w+b")
        process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / f"{name}.py")],
            cwd=tmp_path,
            env={**os.environ, "QQ_SIMULATOR": sim.url, **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        processes.append((process, log))
        wanted = len(processes)

        def on_line():
            assert process.poll() is None, Path(log.name).read_text("utf-8")
            return len(sim.platform.sessions.live()) >= wanted

        eventually(on_line, 20)
        return process

    yield start
    for process, log in processes:
        process.terminate()
        try:
            assert process.wait(15) == 0, Path(log.name).read_text("utf-8")
        finally:
            process.kill()
            log.close()


@pytest.fixture
def ming(sim):
    """A member of a group."""
    return sim.platform.group("g").member("Ming")


def replies(chat, count):
    """The next messages of the bot."""
    return [chat.next_reply(15) for _ in range(count)]


def test_pictures(sim, run, ming):
    """From a file, bytes, inside text, drawn, from a URL."""
    run("pictures")
    group = ming.group
    ming.say("cat")
    (cat,) = replies(group, 1)
    assert (cat.file.data, cat.content) == (CAT, "a cat")
    ming.say("two")
    assert [one.file.data for one in replies(group, 2)] == [CAT, CAT]
    ming.say("inside")
    (inside,) = replies(group, 1)
    assert [one.data for one in inside.pictures] == [CAT]
    assert inside.content.startswith("# A cat")
    ming.say("draw")
    (drawn,) = replies(group, 1)
    assert drawn.file.content_type == "image/png"
    assert Pictures.open(io.BytesIO(drawn.file.data)).getcolors(1 << 20) is not None


def test_voice(run, ming, sim):
    """A wav as it is, as SILK, and back to WAV when somebody speaks."""
    run("voice")
    group = ming.group
    ming.say("speak")
    assert replies(group, 1)[0].file.data == HELLO
    ming.say("silk")
    (silk,) = replies(group, 1)
    assert silk.file.data[:10] == b"\x02#!SILK_V3"
    original = sounds.of_wav(HELLO, 16000)
    heard = sounds.of_wav(silk.wav)
    assert abs(len(heard) / 24000 - len(original) / 16000) < 0.1
    ming.send_voice(silk.file.data, transcript="你好")
    assert replies(group, 1)[0].content.startswith("You said '你好': ")


def test_buttons(run, ming):
    """A click on a callback button comes back."""
    run("buttons")
    ming.say("menu")
    (menu,) = replies(ming.group, 1)
    rows = menu.keyboard["content"]["rows"]
    assert [len(row["buttons"]) for row in rows] == [2, 2]
    click = ming.click(menu, "1-1")
    assert replies(ming.group, 1)[0].content == "clicked: sign"
    assert click.wait_acknowledged().acknowledged


def test_plot(run, ming):
    """A figure is a picture."""
    run("plot")
    ming.say("plot")
    (plot,) = replies(ming.group, 1)
    assert plot.content == "here is sin"
    assert plot.file.picture_size[0] > 200


def test_streaming(sim, run):
    """One growing message, after a typing notice."""
    run("streaming")
    user = sim.platform.user("Lan")
    user.say("why?")
    (message,) = replies(user, 1)
    message.wait_finished(20)
    assert message.content.split() == [
        "You",
        "asked:",
        "why?.",
        "I",
        "have",
        "to",
        "think",
        "about",
        "that.",
    ]
    assert sim.platform.stats["typing_accepted"] == 1


def test_the_resource_service(sim, run, ming, tmp_path):
    """The platform fetches the picture from the bot's port, and then it is gone."""
    run("resource_service", PORT=str(free_port()))
    ming.say("cat")
    (cat,) = replies(ming.group, 1)
    assert (cat.file.way, cat.file.data) == ("url", CAT)
    assert "/resource/" in cat.file.url
    assert list((tmp_path / "resource").rglob("*.png")) == []


def test_the_default_options_are_the_seed_s(run, ming):
    """Port 8086 of all addresses."""
    run("resource_service")
    ming.say("cat")
    assert replies(ming.group, 1)[0].file.url.startswith("http://127.0.0.1:8086/resource/")


def test_a_tunnel(run, ming):
    """The platform fetches through the tunnel's address."""
    port = free_port()
    with tunnel_to(port) as address:
        run("tunnel", TUNNEL=address, PORT=str(port))
        ming.say("cat")
        (cat,) = replies(ming.group, 1)
    assert cat.file.url.startswith(f"{address}/resource/")
    assert cat.file.data == CAT


def test_third_party_hosting(run, ming):
    """The builder's URLs reach the platform; the voice arrives as SILK."""
    with serving() as hosting:
        run("third_party", HOSTING=hosting.url)
        ming.say("go")
        picture, spoken = replies(ming.group, 2)
    assert (picture.file.way, picture.file.data) == ("url", CAT)
    assert spoken.file.data[:10] == b"\x02#!SILK_V3"
    assert spoken.file.url.startswith(hosting.url)
    assert len(hosting.pages) == 2


def test_cloud_storage(run, ming):
    """A bucket of an S3 server on this machine."""
    pytest.importorskip("moto")
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        address = f"http://{host}:{port}"
        keys = {"aws_access_key_id": "id", "aws_secret_access_key": "key"}
        store = boto3.client("s3", endpoint_url=address, region_name="us-east-1", **keys)
        store.create_bucket(Bucket="pictures-1250000000")
        run(
            "cloud_storage",
            COS_BUCKET="pictures-1250000000",
            COS_SECRET_ID="id",
            COS_SECRET_KEY="key",
            S3_ENDPOINT_URL=address,
            PICTURE=str(EXAMPLES / "assets" / "cat.png"),
        )
        ming.say("picture")
        (picture,) = replies(ming.group, 1)
        assert (picture.file.way, picture.file.data) == ("url", CAT)
        assert picture.content == "fresh from the bucket"
    finally:
        server.stop()


def test_shards(sim, run, ming):
    """Both processes come on line, and every message is answered once."""
    run("shards", SHARD="0")
    run("shards", SHARD="1")
    group = ming.group
    for number in range(6):
        member = group.member(f"person {number}")
        member.say("hello")
        assert replies(group, 1)[0].content in ("shard 0 of 2", "shard 1 of 2")


def test_dialogue(sim, run, ming):
    """Buttons, a number, a word; and what somebody says in private."""
    run("dialogue")
    group = ming.group
    ming.say("order")
    (dish,) = replies(group, 1)
    ming.click(dish, "1-2")
    for question, said in (
        ("How many?", "many"),
        ("A number from 1 to 9, please.", "三"),
        ("3 x rice?", "好的"),
    ):
        assert replies(group, 1)[0].content == question
        ming.say(said)
    assert replies(group, 1)[0].content == "3 x rice, coming up!"
    user = sim.platform.user("Lan")
    user.say("feedback")
    assert replies(user, 1)[0].content == "I am listening."
    user.say("good")
    assert replies(user, 1)[0].content == "Thank you for 4 letters and 0 pictures."


def test_game(run, ming):
    """Whoever finds the number has won, and is remembered."""
    run("game", QQ_STATE="state")
    group = ming.group
    players = [ming, group.member("Hong")]
    ming.say("scores")
    assert replies(group, 1)[0].content == "Nobody has won yet."
    ming.say("guess")
    assert replies(group, 1)[0].content.startswith("I think of a number")
    low, high, answer, turn = 1, 100, "", 0
    while not answer.endswith("has won 1 time(s)."):
        assert low <= high
        middle = (low + high) // 2
        players[turn % 2].say("hm?")  # no number: not for the game
        players[turn % 2].say(str(middle))
        answer, turn = replies(group, 1)[0].content, turn + 1
        if answer == f"{middle} is too low.":
            low = middle + 1
        elif answer == f"{middle} is too high.":
            high = middle - 1
    winner = players[(turn - 1) % 2]
    assert answer == f"{middle} it is! {winner.name} has won 1 time(s)."
    ming.say("scores")
    assert replies(group, 1)[0].content == f"{winner.name}: 1"


def test_commands(sim, run, ming):
    """Arguments, options, durations, mentions, attachments, help and wrong input."""
    run("commands")
    group = ming.group

    def ask(text, **options):
        ming.say(text, **options)
        return replies(group, 1)[0].content

    assert ask("/weather Beijing --days 3") == "Beijing: sunny for 3 day(s), 25 °C"
    assert ask("/天气 Beijing unit=f") == "Beijing: sunny for 1 day(s), 77 °F"
    assert ask("/remind 1小时30分 drink tea") == "in 1:30:00: drink tea"
    friend = group.member("Li")
    assert ask("/thank for the cake", mentions=[friend]) == "Ming thanks you for the cake"
    assert ask("/size", attachments=[CAT]) == "{} x {}".format(*Pictures.open(io.BytesIO(CAT)).size)
    assert "days" in ask("/weather Beijing --days many")
    assert "/weather <city...> [days=1] [unit=c|f]  Tell the weather" in ask("/help")


def test_plugins(run, ming):
    """The handlers of a folder."""
    run("plugins/bot", QQ_STATE="state")
    for day in (1, 2):
        ming.say("/签到")
        assert replies(ming.group, 1)[0].content == f"day {day}"
    ming.say("/dice 1")
    assert replies(ming.group, 1)[0].content == "1 of 1"


def test_scheduled(sim, run, ming):
    """What was added runs; a message takes it away."""
    process = run("scheduled", MY_GROUP=ming.group.openid)
    ming.say("stop watching")
    assert replies(ming.group, 1)[0].content == "1 task(s) removed"
    assert process.poll() is None


def test_accounts(sim, run, ming):
    """Two bots in one process, with handlers of both and of one."""
    run("accounts", APPID_1="1", SECRET_1="a", APPID_2="2", SECRET_2="b")
    eventually(lambda: len(sim.platform.sessions.live()) == 2)
    ming.say("who")
    assert sorted(one.content for one in replies(ming.group, 2)) == ["I am 1", "I am 2"]
    ming.say("second")
    assert replies(ming.group, 1)[0].content == "only the second one says this"


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.py")), ids=lambda path: path.stem)
def test_examples_are_short(path):
    """One topic, under 40 lines."""
    assert len(path.read_text("utf-8").splitlines()) < 40
