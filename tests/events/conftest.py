"""The sample frames of the protocol sheet, and a client that remembers what it was asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from qqgroup_sync.events.parse import parse

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.events.models import Event

NOW = 1784599200.5
SAMPLES: dict[str, dict[str, Any]] = json.loads(
    Path(__file__).with_name("samples.json").read_text(encoding="utf-8")
)


class FakeActions:
    """Notes every call; answers with something recognisable."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def reply(self, event, content, *, quote, timeout):
        self.calls.append(("reply", event, content, quote, timeout))
        return "sent"

    def replies_left(self, event):
        return 3

    def expires_at(self, event):
        return 99.0

    def acknowledge(self, event, code):
        self.calls.append(("acknowledge", event, code))

    def recall(self, event):
        self.calls.append(("recall", event))

    def read_attachment(self, attachment, *, limit, timeout, progress):
        self.calls.append(("read", attachment, limit, timeout, progress))
        return b"bytes"

    def save_attachment(self, attachment, path, *, limit, timeout, progress):
        self.calls.append(("save", attachment, path, limit, timeout, progress))
        return path


@pytest.fixture
def actions() -> FakeActions:
    """Return a client that notes what it is asked."""
    return FakeActions()


@pytest.fixture
def receive() -> Callable[..., Event]:
    """Parse a sample by name, with fields of its payload changed."""

    def receive(sample: str, changes: dict[str, Any] | None = None, **options: Any) -> Event:
        frame = SAMPLES[sample]
        data = frame["d"] if changes is None else {**frame["d"], **changes}
        return parse(frame["t"], data, event_id=frame["id"], now=NOW, **options)

    return receive
