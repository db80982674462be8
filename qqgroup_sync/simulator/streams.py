"""Streamed messages (2.11): their frames, their order, and what becomes of unfinished ones.

A stream without a frame for too long falls back to its first one. Nothing wakes up for that: it
happens when somebody looks, which nobody can tell from the other.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.simulator import content
from qqgroup_sync.simulator.posting import Post, check_standing, decode, describe
from qqgroup_sync.simulator.refusals import RefusalError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import Bot, ChatMessage
    from qqgroup_sync.simulator.rules import Rules
    from qqgroup_sync.simulator.users import User

GENERATING, FINISHED = 1, 10
_OPEN = 1000  # streams remembered
State = Literal["generating", "finished", "rolled back"]


@dataclass(slots=True, eq=False)
class Stream:
    """How far a streamed message is.

    Attributes:
        state: "generating", "finished", or "rolled back" to its first frame.
        frames: How many frames were accepted.
        first: The text of the first one.
        text: The text of all of them.
        index: The index of the last one.
    """

    appid: str
    message: ChatMessage
    sequence: Any
    markdown: bool
    first: str
    text: str
    heard_at: float
    state: State = "generating"
    frames: int = 1
    index: int = 0
    seen: int = 0

    def __repr__(self) -> str:
        return f"<Stream {self.state}, {self.frames} frames>"


class Streams:
    """The rules of ``stream_messages``; every method is safe from any thread.

    Args:
        platform: Where the chats are.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._known: OrderedDict[str, Stream] = OrderedDict()
        self._generating: set[str] = set()

    def frame(self, bot: Bot, openid: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Carry out POST /v2/users/{openid}/stream_messages.

        Returns:
            The answer: ``id``, ``timestamp``, ``ext_info.ref_idx`` and ``remain_msg_len``.

        Raises:
            RefusalError: With the platform's code.
        """
        platform = self._platform
        with platform.changing():
            self.sweep()
            try:
                user = platform.user_of(openid)
                frame = _Frame.read(payload)
                if frame.stream_id is None:
                    stream = self._begin(bot, user, frame, payload)
                else:
                    stream = self._go_on(bot, user, frame, payload)
            except RefusalError:
                platform.stats.add("stream_frames_refused")
                raise
            platform.stats.add("stream_frames")
            user.changed()
        message = stream.message
        left = platform.rules.max_stream - len(stream.text)
        return {**describe(message, platform.rules), "remain_msg_len": left}

    def sweep(self) -> None:
        """Let streams that went silent fall back; the platform's lock must be held."""
        if not self._generating:
            return
        before = self._platform.clock.now() - self._platform.rules.stream_timeout
        for message_id in list(self._generating):
            stream = self._known[message_id]
            if stream.heard_at >= before:
                continue
            self._generating.discard(message_id)
            stream.state = "rolled back"
            _show(stream, stream.first, self._platform.rules)
            self._platform.stats.add("streams_rolled_back")
            self._platform.notice("stream", stream.message)
            stream.message.chat.changed()

    def _begin(self, bot: Bot, user: User, frame: _Frame, payload: Mapping[str, Any]) -> Stream:
        """Take the first frame: an ordinary message, which uses up one answer."""
        platform = self._platform
        if frame.index != 0:
            raise RefusalError(11255, f"the first frame has index {frame.index}")
        rules = _limits(platform.rules)
        post = Post(platform, bot, user, _first_post(frame, payload), rules=rules)
        message = post.accept()
        if payload.get("msg_seq") is not None:
            message.msg_seq = payload["msg_seq"]
        stream = Stream(
            appid=bot.appid,
            message=message,
            sequence=payload.get("msg_seq"),
            markdown=frame.markdown,
            first=frame.text,
            text=frame.text,
            heard_at=platform.clock.now(),
        )
        message.stream = stream
        self._known[message.id] = stream
        self._generating.add(message.id)
        while len(self._known) > _OPEN:
            old, _ = self._known.popitem(last=False)
            self._generating.discard(old)
        platform.stats.add("streams")
        self._end(stream, frame)
        return stream

    def _go_on(self, bot: Bot, user: User, frame: _Frame, payload: Mapping[str, Any]) -> Stream:
        """Take a further frame."""
        platform, now = self._platform, self._platform.clock.now()
        stream = self._known.get(frame.stream_id or "")
        if stream is None or stream.appid != bot.appid or stream.message.chat is not user:
            raise RefusalError(11255, "unknown stream_msg_id")
        check_standing(bot, user, now)
        if stream.state != "generating" or stream.message.recalled:
            state = "recalled" if stream.message.recalled else stream.state
            raise RefusalError(11255, f"the stream is {state}")
        if payload.get("msg_seq") != stream.sequence:
            raise RefusalError(11255, "msg_seq must be the same in all frames")
        if frame.markdown != stream.markdown:
            raise RefusalError(11255, "content_type must be the same in all frames")
        # A frame that was refused is sent again under a new index, of which a refusal by the edge
        # (429) tells the platform nothing: official clients leave gaps.
        allowed = platform.rules.stream_gaps or frame.index <= stream.seen + 1
        if frame.index <= stream.index or not allowed:
            raise RefusalError(11255, f"index {frame.index} after {stream.index}")
        if round(now - stream.heard_at, 3) < platform.rules.stream_interval:
            stream.seen = max(stream.seen, frame.index)
            raise RefusalError(50002)
        text = stream.text + frame.text
        if frame.replace:
            if not frame.text.startswith(stream.text):
                raise RefusalError(40113003)
            text = frame.text
        rules = _limits(platform.rules)
        if stream.markdown:
            content.check_markdown({"content": text}, rules)
        else:
            content.check_text(text, rules, c2c=True)
        stream.text, stream.heard_at = text, now
        stream.index = frame.index
        stream.seen = max(stream.seen, frame.index)
        stream.frames += 1
        _show(stream, text, rules)
        self._end(stream, frame)
        platform.notice("stream", stream.message)
        return stream

    def _end(self, stream: Stream, frame: _Frame) -> None:
        if frame.finished:
            stream.state = "finished"
            self._generating.discard(stream.message.id)


@dataclass(slots=True)
class _Frame:
    """The fields of one request, read and found to be possible."""

    replace: bool
    finished: bool
    index: int
    markdown: bool
    text: str
    stream_id: str | None

    @classmethod
    def read(cls, payload: Mapping[str, Any]) -> _Frame:
        mode, state = payload.get("input_mode", "append"), payload.get("input_state")
        index, kind = payload.get("index"), payload.get("content_type", "text")
        text, stream_id = payload.get("content_raw", ""), payload.get("stream_msg_id")
        for wrong, name in (
            (mode not in ("append", "replace"), "input_mode"),
            (state not in (GENERATING, FINISHED), "input_state"),
            (not isinstance(index, int) or isinstance(index, bool), "index"),
            (kind not in ("text", "markdown"), "content_type"),
            (not isinstance(text, str), "content_raw"),
            (not isinstance(stream_id, str | None), "stream_msg_id"),
        ):
            if wrong:
                raise RefusalError(11255, f"{name} {payload.get(name)!r}")
        if not any(payload.get(key) for key in ("msg_id", "event_id", "is_wakeup")):
            raise RefusalError(50001, "neither msg_id nor event_id", status=500)
        assert isinstance(index, int)
        return cls(
            replace=mode == "replace",
            finished=state == FINISHED,
            index=index,
            markdown=kind == "markdown",
            text=text,
            stream_id=stream_id or None,
        )


def _first_post(frame: _Frame, payload: Mapping[str, Any]) -> dict[str, Any]:
    """Write the first frame as the message that it puts into the chat."""
    post: dict[str, Any] = (
        {"msg_type": content.MARKDOWN, "markdown": {"content": frame.text}}
        if frame.markdown
        else {"msg_type": content.TEXT, "content": frame.text}
    )
    if payload.get("msg_seq") is not None:
        post["msg_seq"] = payload["msg_seq"]
    if payload.get("is_wakeup"):
        return {**post, "is_wakeup": True}  # which skips the check of msg_id
    msg_id, event_id = payload.get("msg_id"), payload.get("event_id")
    if msg_id:
        post["msg_id"] = msg_id
    if event_id and event_id != msg_id:  # the official SDK sends both, and the same
        post["event_id"] = event_id
    return post


def _limits(rules: Rules) -> Rules:
    """Return the rules with the limits of streams in place of those of messages."""
    longest = rules.max_stream
    return replace(rules, max_text=longest, max_markdown=longest, long_text="refuse")


def _show(stream: Stream, text: str, rules: Rules) -> None:
    message = stream.message
    if stream.markdown:
        message.markdown = {"content": text}
    message.content = text if stream.markdown else decode(text, rules)
