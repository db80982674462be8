"""Attempts to read a secret."""

from __future__ import annotations

import base64
import http.server
import json
import logging
import socketserver
import threading
import traceback
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest

from qqgroup_sync import Client, QQGroupError
from tests.waiting import eventually

SECRET = 'AbC/dEf+ghi=0123456789%xyz"q'  # as every way of quoting changes it
PASSWORD = "p@ss-W0rd/of:the proxy"


def forms_of(secret):
    """Return a secret as it may be written in an address, JSON, or a header."""
    quoted = json.dumps(secret)[1:-1]
    return {
        *(secret, quoted, quoted.replace("/", "\\/"), repr(secret)[1:-1]),
        *(quote(secret), quote(secret, safe=""), quote_plus(secret)),
        *(base64.b64encode(one.encode()).decode() for one in (secret, f"user:{secret}")),
    }


class Echo(http.server.BaseHTTPRequestHandler):
    """A proxy or an edge that says back, as text and as JSON, everything that it was told."""

    protocol_version = "HTTP/1.1"

    def answer(self):
        """Refuse, with the request in the reason, the headers and the body of the answer."""
        length = int(self.headers.get("content-length") or 0)
        body = self.rfile.read(length).decode()
        told = self.headers.get("proxy-authorization") or self.headers.get("authorization") or ""
        if told.startswith("Basic "):
            told += " " + base64.b64decode(told.split()[1]).decode()
        text = f"{self.command} {self.path} {self.headers} {told} {body} {body!r}"
        self.server.told.append(text)
        said = json.dumps({"code": 40, "err_code": 40, "message": text}).encode()
        self.send_response(407 if self.command == "CONNECT" else 400, f"no {told}")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    do_GET = do_POST = do_CONNECT = answer  # noqa: N815 - names of http.server

    def log_message(self, *_):
        """Be quiet."""


@pytest.fixture
def echo():
    """A server that gives everything away."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Echo) as server:
        server.daemon_threads, server.told = True, []
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def everything_told(client, caplog):
    """Let a client fail to send and to start; return all that it shows of that."""
    shown = []
    try:
        with caplog.at_level(logging.DEBUG):
            with pytest.raises(QQGroupError) as caught:
                client.send_group("G", "x")
            error = caught.value
            while error is not None:
                shown += [repr(error), str(error), repr(vars(error))]
                error = error.__cause__ or error.__context__
            shown += traceback.format_exception(caught.value)
            client.start()
            eventually(lambda: client.status.why)
            shown += [repr(client.status), str(client.status), client._repr_html_()]
    finally:
        client.stop()
    return "\n".join([*shown, caplog.text])


def found(secret, told):
    """Return in which forms a secret stands in a text."""
    return [form for form in forms_of(secret) if form in told]


@pytest.mark.expected_errors
def test_an_edge_that_says_back_what_it_was_told(echo, caplog):
    """The AppSecret, in whatever way the answer writes it."""
    url = f"http://127.0.0.1:{echo.server_address[1]}"
    client = Client("1", SECRET, api_base=url, token_url=f"{url}/token", state=None, media="upload")
    told = everything_told(client, caplog)
    assert found(SECRET, "\n".join(echo.told))
    assert not found(SECRET, told)


@pytest.mark.expected_errors
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_says_back_what_it_was_told(echo, caplog, monkeypatch, scheme):
    """Its password, in the reason of its refusal."""
    proxy = f"http://user:{quote(PASSWORD, safe='')}@127.0.0.1:{echo.server_address[1]}"
    monkeypatch.setenv("http_proxy", proxy)
    monkeypatch.setenv("https_proxy", proxy)
    url = f"{scheme}://api.example.invalid"
    client = Client("1", SECRET, api_base=url, token_url=f"{url}/token", state=None, media="upload")
    told = everything_told(client, caplog)
    assert found(PASSWORD, "\n".join(echo.told))
    assert not found(PASSWORD, told)
    assert not found(SECRET, told)


BOT = """
import logging
logging.basicConfig(level=1)
client = Client()
@client.on_message
def answer(message):
    client.storage["last"] = message.text
    message.session["last"] = message.text
    for attachment in message.attachments:
        attachment.save("kept")
    if message.text == "crash":
        raise RuntimeError(client.settings)
    if message.text == "kill":
        die_once("mark")
    return "done"
client.run()
"""


def test_nothing_that_is_left_on_disk_or_in_the_process_list_tells_it(sim, run, group, tmp_path):
    """State, log at its most talkative, attachments, a killed process's leavings, arguments."""
    from tests.media.samples import noisy_picture

    tokens = []
    issue = sim.platform._tokens.issue

    def noted(*arguments):
        issued = issue(*arguments)
        tokens.append(issued[0].text)
        return issued

    sim.platform._tokens.issue = noted
    bot = run(BOT, QQ_CLIENT_SECRET=SECRET, QQ_APPID="1")
    ming = group.member("Ming")
    ming.say("picture", attachments=[noisy_picture((30, 30))])
    assert group.next_reply(10).text == "done"
    ming.say("crash")
    assert SECRET.encode() not in Path(f"/proc/{bot.pid}/cmdline").read_bytes()
    ming.say("kill")
    bot.wait(10)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sqlite" for path in files)
    assert tokens
    secrets = {*forms_of(SECRET), *tokens}
    leaks = [
        (path.name, secret)
        for path in files
        for secret in secrets
        if secret.encode() in path.read_bytes()
    ]
    assert leaks == []
