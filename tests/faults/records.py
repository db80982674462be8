"""Writes down what the platform sent to a bot and what its chats show, for the referee."""

from __future__ import annotations

import json
import threading
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from qqgroup_sync.simulator import Simulator

_HEARTBEAT, _IDENTIFY, _RESUME, _INVALID_SESSION = 1, 2, 6, 9


class Records:
    """The two files of a run, see ``referee``; one bot per run.

    Args:
        simulator: Who tells.
        folder: Where the files are made.
        answer: Returns the answer that is expected to a text; None when none is.

    Attributes:
        answered: Ids of the messages that have an answer.
        connections: How often the bot came on line, READY or RESUMED.
        changed: Notified when one of these changes.
    """

    def __init__(
        self, simulator: Simulator, folder: Path, answer: Callable[[str], str | None]
    ) -> None:
        self.sent_path, self.shown_path = folder / "sent.jsonl", folder / "shown.jsonl"
        self._simulator = simulator
        self._answer = answer
        self._lock = threading.Lock()
        self._sent = self.sent_path.open("a", encoding="utf-8")
        self._shown = self.shown_path.open("a", encoding="utf-8")
        self._session = ""
        self._asked = ""  # the session of the last Resume
        self.answered: set[str] = set()
        self.changed = threading.Condition()
        self.connections = 0
        self._unsubscribe = simulator.platform.subscribe(self._observe)

    def close(self) -> None:
        """Write nothing any more."""
        self._unsubscribe()
        self.flush()
        with self._lock:
            self._sent.close()
            self._shown.close()

    def flush(self) -> None:
        """Let everything be read that was written."""
        with self._lock:
            self._sent.flush()
            self._shown.flush()

    def note(self, what: str, **fields: Any) -> None:
        """Write down something that the platform, or the bench, is about to do."""
        if what == "closed":
            fields["session"] = self._session
        self._write(self._sent, what, fields)

    def _write(self, file: Any, what: str, fields: dict[str, Any]) -> None:
        at = self._simulator.clock.now()
        with self._lock:
            if not file.closed:
                file.write(json.dumps({"what": what, "at": at, **fields}) + "\n")

    # ------------------------------------------------------------------ what happens

    def _observe(self, kind: str, record: Any) -> None:
        if kind == "message":
            if record.from_bot:
                self._note_shown(record)
            else:
                self._note_said(record)
        elif kind == "frame":
            (self._note_out if record.direction == "out" else self._note_in)(record)
        elif kind == "api" and record.status >= 400 and record.path.endswith("/messages"):
            body, answer = record.request, record.response
            if isinstance(body, dict) and body.get("msg_id") and isinstance(answer, dict):
                fields = {"id": body["msg_id"], "code": answer.get("err_code")}
                self._write(self._shown, "refused", fields)

    def _note_said(self, message: Any) -> None:
        rules = self._simulator.platform.rules
        window = rules.group_window if hasattr(message.chat, "members") else rules.c2c_window
        answer = self._answer(message.text)
        fields = {
            "id": message.id,
            "text": message.text,
            "answer": answer,
            "person": message.sender.openid,
            "chat": message.chat.openid,
            "until": message.timestamp + window,
        }
        self._write(self._sent, "said", fields)

    def _note_shown(self, message: Any) -> None:
        fields = {"id": message.reply_to, "text": message.text, "chat": message.chat.openid}
        self._write(self._shown, "shown", fields)
        with self.changed:
            self.answered.add(message.reply_to)
            self.changed.notify_all()

    def _note_out(self, frame: Any) -> None:
        try:
            sent = json.loads(frame.text)
            op, name, d = sent["op"], sent.get("t"), sent.get("d")
        except (ValueError, TypeError, KeyError, RecursionError, AttributeError):
            return  # nonsense that was sent on purpose
        if op == _INVALID_SESSION and d is False:
            self._write(self._sent, "refused", {"session": self._asked or self._session})
        elif op == 0 and name in ("READY", "RESUMED"):
            what = name.lower()
            if what == "ready":
                self._session = d["session_id"]
            self._write(self._sent, what, {"session": self._session})
            with self.changed:
                self.connections += 1
                self.changed.notify_all()
        elif op == 0 and isinstance(d, dict) and isinstance(d.get("id"), str):
            fields = {"id": d["id"], "session": frame.session_id or self._session, "s": sent["s"]}
            self._write(self._sent, "frame", fields)

    def _note_in(self, frame: Any) -> None:
        sent = json.loads(frame.text)
        if sent.get("op") == _RESUME:
            self._asked = sent["d"]["session_id"]
            self._write(self._sent, "resume", {"session": self._asked, "seq": sent["d"].get("seq")})
        elif sent.get("op") == _IDENTIFY:
            self._asked = ""
        elif sent.get("op") == _HEARTBEAT and frame.session_id:
            self._write(self._sent, "beat", {"session": frame.session_id})
