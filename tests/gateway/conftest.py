"""Gateways that tests play themselves."""

from __future__ import annotations

import socket

import pytest

from tests.gateway.scripted import ScriptedGateway


@pytest.fixture
def gateway():
    """Return a gateway that follows the test's script."""
    gateway = ScriptedGateway()
    yield gateway
    gateway.stop()


@pytest.fixture
def mute():
    """Return a listening socket that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


@pytest.fixture
def dead_url():
    """Return the address of a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"ws://127.0.0.1:{port}"
