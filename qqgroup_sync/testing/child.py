"""``python -m qqgroup_sync.testing.child BOT.py``: a script that a test in another process holds.

The script runs as ``python BOT.py`` does, except that its clients follow the clock of the test,
which also asks here whether they have anything left to do. Both go over a connection to loopback,
one JSON object per line.
"""

from __future__ import annotations

import json
import os
import runpy
import socket
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from qqgroup_sync.runtime.service import Service
from qqgroup_sync.runtime.stepped_clock import SteppedClock
from qqgroup_sync.testing.harness import Elsewhere, Harness

if TYPE_CHECKING:
    from typing import Any

CONTROL = "QQ_TEST_CONTROL"
"""Environment variable: port of the test, and the word that proves who calls."""


def main() -> None:
    """Run the script that the command line names."""
    port, _, word = os.environ.pop(CONTROL).partition(":")
    state = os.environ.get("QQ_STATE", "none")
    harness = Harness(
        Elsewhere(os.environ["QQ_SIMULATOR"]),
        SteppedClock(),
        state=None if state == "none" else Path(state),
        takes_over=False,
    )
    harness.open()
    line = socket.create_connection(("127.0.0.1", int(port)))
    line.sendall(f"{word}\n".encode())
    Service("qqgroup-test-control", lambda: _serve(line, harness)).start()
    script = sys.argv[1]
    sys.argv = sys.argv[1:]
    sys.path[0] = str(Path(script).parent)
    runpy.run_path(script, run_name="__main__")


def _serve(line: socket.socket, harness: Harness) -> None:
    """Answer the test until it hangs up, and end the process: nobody else would."""
    with suppress(OSError), line, line.makefile("r", encoding="utf-8") as questions:
        for question in questions:
            answer = json.dumps(_answer(json.loads(question), harness))
            line.sendall(f"{answer}\n".encode())
    os._exit(1)


def _answer(question: dict[str, Any], harness: Harness) -> object:
    match question:
        case {"advance": float() | int() as seconds}:
            harness.advance(seconds)
        case {"hurry": bool(on)}:
            harness.hurry(on)
        case {"ask": "stacks"}:
            return harness.stacks()
        case _:
            return harness.look()
    return None


if __name__ == "__main__":
    main()
