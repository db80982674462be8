"""Web servers that tests play themselves, and the transport that reaches them."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from qqgroup_sync.api.transport import Transport
from tests.api.serving import Server

CERTIFICATE = Path(__file__).parents[1] / "localhost.pem"


@pytest.fixture
def server():
    """Return a web server that follows the test's script."""
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def second_server():
    """Return another one."""
    server = Server()
    yield server
    server.stop()


@pytest.fixture
def tls_server():
    """Return a web server with a certificate that only the tests trust."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    server = Server(context)
    yield server
    server.stop()


@pytest.fixture
def dead_url():
    """Return the address of a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def transport():
    """Return a transport with short patience nowhere; time-outs are given per call."""
    transport = Transport(language="en")
    yield transport
    transport.close()
