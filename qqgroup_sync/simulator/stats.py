"""Counters of what happened, safe from any thread."""

from __future__ import annotations

import threading
from collections import Counter


class Stats:
    """Named counters that start at 0.

    Counted are: ``messages_said``, ``events_sent`` (frames queued on sessions, live or away),
    ``events_dropped`` (no session wanted them), ``events_replayed``, ``replies_accepted``,
    ``proactive_accepted``, ``typing_accepted``, ``duplicates_refused``, ``sends_refused``,
    ``recalls``, ``acks``, ``acks_late``, ``second_acks``, ``tokens_issued``, ``api_calls``,
    ``identifies``, ``identifies_too_fast``, ``resumes``, ``resumes_refused``, ``heartbeats``,
    ``slow_connections``, ``messages_swallowed``; ``uploads_url``, ``uploads_file_data``,
    ``uploads_chunked``, ``uploads_instant``, ``upload_bytes``, ``uploads_refused``,
    ``parts_stored``, ``pictures_fetched``, ``pictures_dropped``; ``streams``,
    ``streams_rolled_back``, ``stream_frames``, ``stream_frames_refused``; ``webhooks_accepted``,
    ``webhooks_tried_again``, ``webhooks_given_up``; and ``refused_CODE`` by error code.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, name: str, count: int = 1) -> None:
        """Count something."""
        with self._lock:
            self._counts[name] += count

    def __getitem__(self, name: str) -> int:
        with self._lock:
            return self._counts[name]

    def snapshot(self) -> dict[str, int]:
        """Return all counters that are not 0."""
        with self._lock:
            return dict(self._counts)

    def __repr__(self) -> str:
        return f"Stats({self.snapshot()})"
