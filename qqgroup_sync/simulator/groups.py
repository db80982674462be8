"""Groups and their members."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.simulator import events, identifiers, speech
from qqgroup_sync.simulator.attachments import fill, prepare
from qqgroup_sync.simulator.chats import Chat
from qqgroup_sync.simulator.records import Bot, JoinRequest, Membership

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from qqgroup_sync.simulator.attachments import Attachable
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import ChatMessage, Interaction, Role
    from qqgroup_sync.simulator.users import User

_FOREVER = float("inf")


class Member(speech.Speaker):
    """One person in one group. Safe from any thread; nothing here blocks."""

    def __init__(self, group: Group, user: User, role: Role, joined_at: float) -> None:
        self.group = group
        self.user = user
        self.role = role
        self.joined_at = joined_at
        self.muted_until = 0.0

    def __repr__(self) -> str:
        return f"<Member {self.name!r} of {self.group.name!r}>"

    @property
    def name(self) -> str:
        """The nickname."""
        return self.user.name

    @property
    def openid(self) -> str:
        """The member_openid; equal to the user_openid, as in practice (0.3)."""
        return self.user.openid

    @property
    def mention(self) -> str:
        """The markup that mentions this member inside a text (4.3)."""
        return events.mention(self.openid)

    def say(
        self,
        text: str = "",
        *,
        at: bool | Collection[str] = True,
        quote: speech.Quote | None = None,
        mentions: Sequence[Member | Literal["all"]] = (),
        attachments: Sequence[Attachable] = (),
        extra: Mapping[str, Any] | None = None,
    ) -> ChatMessage:
        """Say something in the group.

        With ``at`` it reaches the bot as GROUP_AT_MESSAGE_CREATE; without, only when the group is
        in full mode, where everything arrives as GROUP_MESSAGE_CREATE (4.4).

        Args:
            text: What is said, without the @ of the bot.
            at: Whether every bot of the group is addressed, or the appids of those who are.
            quote: A message to quote, or several for a forwarded record.
            mentions: Other people to mention, or "all".
            attachments: Bytes whose content tells what they are, attachment objects as in 4.1,
                or files of ``simulator.attachments``.
            extra: Fields merged into ``d``.

        Raises:
            PermissionError: The member is muted.
        """
        group, platform = self.group, self.group.platform
        attached = [prepare(one) for one in attachments]
        with platform.changing():
            if self.muted_until > platform.clock.now():
                raise PermissionError(f"{self.name} is muted in {group.name!r}")
            addressed = (group.bots if at else ()) if isinstance(at, bool) else at
            message, quoted = speech.compose(
                group,
                self,
                text,
                quote=quote,
                attached=attached,
                at=addressed,
                mentions=mentions,
            )
            platform.stats.add("messages_said")
            group.publish(message, {**quoted, **(extra or {})})
        return message

    def click(self, message: ChatMessage, button_id: str) -> Interaction:
        """Click a callback button of a bot's message; see ``speech.click``."""
        with self.group.platform.changing():
            return speech.click(self, message, button_id)


