"""The image library: prepare, put, complete, use in markdown, list, delete."""

import hashlib

import pytest
import requests

from .samples import png
from .test_openapi import error

PNG = png()


def prepare(bot, data=PNG, **changes):
    """Ask for an address to put a picture to."""
    body = {
        "file_name": "a.png",
        "file_size": len(data),
        "content_type": "image/png",
        "md5": hashlib.md5(data).hexdigest(),
        "sha1": hashlib.sha1(data).hexdigest(),
    }
    return bot.post("/v2/media-images/prepare", body | changes)


def put(address, data=PNG, kind="image/png"):
    """Put bytes to a presigned address."""
    return requests.put(address, data, headers={"Content-Type": kind}, timeout=5)


def upload(bot, data=PNG):
    """Return the answer of a whole upload."""
    begun = prepare(bot, data).json()
    assert put(begun["presigned_url"], data).status_code == 200
    body = {"upload_id": begun["upload_id"], "md5": hashlib.md5(data).hexdigest()}
    return bot.post("/v2/media-images/complete", body).json()


def test_a_picture_of_the_library_is_shown_in_markdown(sim, bot):
    """Without being fetched from anywhere."""
    image = upload(bot)
    assert image["url"].startswith("qqbot-media://image/v1/")
    assert image["ttl"] == 7_776_000
    assert requests.get(image["preview_url"], timeout=5).content == PNG
    group = sim.platform.group("g")
    markdown = {"content": f"look ![x #10px #10px]({image['url']})"}
    assert bot.post(f"/v2/groups/{group.openid}/messages", {"msg_type": 2, "markdown": markdown}).ok
    (picture,) = group.next_reply().pictures
    assert picture.data == PNG


def test_its_life_begins_anew_with_every_use(sim, bot):
    """90 days, sliding."""
    image = upload(bot)
    group = sim.platform.group("g")
    body = {"msg_type": 2, "markdown": {"content": f"![x]({image['url']})"}}
    path = f"/v2/groups/{group.openid}/messages"
    for shown in (1, 1, 0):
        sim.clock.advance(50 * 86_400 if shown else 91 * 86_400)
        bot.ask_token()
        assert bot.post(path, body).ok
        assert len(group.next_reply().pictures) == shown


def test_pages_and_deleting(bot):
    """The list counts them; a second deletion is 40035008."""
    images = [upload(bot) for _ in range(3)]
    found = bot.get("/v2/media-images").json()
    assert [one["image_id"] for one in found["images"]] == [one["image_id"] for one in images]
    assert (found["total"], found["next_cursor"]) == (3, "")
    path = f"/v2/media-images/{images[0]['image_id']}/delete"
    assert bot.call("DELETE", path).json() == {}
    assert error(bot.call("DELETE", path)) == (400, 40035008, 40035008)
    assert bot.get("/v2/media-images").json()["total"] == 2
    for cursor in ("x", "²", "1" * 5000):
        assert error(bot.get(f"/v2/media-images?cursor={cursor}")) == (400, 10003, 10003)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"content_type": "image/bmp"}, 850019),
        ({"content_type": ["image/png"]}, 850019),
        ({"content_type": {}}, 850019),
        ({"file_size": 10 * 1024 * 1024 + 1}, 850031),
        ({"file_size": "12"}, 850012),
        ({"md5": ""}, 850012),
        ({"file_name": None}, 850012),
    ],
)
def test_what_cannot_be_prepared(bot, changes, code):
    """By format, size and missing fields."""
    assert error(prepare(bot, **changes))[2] == code


def test_the_put_must_be_what_was_announced(bot):
    """Type, size, hashes and content."""
    begun = prepare(bot).json()
    address, upload_id = begun["presigned_url"], begun["upload_id"]
    complete = "/v2/media-images/complete"
    assert error(bot.post(complete, {"upload_id": upload_id}))[2] == 40093001
    assert put(address, kind="image/jpeg").status_code == 403
    assert put(address, PNG + b"more").status_code == 400
    assert put(address, PNG[:-1]).status_code == 200
    assert error(bot.post(complete, {"upload_id": upload_id}))[2] == 850012
    assert error(bot.post(complete, {"upload_id": "unknown"}))[2] == 40035008
    text = b"no picture"
    begun = prepare(bot, text).json()
    assert put(begun["presigned_url"], text).status_code == 200
    assert error(bot.post(complete, {"upload_id": begun["upload_id"]}))[2] == 850019


def test_it_holds_a_hundred(sim, bot):
    """Then 40035007."""
    for _ in range(100):
        upload(bot)
    assert error(prepare(bot))[2] == 40035007
