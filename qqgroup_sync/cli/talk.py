"""What the people of a trial do: speak, send files, press buttons, come and go."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from qqgroup_sync.simulator import attachments

if TYPE_CHECKING:
    from pathlib import Path

    from qqgroup_sync.simulator.groups import Group, Member
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import Button, ChatMessage
    from qqgroup_sync.simulator.users import User

PERSON, GROUP = "Ming", "Test group"


class TalkError(Exception):
    """Something cannot be done; the text says why, and what can be."""


class Pressed(NamedTuple):
    """A button that was found.

    Attributes:
        message: Below which it stands.
        button: What it is.
    """

    message: ChatMessage
    button: Button


class Talk:
    """One person in one chat, who can be changed.

    Args:
        platform: Where the chats are.
        group: The group where he is; None for the private chat with the bot.
    """

    def __init__(self, platform: Platform, *, group: str | None = GROUP) -> None:
        self.platform = platform
        self.person = PERSON
        self.group = group
        self._quote = False

    @property
    def chat(self) -> Group | User:
        """Where he speaks."""
        if self.group is None:
            return self.platform.user(self.person)
        return self.platform.group(self.group)

    @property
    def speaker(self) -> Member | User:
        """Who speaks."""
        if self.group is None:
            return self.platform.user(self.person)
        return self.platform.group(self.group).member(self.person)

    @property
    def name(self) -> str:
        """Who and where, as a script file writes it."""
        return self.person if self.group is None else f"{self.person}@{self.group}"

    # ------------------------------------------------------------------ saying

    def say(self, text: str) -> ChatMessage:
        """Say something, to the bot.

        Raises:
            TalkError: He is muted.
        """
        return self._send(text)

    def send_file(self, path: Path, text: str = "") -> ChatMessage:
        """Send a picture, a video, a voice or just a file, whatever the content is.

        Raises:
            TalkError: It cannot be read.
        """
        return self._send(text, attachments=[attachments.recognise(_read(path), path.name)])

    def send_voice(self, path: Path, transcript: str = "") -> ChatMessage:
        """Send a voice: SILK, or a WAV.

        Raises:
            TalkError: It cannot be read, or is no voice.
        """
        try:
            made = attachments.voice(_read(path), transcript)
        except ValueError as error:
            raise TalkError(
                f"{path.name} cannot be a voice: {error}. Take SILK, or a 16 bit mono WAV of 8,"
                " 12, 16 or 24 kHz."
            ) from error
        return self._send("", attachments=[made])

    def quote_next(self) -> ChatMessage:
        """Let the next thing said quote the last answer.

        Raises:
            TalkError: There is none.
        """
        found = self._last_answer()
        if found is None:
            raise TalkError("There is nothing to quote yet: the bot has said nothing here.")
        self._quote = True
        return found

    def _send(self, text: str, **options: Any) -> ChatMessage:
        if self._quote:
            options["quote"] = self._last_answer()
            self._quote = False
        try:
            return self.speaker.say(text, **options)
        except PermissionError as error:
            raise TalkError(f"{error}: somebody who is muted can say nothing.") from error

    def _last_answer(self) -> ChatMessage | None:
        said = self.chat.messages
        return next((one for one in reversed(said) if one.from_bot and not one.recalled), None)

    # ------------------------------------------------------------------ buttons

    def buttons(self) -> list[Pressed]:
        """Return the buttons below the newest message that has some, in their order."""
        for message in reversed(self.chat.messages):
            if message.from_bot and not message.recalled and message.buttons:
                return [Pressed(message, button) for button in message.buttons]
        return []

    def find_button(self, label: str) -> Pressed:
        """Return the newest button of a label, or of an id.

        Raises:
            TalkError: There is none.
        """
        for message in reversed(self.chat.messages):
            if not message.from_bot or message.recalled:
                continue
            for button in message.buttons:
                if label in (button, button.id):
                    return Pressed(message, button)
        there = " | ".join(found.button for found in self.buttons()) or "none"
        raise TalkError(f"There is no button {label!r} here; the newest ones are: {there}")

    def press(self, found: Pressed) -> str:
        """Do what a button does.

        Returns:
            What happened where that is not seen in the chat; "" else.

        Raises:
            TalkError: It is not for this person.
        """
        button = found.button
        if button.kind == "command":
            self.say(button.data)
            return ""
        if button.kind == "link":
            return f"{button} opens {button.data}"
        try:
            self.speaker.click(found.message, button.id)
        except (PermissionError, LookupError, ValueError) as error:
            raise TalkError(str(error)) from error
        return ""

    # ------------------------------------------------------------------ coming and going

    def join(self, person: str, group: str) -> None:
        """Let a person join a group.

        Raises:
            TalkError: The person is on its blacklist.
        """
        try:
            self.platform.group(group).join(person)
        except PermissionError as error:
            raise TalkError(f"{error}: the bot has to take that back first.") from error

    def leave(self, person: str, group: str) -> None:
        """Let a person leave a group.

        Raises:
            TalkError: He is no member.
        """
        place = self.platform.group(group)
        member = next((one for one in list(place.members.values()) if one.name == person), None)
        if member is None:
            raise TalkError(f"{person} is no member of {group}.")
        place.remove(member)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise TalkError(f"{path} cannot be read: {error.strerror or error}") from error
