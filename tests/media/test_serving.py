"""QQGroupChainBuilder: shared by clients, found by QQ, gone with the last client."""

from __future__ import annotations

import logging
import socket
import threading

import pytest
import requests

from qqgroup_sync.errors import ConfigError, HostingError, StateError
from qqgroup_sync.media.builder import Surroundings
from qqgroup_sync.media.serving import QQGroupChainBuilder
from qqgroup_sync.media.sources import load
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.settings import QQGroupChainBuilderOptions
from tests.media.samples import picture, silk
from tests.waiting import eventually
from tests.web import free_port, serving, tunnel_to


@pytest.fixture
def make(tmp_path):
    """Return a function that makes builders with a client each; detached at the end."""
    made = []

    def build(kind=QQGroupChainBuilder, port=0, *, folder="resource", required=True, **options):
        told = []
        builder = kind(
            QQGroupChainBuilderOptions("127.0.0.1", port, str(tmp_path / folder)), **options
        )
        user = object()
        surroundings = Surroundings(
            Clock(), local=True, required=required, report=told.append, language="en"
        )
        builder.attach(user, surroundings)
        made.append((builder, user))
        builder.told, builder.user = told, user
        return builder

    yield build
    for builder, user in made:
        assert builder.detach(user, Deadline(Clock(), 5.0)) == []


def published(builder, content=None, kind="image"):
    """Hand something over; return its URL."""
    return builder.hand_over(load(content or picture(), kind)).url


def test_what_is_published_can_be_fetched_until_it_was_taken(make):
    """With its type; afterwards it is gone."""
    builder = make()
    url = published(builder)
    answer = requests.get(url, timeout=5)
    assert (answer.content, answer.headers["Content-Type"]) == (picture(), "image/png")
    assert url.startswith(f"http://127.0.0.1:{builder.port}/resource/")
    voice = requests.get(published(builder, silk(0.2), "voice"), timeout=5)
    assert (voice.content, voice.headers["Content-Type"]) == (silk(0.2), "audio/silk")
    builder.uploaded(url)
    assert requests.get(url, timeout=5).status_code == 404


def test_the_service_listens_when_the_client_starts(make):
    """Before anything is published; its port is told."""
    builder = make()
    assert builder.port == 0
    builder.open(builder.user)
    assert builder.port > 0
    assert builder.told == [f"listening on port {builder.port}"]


def test_two_clients_share_one_builder(make):
    """It goes on until the second one is done."""
    builder = make()
    second = object()
    builder.attach(second, Surroundings(Clock(), local=True))
    url = published(builder)
    builder.detach(second, Deadline(Clock(), 5.0))
    assert requests.get(url, timeout=5).status_code == 200
    builder.detach(builder.user, Deadline(Clock(), 5.0))
    with pytest.raises(requests.ConnectionError):
        requests.get(url, timeout=5)


def test_two_builders_share_a_port_and_not_with_other_options(make):
    """The service is one per port in a process."""
    first = make(port=free_port())
    published(first)
    second = make(port=first.options.port)
    assert second.port == 0
    url = published(second)
    assert f":{first.port}/" in url
    third = make(port=first.options.port, folder="elsewhere", required=False)
    with pytest.raises(ConfigError, match=str(first.options.port)):
        third.open(third.user)


def test_a_public_url_is_used_as_it_is(make):
    """The fixed route is added unless it stands there."""
    for given in ("http://t.example:40229", "http://t.example:40229/resource/"):
        builder = make(public_url=given)
        assert builder.domain == "http://t.example:40229/resource"
    with pytest.raises(ConfigError, match="no address"):
        make(public_url="t.example")


def test_an_overridden_domain_leads_through_the_tunnel(make, caplog):
    """And the look through it says that all is well."""

    class Tunnel(QQGroupChainBuilder):
        address = ""

        @property
        def domain(self):
            return self.address + "/resource"

    builder = make(Tunnel)
    builder.open(builder.user)
    with caplog.at_level(logging.INFO, "qqgroup_sync"), tunnel_to(builder.port) as address:
        Tunnel.address = address
        url = published(builder)
        assert url.startswith(address)
        assert requests.get(url, timeout=5).content == picture()
        eventually(lambda: len(builder.told) == 2)
        assert address in builder.told[-1]
        assert [
            one.levelname for one in caplog.records if "resource service at" in one.message
        ] == ["INFO"]
        builder.detach(builder.user, Deadline(Clock(), 5.0))  # before the tunnel ends


def test_a_domain_that_leads_elsewhere_is_diagnosed(make, caplog):
    """Publishing goes on; the log and the status say what is wrong."""
    with serving() as other:
        builder = make(public_url=other.url)
        with caplog.at_level(logging.WARNING, "qqgroup_sync"):
            assert published(builder).startswith(other.url)
            eventually(lambda: len(builder.told) >= 1)
    assert "resource service at" in caplog.text
    assert len(other.asked) == 1


def test_a_port_that_is_taken(make, caplog):
    """An error where the service is needed, one INFO line where it is not."""
    blocker = make()
    published(blocker)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        needed = make(port=port)
        with pytest.raises(HostingError) as caught:
            needed.open(needed.user)
        assert str(port) in str(caught.value)
        assert caught.value.remedy
        optional = make(port=port, required=False)
        with caplog.at_level(logging.INFO, "qqgroup_sync"):
            optional.open(optional.user)
        assert "uploaded directly" in caplog.text
        assert optional.told[0].startswith("off: ")


def test_without_a_client_nothing_is_published():
    """A builder that nobody runs opens no port."""
    with pytest.raises(StateError, match="no running client"):
        published(QQGroupChainBuilder(QQGroupChainBuilderOptions("127.0.0.1", 0)))


def test_many_threads_publish_at_once(make):
    """One service, every file served."""
    builder = make()
    urls, barrier = [], threading.Barrier(8)

    def publish():
        barrier.wait()
        urls.append(published(builder))

    threads = [threading.Thread(target=publish) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(10)
    assert len({url.split("/resource/")[0] for url in urls}) == 1
    assert all(requests.get(url, timeout=5).content == picture() for url in urls)


def test_a_subclass_may_change_one_kind(make):
    """What it returns is what is sent; the rest is served."""

    class Half(QQGroupChainBuilder):
        def get_image(self, image):
            return "https://x.cn/own.png"

    builder = make(Half)
    assert published(builder) == "https://x.cn/own.png"
    assert "/resource/" in published(builder, silk(0.2), "voice")
