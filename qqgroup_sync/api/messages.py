"""Endpoints for messages: sending, streaming, typing notices, recall, clicks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.api.calls import Calls, given, segment
from qqgroup_sync.api.records import SentMessage
from qqgroup_sync.api.repeating import Repeat
from qqgroup_sync.errors import ConfigError, Text

if TYPE_CHECKING:
    from collections.abc import Mapping


class MessageCalls(Calls):
    """Sending, streaming, typing notices, recall, clicks."""

    def send_group_message(
        self,
        group_openid: str,
        payload: Mapping[str, Any],
        *,
        timeout: float | None = None,
        patience: float | None = None,
    ) -> SentMessage:
        """Send a message to a group.

        A reply (``msg_id`` or ``event_id``, with ``msg_seq``) is repeated after any failure,
        because the platform drops the second one; anything else only when it certainly did not
        go out.

        Args:
            group_openid: The group.
            payload: The body: ``msg_type``, ``content``, ``markdown``, ``media``, ``msg_id``,
                ``msg_seq`` and so on, without nulls.
            timeout: Seconds for one attempt.
            patience: Seconds to wait at most for what the platform's rates allow.

        Returns:
            What the platform took.

        Raises:
            ReplyExpired: The message answered is older than 5 minutes.
            ReplyLimitReached: It has 5 replies.
            ProactiveNotAllowed: The group has switched proactive messages off.
            ContentRejected: The platform refuses the content; ``reason`` says why.

        Limit: 100 per second; proactive 20 a minute and 1000 a day per group, 30 a minute per
        bot (60 when verified). Source: send-message page, 2026-08.
        """
        path = f"/v2/groups/{segment(group_openid, 'group_openid')}/messages"
        return self._send(path, payload, timeout, patience)

    def send_c2c_message(
        self,
        user_openid: str,
        payload: Mapping[str, Any],
        *,
        timeout: float | None = None,
        patience: float | None = None,
    ) -> SentMessage:
        """Send a message to a user.

        Repeated as ``send_group_message`` says.

        Args:
            user_openid: The user.
            payload: The body, without nulls; here also ``is_wakeup`` and ``input_notify``.
            timeout: Seconds for one attempt.
            patience: Seconds to wait at most for what the platform's rates allow.

        Returns:
            What the platform took.

        Raises:
            ReplyExpired: The message answered is older than 60 minutes.
            ReplyLimitReached: It has 4 replies.
            ProactiveNotAllowed: The user refuses proactive messages.
            ContentRejected: The platform refuses the content; ``reason`` says why.

        Limit: 100 per second; proactive 20 a minute and 1000 a day per user, 5 a second and 30
        a minute per bot (10 a second when certified). Source: send-message page, 2026-08.
        """
        path = f"/v2/users/{segment(user_openid, 'user_openid')}/messages"
        return self._send(path, payload, timeout, patience)

    def _send(
        self,
        path: str,
        payload: Mapping[str, Any],
        timeout: float | None,
        patience: float | None,
    ) -> SentMessage:
        source = payload.get("msg_id") or payload.get("event_id")
        passive = source and payload.get("msg_seq") is not None
        return SentMessage.read(
            self._http.call(
                "POST",
                path,
                payload,
                repeat=Repeat.SAFE if passive else Repeat.UNSENT,
                lean=True,
                timeout=timeout,
                expects="id",
                unasked=not source and not payload.get("is_wakeup"),
                patience=patience,
            )
        )

    def send_stream_frame(
        self,
        user_openid: str,
        content_raw: str,
        *,
        index: int,
        msg_seq: int,
        msg_id: str | None = None,
        event_id: str | None = None,
        stream_msg_id: str | None = None,
        input_mode: Literal["append", "replace"] = "replace",
        input_state: Literal[1, 10] = 1,
        content_type: Literal["text", "markdown"] = "markdown",
        is_wakeup: bool | None = None,
        timeout: float | None = None,
        patience: float | None = None,
    ) -> SentMessage:
        """Send one frame of a streamed message to a user.

        Never repeated: other SDKs give a repeated frame a new index.

        Args:
            user_openid: The user.
            content_raw: With ``replace`` the whole text so far, which must begin with everything
                delivered before; with ``append`` what is to be added.
            index: Number of the frame, from 0, one more with every frame, also with a repeated one.
            msg_seq: The same in all frames of one message.
            msg_id: The message that is answered.
            event_id: Or the event that is answered (its outermost id).
            stream_msg_id: Absent in the first frame, then the ``id`` that it brought.
            input_mode: What ``content_raw`` is.
            input_state: 1 while more follows, 10 in the last frame; without a last one the client
                rolls the message back.
            content_type: How ``content_raw`` is shown.
            is_wakeup: Do without ``msg_id`` and ``event_id``, as a wake-up message.
            timeout: Seconds for one attempt.
            patience: Seconds to wait at most for what the platform's rates allow.

        Returns:
            The frame; ``remain_msg_len`` says how much may follow.

        Raises:
            ConfigError: Neither ``msg_id`` nor ``event_id`` is given.
            ContentRejected: Text delivered before was changed.
            RateLimited: The frames came too fast; leave 0.5 seconds between two.

        Limit: 50 per second. Source: stream-message page, 2026-08.
        """
        if not (msg_id or event_id or is_wakeup):
            raise ConfigError(
                "a streamed message needs msg_id or event_id",
                remedy=Text(
                    "Stream only as an answer: pass the msg_id of the message received.",
                    "流式消息只能用来回复：请传入收到的消息的 msg_id。",
                ),
            )
        body = given(
            input_mode=input_mode,
            input_state=input_state,
            index=index,
            content_type=content_type,
            content_raw=content_raw,
            msg_id=msg_id,
            event_id=event_id,
            stream_msg_id=stream_msg_id,
            msg_seq=msg_seq,
            is_wakeup=is_wakeup,
        )
        path = f"/v2/users/{segment(user_openid, 'user_openid')}/stream_messages"
        return SentMessage.read(
            self._http.call(
                "POST",
                path,
                body,
                repeat=Repeat.NEVER,
                lean=True,
                timeout=timeout,
                patience=patience,
            )
        )

    def send_typing(
        self, user_openid: str, *, msg_id: str, msg_seq: int, seconds: int = 60
    ) -> SentMessage:
        """Show a user that the bot is typing; ends when a message is sent.

        Args:
            user_openid: The user; groups have no typing notice.
            msg_id: The message that will be answered; the notice uses up one of its 4 replies.
            msg_seq: Number of this reply.
            seconds: How long at most; the platform takes up to 60.

        Returns:
            What the platform took.

        Limit: 100 per second, with messages. Source: send-message page, 2026-08.
        """
        return self.send_c2c_message(
            user_openid,
            {
                "msg_type": 6,
                "input_notify": {"input_type": 1, "input_second": seconds},
                "msg_id": msg_id,
                "msg_seq": msg_seq,
            },
        )

    def recall_group_message(self, group_openid: str, msg_id: str) -> None:
        """Take a message back from a group.

        Args:
            group_openid: The group.
            msg_id: ``SentMessage.id``; as group administrator also the id of a member's message.

        Raises:
            Forbidden: It is not the bot's message, and the bot is no administrator.
            ApiError: It is older than 2 minutes (code 40064004).

        Limit: 10 per second. Source: recall page, 2026-08.
        """
        group = segment(group_openid, "group_openid")
        self._http.call("DELETE", f"/v2/groups/{group}/messages/{segment(msg_id, 'msg_id')}")

    def recall_c2c_message(self, user_openid: str, msg_id: str) -> None:
        """Take a message back from a user.

        Args:
            user_openid: The user.
            msg_id: ``SentMessage.id``.

        Raises:
            ApiError: It is older than 2 minutes (code 40064004).

        Limit: 10 per second. Source: recall page, 2026-08.
        """
        user = segment(user_openid, "user_openid")
        self._http.call("DELETE", f"/v2/users/{user}/messages/{segment(msg_id, 'msg_id')}")

    def acknowledge_interaction(
        self, interaction_id: str, code: int = 0, *, timeout: float | None = None
    ) -> None:
        """Tell the platform that a click was received; due within about 3 seconds, once.

        Args:
            interaction_id: ``d.id`` of INTERACTION_CREATE, not the event's outermost id.
            code: 0 done, 1 failed, 2 too frequent, 3 duplicate, 4 no permission, 5 admins only.
            timeout: Seconds for one attempt.

        Limit: 50 per second. Source: interaction page, 2026-08.
        """
        self._http.call(
            "PUT",
            f"/interactions/{segment(interaction_id, 'interaction_id')}",
            {"code": code},
            lean=True,
            timeout=timeout,
            patience=timeout,
        )
