"""What bots ask for about messages by API: send, recall, acknowledge (2.4 to 2.8). No I/O."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import content, identifiers, rehosting
from qqgroup_sync.simulator.groups import Group
from qqgroup_sync.simulator.posting import Pictures, Post, describe
from qqgroup_sync.simulator.records import Bot
from qqgroup_sync.simulator.refusals import RefusalError

if TYPE_CHECKING:
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import ChatMessage
    from qqgroup_sync.simulator.users import User


_AUDITS = 1000  # verdicts that may be outstanding


class Messaging:
    """The message endpoints' rules; every method is safe from any thread.

    Args:
        platform: Where the chats are.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def send(self, bot: Bot, openid: str, payload: dict[str, Any], *, c2c: bool) -> dict[str, Any]:
        """Carry out POST /v2/{groups,users}/{openid}/messages; see ``Post``.

        Returns:
            The answer: ``id``, ``timestamp`` and ``ext_info.ref_idx``.

        Raises:
            RefusalError: With the platform's code.
        """
        platform = self._platform
        pictures = self._pictures(bot, payload, c2c=c2c)
        with platform.changing():
            try:
                chat = self._chat(openid, c2c=c2c)
                message = Post(platform, bot, chat, payload, pictures).accept()
            except RefusalError as refusal:
                duplicate = refusal.err_code == 40054005
                platform.stats.add("duplicates_refused" if duplicate else "sends_refused")
                raise
        return describe(message, platform.rules)

    def _pictures(self, bot: Bot, payload: dict[str, Any], *, c2c: bool) -> Pictures:
        """Fetch the pictures of markdown, which takes a while and so happens without the lock."""
        markdown = payload.get("markdown")
        if not isinstance(markdown, dict) or not self._platform.rules.fetch_pictures:
            return Pictures()
        try:
            content.check(payload, self._platform.rules, c2c=c2c, ark=bot.ark)
            return rehosting.fetch(self._platform, bot, markdown, c2c=c2c)
        except RefusalError:
            self._platform.stats.add("sends_refused")
            raise

    def _chat(self, openid: str, *, c2c: bool) -> Group | User:
        return self._platform.user_of(openid) if c2c else self._platform.group_of(openid)

    def find(self, message_id: str) -> ChatMessage | None:
        """Return a message that people see; typing notices are none."""
        with self._platform.lock:
            return self._platform.find_message(message_id)

    def audit(self, message: ChatMessage) -> str:
        """Let a message wait for audit and return its ``audit_id`` (2.2)."""
        audit_id, audits = identifiers.unique(), self._platform.audits
        with self._platform.lock:
            message.audit_id = audit_id
            audits[audit_id] = message
            if len(audits) > _AUDITS:
                del audits[next(iter(audits))]
        return audit_id

    def decide_audit(self, audit_id: str, *, passed: bool) -> str:
        """Give the verdict on a message that waits: MESSAGE_AUDIT_PASS or REJECT (4.10).

        A message that is rejected disappears from the chat.

        Args:
            audit_id: Of the answer to the send, or of the message.
            passed: Whether it may stay.

        Returns:
            The outer id of the event.

        Raises:
            LookupError: No message waits for that verdict.
        """
        platform = self._platform
        with platform.changing():
            message = platform.audits.pop(audit_id, None)
            if message is None or not isinstance(message.sender, Bot):
                raise LookupError(f"no message waits for the audit {audit_id!r}")
            now = platform.clock.now()
            d = {
                "audit_id": audit_id,
                "audit_time": identifiers.rfc3339(now),
                "create_time": identifiers.rfc3339(message.timestamp),
                "channel_id": "",
                "guild_id": "",
                "seq_in_channel": "",
            }
            if passed:
                d["message_id"] = message.id
            else:
                message.recalled = True
                platform.notice("recall", message)
            name = "MESSAGE_AUDIT_PASS" if passed else "MESSAGE_AUDIT_REJECT"
            return platform.dispatch(message.sender, name, d)

    def recall(self, bot: Bot, openid: str, message_id: str, *, c2c: bool) -> None:
        """Carry out DELETE /v2/{groups,users}/{openid}/messages/{message_id} (2.7).

        A bot may take back its own message for two minutes, and as an administrator of a group
        anybody else's at any time.

        Raises:
            RefusalError: 306009, 40061002, 40062003 or 40064004.
        """
        platform = self._platform
        with platform.changing():
            if c2c and platform.find_person(openid) is None:
                raise RefusalError(306009)
            chat = self._chat(openid, c2c=c2c)
            message = chat.find(message_id)
            if message is None or message.recalled:
                raise RefusalError(40061002)
            if message.sender is not bot:
                if not isinstance(chat, Group) or chat.role_of(bot) == "member":
                    raise RefusalError(40062003)
            elif platform.clock.now() - message.timestamp > platform.rules.recall_window:
                raise RefusalError(40064004)
            message.recalled = True
            platform.stats.add("recalls")
            platform.notice("recall", message)

    def acknowledge(self, bot: Bot, interaction_id: str, code: int, data: Any = None) -> None:
        """Carry out PUT /interactions/{interaction_id} (2.8).

        Raises:
            RefusalError: 630001 (unknown), 630003 (another bot's), 630005 (again).
        """
        platform = self._platform
        with platform.changing():
            interaction = platform.interaction(interaction_id)
            if interaction is None:
                raise RefusalError(630001, "unknown interaction")
            if interaction.appid != bot.appid:
                raise RefusalError(630003)
            if interaction.acknowledged:
                platform.stats.add("second_acks")
                if platform.rules.second_ack == "refuse":
                    raise RefusalError(630005)
                return
            interaction.acknowledge(code, data, platform.clock.now())
            platform.stats.add("acks_late" if interaction.timed_out else "acks")
            platform.notice("ack", interaction)