class Group(Chat):
    """One group. All methods are safe from any thread; only the inherited waits block.

    Attributes:
        bots: What holds for each bot that is a member, by appid.
        members: The people, by openid.
        requests: Join requests, by person.
        blacklist: Openids that may not join.
    """

    def __init__(self, platform: Platform, name: str) -> None:
        super().__init__(platform, name, identifiers.openid("group", name))
        self.bots: dict[str, Membership] = {}
        self.members: dict[str, Member] = {}
        self.requests: dict[str, JoinRequest] = {}
        self.blacklist: dict[str, User] = {}
        self._full_mode = False

    @property
    def full_mode(self) -> bool:
        """Whether bots get every message, as GROUP_MESSAGE_CREATE (4.4)."""
        return self._full_mode

    @full_mode.setter
    def full_mode(self, on: bool) -> None:
        with self.platform.changing():
            self._full_mode = on

    def member(self, name: str, role: Role | None = None) -> Member:
        """Return the member of that name, who is made on demand and without an event.

        Args:
            name: The nickname.
            role: The role to give; a new member is a plain one when None.
        """
        with self.platform.changing():
            user = self.platform.person(name)
            member = self.members.get(user.openid)
            if member is None:
                member = Member(self, user, role or "member", self.platform.clock.now())
                self.members[user.openid] = member
            elif role is not None:
                member.role = role
            return member

    @property
    def owner(self) -> Member:
        """The owner; somebody called "Owner" unless another member has the role."""
        with self.platform.lock:
            found = [one for one in self.members.values() if one.role == "owner"]
        return found[0] if found else self.member("Owner", role="owner")

    def join(self, name: str) -> Member:
        """Let a person join: GROUP_MEMBER_ADD (4.6).

        Raises:
            PermissionError: The person is on the blacklist.
        """
        with self.platform.changing():
            self._check_blacklist(name)
        member = self.member(name)
        with self.platform.changing():
            self.announce("GROUP_MEMBER_ADD", member)
        return member

    def remove(self, member: Member) -> None:
        """Let a member leave or be kicked, which bots cannot tell apart: GROUP_MEMBER_REMOVE."""
        with self.platform.changing():
            self.dismiss(member)

    def add_bot(
        self, appid: str | None = None, *, by: Member | None = None, role: Role = "member"
    ) -> str:
        """Put the bot, or every bot, into the group: GROUP_ADD_ROBOT; returns its outer id."""
        operator = by or self.owner
        outer = ""
        with self.platform.changing():
            for bot in self.platform.bots_of(appid):
                self.admit(bot, role)
                outer = self._tell(bot, "GROUP_ADD_ROBOT", operator)
        return outer

    def remove_bot(self, appid: str | None = None, *, by: Member | None = None) -> str:
        """Throw the bot, or every bot, out: GROUP_DEL_ROBOT; sending then gets 40054003."""
        operator = by or self.owner
        outer = ""
        with self.platform.changing():
            for bot in self.platform.bots_of(appid):
                if self.bots.pop(bot.appid, None) is not None:
                    outer = self._tell(bot, "GROUP_DEL_ROBOT", operator)
        return outer

    def allow_push(
        self, allowed: bool, *, appid: str | None = None, by: Member | None = None
    ) -> str:
        """Switch unasked messages on or off: GROUP_MSG_RECEIVE or GROUP_MSG_REJECT."""
        operator = by or self.owner
        outer = ""
        with self.platform.changing():
            for bot in self.platform.bots_of(appid):
                if bot.appid in self.bots:
                    self.bots[bot.appid].allow_push = allowed
                    name = "GROUP_MSG_RECEIVE" if allowed else "GROUP_MSG_REJECT"
                    outer = self._tell(bot, name, operator)
        return outer

    def subscribe(self, template_id: str, allowed: bool = True, *, appid: str | None = None) -> str:
        """Allow or refuse messages of a template: SUBSCRIBE_MESSAGE_STATUS (4.9)."""
        now = self.platform.clock.now()
        where = {"group_openid": self.openid}
        d = events.subscription(where, template_id, allowed=allowed, now=now)
        return self.platform.emit(appid, "SUBSCRIBE_MESSAGE_STATUS", d)

    def mute_bot(self, seconds: float = _FOREVER, *, appid: str | None = None) -> None:
        """Mute the bot, or every bot, without an event: sending gets 40054002; 0 ends it."""
        with self.platform.changing():
            for bot in self.platform.bots_of(appid):
                if bot.appid in self.bots:
                    self.bots[bot.appid].muted_until = self.platform.clock.now() + seconds

    def set_bot_role(self, role: Role, *, appid: str | None = None) -> None:
        """Make the bot, or every bot, an administrator or a plain member."""
        with self.platform.changing():
            for bot in self.platform.bots_of(appid):
                if bot.appid in self.bots:
                    self.bots[bot.appid].role = role

    def join_request(
        self,
        name: str,
        message: str = "",
        *,
        invited_by: Member | None = None,
        answers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> JoinRequest:
        """Let a person ask to join: GROUP_JOIN_REQUEST to the bots that are administrators (4.7).

        Args:
            name: Who asks.
            message: His words to the administrators.
            invited_by: The member who invited him.
            answers: Question to answer, where the group asks questions.
            extra: Fields merged into ``d``.

        Raises:
            PermissionError: The person is on the blacklist.
        """
        with self.platform.changing():
            user = self._check_blacklist(name)
            verify: dict[str, Any] = {"method": "verify_message", "verify_message": message}
            if answers:
                pairs = [{"question": q, "answer": a} for q, a in answers.items()]
                verify = {"method": "admin_review_qa", "review_qa_list": pairs}
            fields: dict[str, Any] = {
                "username": name,
                "apply_at": identifiers.rfc3339(self.platform.clock.now()),
                "apply_source": "self_apply" if invited_by is None else "invited",
                "verify_info": verify,
            }
            if invited_by is not None:
                fields["invited_by"] = invited_by.openid
            fields.update(extra or {})
            request = JoinRequest(f"AVK{identifiers.token(24)}", user, fields)
            self.requests[user.openid] = request
            for membership in self.bots.values():
                if membership.role != "member":
                    d = events.join_request(self, request)
                    self.platform.dispatch(membership.bot, "GROUP_JOIN_REQUEST", d)
            return request

    # What follows is called with the platform's lock held.

    def _check_blacklist(self, name: str) -> User:
        user = self.platform.person(name)
        if user.openid in self.blacklist:
            raise PermissionError(f"{name} is on the blacklist of {self.name!r}")
        return user

    def publish(self, message: ChatMessage, extra: Mapping[str, Any] | None = None) -> None:
        """Keep a message and deliver it to the bots that get it."""
        self.add(message)
        platform = self.platform
        platform.notice("message", message)
        for bot in [membership.bot for membership in self.bots.values()]:
            names = self._events_for(message, bot)
            if not names:
                continue
            fill(message)
            if message.sender is not bot:  # its own words cannot be answered: 50045
                platform.open_window(
                    bot, message.id, self.openid, platform.rules.group_window, c2c=False
                )
            for name in names:
                d = events.group_message(name, message, self, bot, platform.rules)
                d.update(extra or {})
                platform.dispatch(bot, name, d)

    def _events_for(self, message: ChatMessage, bot: Bot) -> list[str]:
        rules = self.platform.rules
        if isinstance(message.sender, Bot):
            echoed = rules.echo_own if message.sender is bot else rules.deliver_bots
            return [events.GROUP_FULL] if self._full_mode and echoed else []
        addressed = bot.appid in message.at
        if not self._full_mode:
            return [events.GROUP_AT] if addressed else []
        if addressed and rules.both_events:
            return [events.GROUP_AT, events.GROUP_FULL]
        return [events.GROUP_FULL]

    def admit(self, bot: Bot, role: Role = "member") -> None:
        """Make a bot a member without an event."""
        now, allowed = self.platform.clock.now(), self.platform.rules.group_push
        self.bots[bot.appid] = Membership(bot, now, allowed, role)

    def dismiss(self, member: Member) -> None:
        """Remove a member, if he still is one, and tell the bots."""
        if self.members.pop(member.openid, None) is not None:
            self.announce("GROUP_MEMBER_REMOVE", member)

    def announce(self, name: str, member: Member) -> None:
        """Tell every bot that a member came or went."""
        for membership in self.bots.values():
            d = events.member_change(self, member, self.platform.clock.now(), self.platform.rules)
            self.platform.dispatch(membership.bot, name, d)

    def _tell(self, bot: Bot, name: str, operator: Member) -> str:
        d = events.group_change(self, operator, self.platform.clock.now())
        return self.platform.dispatch(bot, name, d)

    def role_of(self, sender: Member | User | Bot) -> str:
        """Return the role somebody has here."""
        if isinstance(sender, Bot):
            membership = self.bots.get(sender.appid)
            return membership.role if membership else "member"
        member = self.members.get(sender.openid)
        return member.role if member else "member"
