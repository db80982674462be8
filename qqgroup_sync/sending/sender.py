"""From what a handler says to what the platform accepted.

chain -> payloads (pure) -> media -> reply budget and ``msg_seq`` -> endpoint.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import (
    ApiError,
    DuplicateMessage,
    MediaRejected,
    NotFound,
    PartialSendError,
    QQGroupError,
    ReplyExpired,
    ReplyLimitReached,
    StateError,
    may_have_acted,
)
from qqgroup_sync.message.chain import Chain, chain_of
from qqgroup_sync.message.keyboard import Keyboard
from qqgroup_sync.message.payloads import MAX_TEXT, Payload, Scene, build
from qqgroup_sync.sending.addresses import address_of, source_of
from qqgroup_sync.sending.presence import LAST_CALL, Presence
from qqgroup_sync.sending.sent import Sent, SentPart

if TYPE_CHECKING:
    from collections.abc import Callable

    from qqgroup_sync.api.endpoints import Endpoints
    from qqgroup_sync.events.models import AuditResult, Event
    from qqgroup_sync.message.keyboard import Button
    from qqgroup_sync.runtime.clock import Clock
    from qqgroup_sync.sending.media import Media
    from qqgroup_sync.sending.replies import Budgets, ReplyBudget
    from qqgroup_sync.settings import Urls

logger = logging.getLogger(__name__)

UNKNOWN_MEDIUM = 304080  # the platform's code for a file_info that it does not know (any more)


class Sender:
    """Sends replies and proactive messages; safe from any thread.

    Args:
        endpoints: The platform's REST methods.
        budgets: Knows what each event still allows.
        media: Brings media to the platform.
        clock: Where time comes from.
        urls: What to do with URLs in plain text.
        max_text: Characters per message.
        proactive_fallback: Send a reply whose window has passed as a proactive message.
        note_button: Told about every button with a function that is sent.
        presence: Waits until the bot is on line; the platform drops what is sent before.
        verdict: Waits for what a review of the platform says; see :class:`Audits`.
        language: Language of cause and remedy in errors.
    """

    def __init__(
        self,
        endpoints: Endpoints,
        budgets: Budgets,
        media: Media,
        clock: Clock,
        *,
        urls: Urls = "error",
        max_text: int = MAX_TEXT,
        proactive_fallback: bool = False,
        note_button: Callable[[Button], object] = lambda _button: None,
        presence: Presence | None = None,
        verdict: Callable[[str, float | None], AuditResult | None] | None = None,
        language: str | None = None,
    ) -> None:
        self._endpoints = endpoints
        self.budgets = budgets
        self._media = media
        self._clock = clock
        self._urls: Urls = urls
        self._max_text = max_text
        self._proactive_fallback = proactive_fallback
        self._note_button = note_button
        self.presence = presence or Presence(clock)
        self._verdict = verdict
        self._language = language
        self._closed = False

    def close(self) -> None:
        """Send nothing any more."""
        self._closed = True

    # ------------------------------------------------------------------ proactive

    def send_group(self, group_openid: str, content: Any, *, timeout: float | None = None) -> Sent:
        """Send a message to a group without being asked."""
        return self._send_unasked("group", group_openid, content, timeout)

    def send_user(self, user_openid: str, content: Any, *, timeout: float | None = None) -> Sent:
        """Send a message to a user without being asked."""
        return self._send_unasked("c2c", user_openid, content, timeout)

    def _send_unasked(self, scene: Scene, openid: str, content: Any, timeout: float | None) -> Sent:
        chain = self._chain(content)
        payloads = self._payloads(chain, scene)
        self._media.fill(payloads, scene, openid)
        return self._send_proactive(scene, openid, payloads, timeout)

    def _send_proactive(
        self, scene: Scene, openid: str, payloads: list[Payload], timeout: float | None
    ) -> Sent:
        self.presence.wait()
        return self._send_all(
            scene, openid, payloads, lambda one: self._post(scene, openid, one, timeout)
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
        scene, openid = address_of(event)
        chain = self._chain(content)
        if quote:
            chain = Chain(chain_builder=chain.builder).quote(event) + chain
        payloads = self._payloads(chain, scene)
        budget = self.budgets.of(event)
        refusal = self.budgets.refusal(budget, len(payloads))
        if refusal is not None and not self._proactive_fallback:
            raise refusal
        self._media.fill(payloads, scene, openid)  # all, before the first is sent
        if refusal is not None:
            logger.info("%s; sending it as a proactive message", refusal.summary)
            return self._send_proactive(scene, openid, payloads, timeout)
        source = source_of(event)
        for payload in payloads:
            payload.body.update(source)
        self.presence.wait(budget.ends - LAST_CALL)  # before a number is drawn
        return self._send_all(
            scene,
            openid,
            payloads,
            lambda one: self._post_reply(scene, openid, one, budget, timeout),
        )

    def _post_reply(
        self,
        scene: Scene,
        openid: str,
        payload: Payload,
        budget: ReplyBudget,
        timeout: float | None,
    ) -> SentPart:
        body = payload.body
        try:
            body["msg_seq"] = self.budgets.draw(budget)
            patience = self.budgets.time_left(budget) - LAST_CALL
            return self._post(scene, openid, payload, timeout, patience)
        except DuplicateMessage:
            return SentPart(deduplicated=True)
        except (ReplyExpired, ReplyLimitReached) as error:
            if not self._proactive_fallback:
                raise
            logger.info("%s; sending it as a proactive message", error.summary)
            for key in ("msg_id", "event_id", "msg_seq"):
                body.pop(key, None)
            return self._post(scene, openid, payload, timeout)
        except QQGroupError as error:
            if not may_have_acted(error):
                self.budgets.give_back(budget)
            raise

    # ------------------------------------------------------------------ both

    def _chain(self, content: Any) -> Chain:
        """Return what is to be said, with its pages drawn."""
        if self._closed:
            raise self._stopped()
        try:
            return self._media.drawn(chain_of(content))
        except QQGroupError as error:
            error.language = self._language or error.language
            raise

    def _payloads(self, chain: Chain, scene: Scene) -> list[Payload]:
        for element in chain:
            if isinstance(element, Keyboard):
                for button in element.functions:
                    self._note_button(button)
        try:
            return build(chain, scene=scene, urls=self._urls, max_text=self._max_text)
        except QQGroupError as error:
            error.language = self._language or error.language
            raise

    def _stopped(self) -> StateError:
        return StateError(
            "the client was stopped: nothing is sent any more", language=self._language
        )

    def _send_all(
        self,
        scene: Scene,
        openid: str,
        payloads: list[Payload],
        post: Callable[[Payload], SentPart],
    ) -> Sent:
        sent: list[SentPart] = []
        for payload in payloads:
            try:
                sent.append(post(payload))
            except QQGroupError as error:
                if not sent:
                    raise
                unclear = may_have_acted(error)
                outcome = "may or may not have been sent" if unclear else "was not sent"
                raise PartialSendError(
                    f"part {len(sent) + 1} of {len(payloads)} {outcome}: {error.summary}",
                    sent=sent,
                    unclear=unclear,
                    language=self._language,
                ) from error
        # As they went out in the end.
        proactive = any("msg_seq" not in payload.body for payload in payloads)
        return Sent(
            tuple(sent),
            proactive,
            lambda msg_id: self.recall(scene, openid, msg_id),
            self._verdict,
        )

    def _post(
        self,
        scene: Scene,
        openid: str,
        payload: Payload,
        timeout: float | None,
        patience: float | None = None,
    ) -> SentPart:
        """Post a message; again without what the platform turns out not to know."""
        body = payload.body
        try:
            return self._post_as_it_is(scene, openid, body, timeout, patience)
        except MediaRejected as error:
            if payload.medium is None or UNKNOWN_MEDIUM not in error.codes:
                raise
            logger.info("%s; uploading it again", error.summary)
            self._media.fill_again(payload, scene, openid)
        except ApiError as error:
            if "message_reference" not in body or type(error) not in (ApiError, NotFound):
                raise
            logger.info("%s; sending it without the quote", error.summary)
            body.pop("message_reference")
        return self._post_as_it_is(scene, openid, body, timeout, patience)

    def _post_as_it_is(
        self,
        scene: Scene,
        openid: str,
        body: dict[str, Any],
        timeout: float | None,
        patience: float | None,
    ) -> SentPart:
        if self._closed:
            raise self._stopped()
        send = (
            self._endpoints.send_group_message
            if scene == "group"
            else self._endpoints.send_c2c_message
        )
        message = send(openid, body, timeout=timeout, patience=patience)
        return SentPart(message.id, message.timestamp, message.ref_idx, message.audit_id)

    def recall(self, scene: Scene, openid: str, msg_id: str) -> None:
        """Take a message back."""
        if scene == "group":
            self._endpoints.recall_group_message(openid, msg_id)
        else:
            self._endpoints.recall_c2c_message(openid, msg_id)
