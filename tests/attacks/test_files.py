"""Attempts to fetch a file that was not published."""

from __future__ import annotations

import http.client
import itertools
from urllib.parse import urlsplit

import pytest
import requests

from qqgroup_sync.simulator import Simulator
from qqgroup_sync.simulator.chat_page import chat_page
from tests.attacks.conftest import said

WANTED = "TOP-SECRET-CONTENT"


@pytest.fixture
def secret(tmp_path):
    """A file that nobody published."""
    path = tmp_path / "secret.txt"
    path.write_text(WANTED)
    return path


def ask(url, target, method="GET"):
    """Send a request with a target as it is; return status and content."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=10)
    try:
        connection.putrequest(method, target)
        connection.endheaders()
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


BASES = (
    "",
    "/",
    "/simulator",
    "/simulator/page",
    "/simulator/media",
    "/cos",
    "/download?key=",
    "/x",
)
WAYS = (
    "/../../../../../../../..{path}",
    "/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e{path}",
    "/..%2f..%2f..%2f..%2f..%2f..{quoted}",
    "/%252e%252e/%252e%252e/%252e%252e/%252e%252e{path}",
    "/....//....//....//....//....{path}",
    "{path}",
    "{quoted}",
    "//{path}",
    "/x%00/../../../../../..{path}",
    "/..\\..\\..\\..\\..\\..{path}",
    "file://{path}",
)


def test_no_path_leads_out_of_the_simulator(secret):
    """With its chat page, by every spelling of a way up: 404 or a refusal, never a 500."""
    quoted = str(secret).replace("/", "%2f")
    with Simulator(blueprints=[chat_page()]) as sim:
        assert ask(sim.url, "/")[0] == 200
        for base, way in itertools.product(BASES, WAYS):
            target = base + way.format(path=secret, quoted=quoted)
            target = target if target.startswith("/") else f"/{target}"
            status, content = ask(sim.url, target)
            assert WANTED.encode() not in content, target
            assert status < 500, target


@pytest.mark.parametrize(
    "url",
    ["file://{path}", "FILE://{path}", "file://localhost{path}", "{path}", "ftp://127.0.0.1{path}"],
)
def test_the_platform_fetches_nothing_from_this_disk(sim, group, secret, url):
    """A bot that passes on what somebody wrote as a picture's address."""
    token = requests.post(
        f"{sim.url}/app/getAppAccessToken", json={"appId": "1", "clientSecret": "x" * 20}, timeout=5
    ).json()["access_token"]
    answer = requests.post(
        f"{sim.url}/v2/groups/{group.openid}/files",
        json={"file_type": 1, "url": url.format(path=secret), "srv_send_msg": False},
        headers={"Authorization": f"QQBot {token}"},
        timeout=5,
    )
    assert answer.status_code == 400
    assert WANTED not in answer.text


def test_a_text_that_is_sent_back_sends_no_file(make_client, group, secret):
    """However somebody writes a path, a handler that returns what it heard says just that."""
    client = make_client()

    @client.on_message
    def answer(message):
        return message.text

    client.start()
    assert client.wait_ready(10)
    written = [
        str(secret),
        f"file://{secret}",
        f"![x]({secret})",
        f"![x](file://{secret})",
        f"[CQ:image,file=file://{secret}]",
        f"<img src='{secret}'>",
        f"<qqbot-cmd-input text='{secret}'/>",
    ]
    for number, text in enumerate(written):
        group.member(f"p{number}").say(text)
        reply = group.next_reply(10)
        assert not reply.files
        assert not reply.images
        assert WANTED not in reply.content
    assert len(said(group)) == len(written)
