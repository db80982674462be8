"""People: one who talks to bots in private, and who may be a member of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from qqgroup_sync.simulator import events, identifiers, speech
from qqgroup_sync.simulator.attachments import prepare
from qqgroup_sync.simulator.chats import Chat
from qqgroup_sync.simulator.records import Contact

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from qqgroup_sync.simulator.attachments import Attachable
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import Bot, ChatMessage, Interaction


class User(Chat, speech.Speaker):
    """One person, and the private chat with him.

    ``platform.user(name)`` makes a person who is a friend of every bot; a person who was only
    ever a group member is nobody's friend. All methods are safe from any thread; only
    ``next_reply`` and ``wait_for`` block.
    """

    def __init__(self, platform: Platform, name: str) -> None:
        super().__init__(platform, name, identifiers.openid("user", name))
        self.known = False
        self._contacts: dict[str, Contact] = {}

    def say(
        self,
        text: str = "",
        *,
        quote: speech.Quote | None = None,
        attachments: Sequence[Attachable] = (),
        extra: Mapping[str, Any] | None = None,
        appid: str | None = None,
    ) -> ChatMessage:
        """Write to the bots this person is a friend of: C2C_MESSAGE_CREATE.

        Args:
            text: What is written.
            quote: A message to quote, or several for a forwarded record.
            attachments: Bytes whose content tells what they are, attachment objects as in 4.1,
                or files of ``simulator.attachments``.
            extra: Fields merged into ``d``.
            appid: The bot that is written to; every friend when None.
        """
        platform = self.platform
        attached = [prepare(one) for one in attachments]
        with platform.changing():
            message, quoted = speech.compose(self, self, text, quote=quote, attached=attached)
            self.add(message)
            platform.notice("message", message)
            platform.stats.add("messages_said")
            for bot in platform.bots_of(appid):
                contact = self.contact(bot)
                if not contact.friend:
                    continue
                contact.spoke_at = message.timestamp
                contact.woken.clear()
                d = events.c2c_message(message, self, platform.rules)
                d.update(quoted)
                d.update(extra or {})
                platform.open_window(
                    bot, message.id, self.openid, platform.rules.c2c_window, c2c=True
                )
                platform.dispatch(bot, "C2C_MESSAGE_CREATE", d)
        return message

    def click(self, message: ChatMessage, button_id: str) -> Interaction:
        """Click a callback button of a bot's message; see ``speech.click``."""
        with self.platform.changing():
            return speech.click(self, message, button_id)

    def add_friend(
        self, *, scene: int = 1000, scene_param: str = "", appid: str | None = None
    ) -> str:
        """Befriend the bot, or every bot: FRIEND_ADD (4.5).

        Args:
            scene: Where the bot was found; 2003 and 2004 for links of ``generate_url_link``.
            scene_param: The ``callback_data`` of that link.
            appid: The bot; all when None.

        Returns:
            The outer id of the (last) event.
        """
        fields = {
            "scene": scene,
            "scene_param": scene_param,
            "author": {"union_openid": ""},
            "short_code": "",
        }
        return self._change("FRIEND_ADD", appid, fields, friend=True)

    def remove_friend(self, *, appid: str | None = None) -> str:
        """Drop the bot, or every bot: FRIEND_DEL; sending to this user gets 40054004."""
        return self._change("FRIEND_DEL", appid, {}, friend=False)

    def enter_chat(self, source: str = "", *, appid: str | None = None) -> str:
        """Open the private chat: ENTER_AIO, for bots with that intent (4.12)."""
        d = {"user_openid": self.openid, "from_source": source}
        return self.platform.emit(appid, "ENTER_AIO", d)

    def subscribe(self, template_id: str, allowed: bool = True, *, appid: str | None = None) -> str:
        """Allow or refuse messages of a template: SUBSCRIBE_MESSAGE_STATUS (4.9)."""
        now = self.platform.clock.now()
        d = events.subscription({"openid": self.openid}, template_id, allowed=allowed, now=now)
        return self.platform.emit(appid, "SUBSCRIBE_MESSAGE_STATUS", d)

    def allow_push(self, allowed: bool, *, appid: str | None = None) -> str:
        """Switch unasked messages on or off: C2C_MSG_RECEIVE or C2C_MSG_REJECT."""
        name = "C2C_MSG_RECEIVE" if allowed else "C2C_MSG_REJECT"
        return self._change(name, appid, {}, allow_push=allowed)

    def _change(
        self, name: str, appid: str | None, fields: Mapping[str, Any], **changes: bool
    ) -> str:
        outer = ""
        with self.platform.changing():
            for bot in self.platform.bots_of(appid):
                contact = self.contact(bot)
                for key, value in changes.items():
                    setattr(contact, key, value)
                d = {**events.friend_change(self, self.platform.clock.now()), **fields}
                outer = self.platform.dispatch(bot, name, d)
        return outer

    def contact(self, bot: Bot) -> Contact:
        """Return what holds between ``bot`` and this user; the platform's lock must be held."""
        contact = self._contacts.get(bot.appid)
        if contact is None:
            contact = Contact(friend=self.known, allow_push=self.platform.rules.c2c_push)
            self._contacts[bot.appid] = contact
        return contact

    def befriend(self) -> None:
        """Make this person everybody's friend, once; the platform's lock must be held."""
        if not self.known:
            self.known = True
            for contact in self._contacts.values():
                contact.friend = True
