"""From what a handler says to what the platform accepted.

chain -> payloads (pure) -> reply budget and ``msg_seq`` -> endpoint.
"""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import (
    ApiError,
    ConfigError,
    DuplicateMessage,
    NotConnected,
    NotFound,
    PartialSendError,
    QQGroupError,
    ReplyExpired,
    ReplyLimitReached,
    StateError,
    Text,
)
from qqgroup_sync.events.models import Message, attach_budget
from qqgroup_sync.message.chain import Chain, chain_of
from qqgroup_sync.message.payloads import MAX_TEXT, Scene, build
from qqgroup_sync.sending.replies import C2C, GROUP, ReplyBudget, expiry
from qqgroup_sync.sending.sent import Sent, SentPart

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.api.endpoints import Endpoints
    from qqgroup_sync.api.http import Http
    from qqgroup_sync.events.models import Event
    from qqgroup_sync.runtime.clock import Clock
    from qqgroup_sync.settings import Urls

logger = logging.getLogger(__name__)

PROACTIVE_PATIENCE = 15.0  # seconds a proactive message waits for the gateway
LAST_CALL = 5.0  # a reply waits for the gateway until this many seconds before its window ends


class Sender:
    """Sends replies and proactive messages; safe from any thread.

    Args:
        endpoints: The platform's REST methods.
        http: Knows the platform's time.
        clock: Where time comes from.
        urls: What to do with URLs in plain text.
        max_text: Characters per message.
        proactive_fallback: Send a reply whose window has passed as a proactive message.
        await_gateway: Waits until the gateway is back, at most so many seconds, and tells
            whether it is; the platform swallows what is sent while it is away.
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        http: Http,
        clock: Clock,
        *,
        urls: Urls = "error",
        max_text: int = MAX_TEXT,
        proactive_fallback: bool = False,
        await_gateway: Callable[[float], bool] | None = None,
        language: str | None = None,
    ) -> None:
        self._endpoints = endpoints
        self._http = http
        self._clock = clock
        self._urls: Urls = urls
        self._max_text = max_text
        self._proactive_fallback = proactive_fallback
        self._await_gateway = await_gateway
        self._language = language
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Send nothing any more."""
        self._closed = True

    # ------------------------------------------------------------------ proactive

    def send_group(self, group_openid: str, content: Any, *, timeout: float | None = None) -> Sent:
        """Send a message to a group without being asked."""
        return self._send_proactive("group", group_openid, self._bodies(content, "group"), timeout)

    def send_user(self, user_openid: str, content: Any, *, timeout: float | None = None) -> Sent:
        """Send a message to a user without being asked."""
        return self._send_proactive("c2c", user_openid, self._bodies(content, "c2c"), timeout)

    def _send_proactive(
        self, scene: Scene, openid: str, bodies: list[dict[str, Any]], timeout: float | None
    ) -> Sent:
        self._wait_for_gateway(PROACTIVE_PATIENCE)
        return self._send_all(
            scene, openid, bodies, lambda body: self._post(scene, openid, body, timeout)
        )

    # ------------------------------------------------------------------ replies

    def reply(
        self, event: Event, content: Any, *, quote: bool = False, timeout: float | None = None
    ) -> Sent:
        """Answer an event.

        Raises:
            ReplyExpired: The event is too old to be answered.
            ReplyLimitReached: It allows fewer replies than the content needs.
            ApiError: The platform refuses.
            PartialSendError: Some parts went out before one failed.
        """
        scene, openid = _address(event)
        bodies = self._bodies(content, scene, quoted=event if quote else None)
        budget = self._budget_of(event, scene)
        refusal = self._refusal(budget, len(bodies))
        if refusal is not None:
            if not self._proactive_fallback:
                raise refusal
            logger.info("%s; sending it as a proactive message", refusal.summary)
            return self._send_proactive(scene, openid, bodies, timeout)
        source = _source(event)
        self._wait_for_gateway(budget.expires_at - LAST_CALL - self._clock.time())
        return self._send_all(
            scene,
            openid,
            [{**body, **source} for body in bodies],
            lambda body: self._post_reply(scene, openid, body, budget, timeout),
        )

    def replies_left(self, event: Event) -> int:
        """Return how many replies an event still allows."""
        budget = self._budget_of(event, _address(event)[0])
        return budget.left(self._clock.time())

    def expires_at(self, event: Event) -> float:
        """Return when an event can be answered no more, in Unix seconds."""
        return self._budget_of(event, _address(event)[0]).expires_at

    def _budget_of(self, event: Event, scene: Scene) -> ReplyBudget:
        budget = event.budget
        if budget is not None:
            return budget  # type: ignore[no-any-return]  # the slot is this room's
        with self._lock:
            if event.budget is None:
                allowance = GROUP if scene == "group" else C2C
                skew = self._http.platform_time() - self._clock.time()
                ends = expiry(
                    allowance, timestamp=event.timestamp, skew=skew, arrived=event.received_at
                )
                attach_budget(event, ReplyBudget(allowance, ends))
            return event.budget  # type: ignore[no-any-return]

    def _refusal(self, budget: ReplyBudget, wanted: int) -> QQGroupError | None:
        now = self._clock.time()
        if wanted <= budget.left(now):
            return None
        count, window = budget.allowance
        rule = Text(
            f"A message can be answered {count} times within {window / 60:g} minutes.",
            f"一条消息在 {window / 60:g} 分钟内最多可回复 {count} 次。",
        )
        if now >= budget.expires_at:
            return ReplyExpired(
                f"the message can be answered no more: its window ended"
                f" {now - budget.expires_at:.0f} s ago",
                cause=rule,
                remedy=Text(
                    "Answer sooner, or use Client(proactive_fallback=True).",
                    "请尽快回复，或使用 Client(proactive_fallback=True) 转为主动消息。",
                ),
                language=self._language,
            )
        return ReplyLimitReached(
            f"{wanted} messages are needed, but only {budget.left(now)} replies are left",
            cause=rule,
            remedy=Text(
                "Put the texts into fewer replies, or use Client(proactive_fallback=True).",
                "请把内容合并成更少的回复，或使用 Client(proactive_fallback=True)。",
            ),
            language=self._language,
        )

    def _post_reply(
        self,
        scene: Scene,
        openid: str,
        body: dict[str, Any],
        budget: ReplyBudget,
        timeout: float | None,
    ) -> SentPart:
        with self._lock:  # drawn at the last moment; a retry of this send carries the same
            refusal = self._refusal(budget, 1)  # others may have answered meanwhile
            if refusal is None:
                body["msg_seq"] = budget.take()
        try:
            if refusal is not None:
                raise refusal
            return self._post(scene, openid, body, timeout)
        except DuplicateMessage:
            return SentPart(deduplicated=True)
        except (ReplyExpired, ReplyLimitReached) as error:
            if not self._proactive_fallback:
                raise
            logger.info("%s; sending it as a proactive message", error.summary)
            for key in ("msg_id", "event_id", "msg_seq"):
                body.pop(key, None)
            return self._post(scene, openid, body, timeout)
        except ApiError as error:
            if error.status < 500:  # certainly not accepted
                with self._lock:
                    budget.give_back()
            raise

    # ------------------------------------------------------------------ both

    def _bodies(
        self, content: Any, scene: Scene, *, quoted: Event | None = None
    ) -> list[dict[str, Any]]:
        try:
            chain = chain_of(content)
            if quoted is not None:
                chain = Chain().quote(quoted) + chain
            return build(chain, scene=scene, urls=self._urls, max_text=self._max_text)
        except QQGroupError as error:
            error.language = self._language or error.language
            raise

    def _send_all(
        self,
        scene: Scene,
        openid: str,
        bodies: list[dict[str, Any]],
        post: Callable[[dict[str, Any]], SentPart],
    ) -> Sent:
        sent: list[SentPart] = []
        for body in bodies:
            try:
                sent.append(post(body))
            except QQGroupError as error:
                if not sent:
                    raise
                raise PartialSendError(
                    f"part {len(sent) + 1} of {len(bodies)} was not sent: {error.summary}",
                    sent=sent,
                    language=self._language,
                ) from error
        proactive = any("msg_seq" not in body for body in bodies)  # as they went out in the end
        return Sent(tuple(sent), proactive, lambda msg_id: self.recall(scene, openid, msg_id))

    def _post(
        self, scene: Scene, openid: str, body: dict[str, Any], timeout: float | None
    ) -> SentPart:
        if self._closed:
            raise StateError(
                "the client was stopped: nothing is sent any more", language=self._language
            )
        send = (
            self._endpoints.send_group_message
            if scene == "group"
            else self._endpoints.send_c2c_message
        )
        try:
            message = send(openid, body, timeout=timeout)
        except ApiError as error:
            if "message_reference" not in body or type(error) not in (ApiError, NotFound):
                raise
            logger.info("%s; sending it without the quote", error.summary)
            body.pop("message_reference")
            message = send(openid, body, timeout=timeout)
        return SentPart(message.id, message.timestamp, message.ref_idx, message.audit_id)

    def recall(self, scene: Scene, openid: str, msg_id: str) -> None:
        """Take a message back."""
        if scene == "group":
            self._endpoints.recall_group_message(openid, msg_id)
        else:
            self._endpoints.recall_c2c_message(openid, msg_id)

    def _wait_for_gateway(self, patience: float) -> None:
        if self._await_gateway is not None and not self._await_gateway(max(0.0, patience)):
            raise NotConnected(
                "the gateway did not come back in time; the message was not sent",
                cause=Text(
                    "The platform drops messages that are sent while the bot is away.",
                    "机器人离线期间发送的消息会被平台吞掉。",
                ),
                remedy=Text(
                    "Look at client.status, then send it again.", "查看 client.status 后再次发送。"
                ),
                language=self._language,
            )


_SEND = Text(
    "Use client.send_group(...) or client.send_user(...).",
    "请使用 client.send_group(...) 或 client.send_user(...)。",
)


def _address(event: Event) -> tuple[Scene, str]:
    """Return where an answer to an event goes."""
    group = getattr(event, "group_openid", "")
    if group:
        return "group", group
    user = getattr(event, "user_openid", "")
    if user:
        return "c2c", user
    raise ConfigError(
        f"{event.name} comes from no group and no user, so it cannot be answered", remedy=_SEND
    )


def _source(event: Event) -> dict[str, str]:
    """Return what makes a message an answer: ``msg_id``, or the outer id as ``event_id``."""
    if isinstance(event, Message) and event.id:
        return {"msg_id": event.id}
    if not event.event_id:  # an empty one would make it a proactive message
        raise ConfigError(f"{event.name} came without an id to answer", remedy=_SEND)
    return {"event_id": event.event_id}
