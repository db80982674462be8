"""Whatever a bot does with its logs at their most talkative, no secret of it is in them."""

from __future__ import annotations

import logging
import threading
import traceback

import pytest
import websocket

from qqgroup_sync import Chain
from tests.media.samples import noisy_picture
from tests.waiting import eventually

SECRET = "ApHex-Secret_0123456789"


@pytest.fixture
def tokens(sim, monkeypatch):
    """Return every access token that the platform hands out."""
    seen = []
    issue = sim.platform._tokens.issue

    def noted(*arguments):
        found = issue(*arguments)
        seen.append(found[0].text)
        return found

    monkeypatch.setattr(sim.platform._tokens, "issue", noted)
    return seen


@pytest.mark.expected_errors
def test_nothing_secret_is_logged(sim, make_client, tokens, caplog, monkeypatch):
    """Not by us, nor by the libraries: a whole conversation, with a failure, at level DEBUG."""
    for name in ("urllib3.connectionpool", "websocket"):
        logging.getLogger(name).filters.clear()
    monkeypatch.setattr(logging.getLogger("websocket"), "level", logging.DEBUG)
    websocket.enableTrace(True, handler=logging.NullHandler())
    try:
        with caplog.at_level(logging.DEBUG):
            links = talk(sim, make_client, caplog)
    finally:
        websocket.enableTrace(False)
    told = caplog.text
    assert tokens
    assert len(links) == 2
    secrets = [SECRET, *tokens, *(one.partition("?")[2] for one in links)]
    assert [one for one in secrets if one in told] == []
    for expected in ("++Sent decoded", "connectionpool", "RuntimeError", "auth_token=***"):
        assert expected in told


def talk(sim, make_client, caplog):
    """Let a bot answer, download, upload, fail and end; return the links that were secret."""
    client = make_client(client_secret=SECRET, media="upload", state=None)
    links, done = [], threading.Event()

    @client.on_group_message
    def answer(message):
        for attachment in message.attachments:
            links.append(attachment.url)
            attachment.read()
        if links[1:]:
            done.set()
            raise RuntimeError(f"no luck with {links[0]}; auth_token={SECRET}") from OSError(SECRET)
        return Chain().text("look").image(noisy_picture((1400, 1400)))

    client.start()
    assert client.wait_ready(10)
    member = sim.platform.group("g").member("Ming")
    for _ in range(2):
        member.say("a picture", attachments=[noisy_picture((30, 30))])
    assert done.wait(10)
    eventually(lambda: [one for one in caplog.records if one.exc_info])
    client.stop()
    return links


def test_a_client_shows_no_secret(make_client):
    """Nor do its settings, in any way that a debugger or a notebook would show them."""
    client = make_client(client_secret=SECRET)
    settings = client.settings
    shown = [repr(client), str(client), repr(settings), repr(vars(client)), f"{client.status}"]
    try:
        raise KeyError(settings.client_secret)
    except KeyError as error:
        told = traceback.TracebackException.from_exception(error, capture_locals=True)
        shown += [repr(value) for value in (told.stack[0].locals or {}).values()]
        shown.append(repr(error))
    html = getattr(client, "_repr_html_", str)()
    assert [one for one in (*shown, html) if SECRET in one] == []
    assert settings.client_secret == SECRET
