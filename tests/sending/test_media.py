"""Media: what it fetches for a message, and that it begins nothing after its end."""

from __future__ import annotations

import pytest

from qqgroup_sync import Chain, ChainBuilder, Client
from qqgroup_sync.errors import MediaError, StateError
from qqgroup_sync.message.payloads import build
from qqgroup_sync.runtime.clock import Clock, Deadline
from tests.api.scripted_server import ScriptedServer, answer
from tests.media.samples import picture


@pytest.fixture
def media():
    """Return a function that gives the media of a client for the real platform."""
    made = []

    def make(**options):
        client = Client("1", "a-secret-of-nobody", state=None, language="en", **options)
        made.append(client._way_out)
        return made[-1].media

    yield make
    for one in made:
        assert one.close(Deadline(Clock(), 10)) == []


class FakeRenderer:
    """Stands for the browser: asks for one address, and returns what it got as the picture."""

    def __init__(self, _clock, *, fetch, language):
        self._fetch = fetch

    def render(self, page, *, on_page_rendered):
        return self._fetch(page.html.split('src="')[1].split('"')[0], 1000, 5.0)

    def close(self, deadline):
        return []


def test_pictures_in_markdown_come_by_the_rules_for_links(media, monkeypatch):
    """What somebody wrote in a chat opens this network to nobody."""
    monkeypatch.setattr("qqgroup_sync.message.browser.Renderer", FakeRenderer)
    with ScriptedServer(answer(200, picture())) as server:
        chain = Chain().markdown_image(f"![x]({server.url}/camera)")
        with pytest.raises(MediaError, match="private network"):
            media().drawn(chain)
        assert server.connections == 0
        (drawn,) = media(private_urls=True).drawn(chain)
    assert drawn.source.read() == picture()


def test_after_the_end_nothing_begins(media, monkeypatch):
    """A message that is filled in while its client stops would leave port and thread for good."""
    monkeypatch.setattr("qqgroup_sync.message.browser.Renderer", None)

    class Noting(ChainBuilder):
        users = 0

        def attach(self, user, surroundings):
            self.users += 1

    builder, ended = Noting(), media()
    payloads = build(Chain(chain_builder=builder).image(picture()), scene="group")
    assert ended.close(Deadline(Clock(), 10)) == []
    with pytest.raises(StateError, match="stopped"):
        ended.fill(payloads, "group", "G")
    with pytest.raises(StateError, match="stopped"):
        ended.drawn(Chain().markdown_image("x"))
    assert builder.users == 0  # nobody would detach it
