"""A listener ends as soon as it is told to, whether anybody waits for that or not."""

import contextlib
import socket
import threading

import pytest

from qqgroup_sync.simulator.listener import Listener
from tests.waiting import eventually


@pytest.fixture
def listener():
    """One whose connections last until their end."""
    made = Listener("simulator-test", lambda connection: connection.recv(1))
    yield made
    made.close()
    made.hang_up()
    assert made.join(5)


def threads():
    """The threads of the listener."""
    return [one for one in threading.enumerate() if one.name.startswith("simulator-test")]


def test_close_needs_no_join(listener):
    """The accepting thread ends by itself, and frees the port."""
    port = listener.start("127.0.0.1", 0)
    listener.close()
    eventually(lambda: threads() == [])
    assert listener.start("127.0.0.1", port) == port


def test_connections_live_until_they_are_hung_up(listener):
    """Closing the door leaves those inside alone; joining tells whether they have gone."""
    port = listener.start("127.0.0.1", 0)
    with contextlib.ExitStack() as stack:
        inside = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5))
        eventually(lambda: len(threads()) == 2)
        listener.close()
        assert not listener.join(0.05)
        with pytest.raises(OSError):
            stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=5)).recv(1)
        listener.hang_up()
        assert inside.recv(1) == b""
        assert listener.join(5)
        assert threads() == []
