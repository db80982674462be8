"""Clicks on buttons, and the other things that come as INTERACTION_CREATE."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from qqgroup_sync.events.asking import Asking
from qqgroup_sync.events.base import bound
from qqgroup_sync.events.notices import Notice

if TYPE_CHECKING:
    from collections.abc import Mapping

_INTERACTIONS = {
    11: "button",
    12: "menu",
    13: "feedback",
    14: "clear_session",
    15: "story",
    16: "switch_model",
    18: "user_authorize",
    19: "group_authorize",
    20: "group_authorize_status",
}


@dataclass(frozen=True, slots=True, repr=False)
class Interaction(Notice, Asking):
    """Somebody pressed a button, or did another thing that is no message.

    What a button calls may go on with ``ask``, ``confirm`` and ``choose``: they ask the person who
    clicked, where the click was, and what is typed comes as a ``Message``.

    Source: interaction event page, 2026-08. A reply uses ``event_id``, the acknowledgement
    ``interaction_id``.

    Attributes:
        interaction_id: Id for the acknowledgement.
        type: 11 button, 12 quick menu in C2C, 13 feedback, 14 session cleared, 15 story entered or
            left, 16 model switched, 18 user's permission, 19 group's permission, 20 its state.
        scene: ``group``, ``c2c`` or ``guild``.
        chat_type: 0 guild, 1 group, 2 C2C; None when absent, as in types 18 to 20.
        button_id: Id of the button.
        button_data: Data of the button; of a feedback its callback data.
        feature_id: The entry of the quick menu.
        message_id: The message that it is about: the bot's in a feedback.
        feedback: ``LIKE`` or ``UNLIKE``.
        checked: Whether the feedback was given, not taken back.
        action: ``ENTER_STORY`` or ``QUIT_STORY``; the action on models in type 16.
        authorize_scope: ``c2c_push`` or ``group_push``.
        authorize_scene: Where it was decided: ``setting`` or ``dialog``.
        guild_id: Guilds only.
        channel_id: Guilds only.
        message_scene: ``key=value`` pairs that come with a feedback.
    """

    interaction_id: str = ""
    type: int = 0
    scene: str = ""
    chat_type: int | None = None
    button_id: str = ""
    button_data: str = ""
    feature_id: str = ""
    message_id: str = ""
    feedback: str = ""
    checked: bool = False
    action: str = ""
    authorize_scope: str = ""
    authorize_scene: str = ""
    guild_id: str = ""
    channel_id: str = ""
    message_scene: Mapping[str, str] = field(default_factory=dict, repr=False, hash=False)

    @property
    def kind(self) -> str:
        """Return ``type`` as a word.

        ``button``, ``menu``, ``feedback``, ``clear_session``, ``story``, ``switch_model``,
        ``user_authorize``, ``group_authorize`` or ``group_authorize_status``; empty when unknown.
        """
        return _INTERACTIONS.get(self.type, "")

    @property
    def needs_acknowledgement(self) -> bool:
        """Tell whether QQ shows a spinner until it is acknowledged: types 11 and 12."""
        return self.type in (11, 12)

    def acknowledge(self, code: int = 0) -> None:
        """Tell QQ that this was received, so that it stops to show a spinner.

        Blocks until the platform has answered. Safe to call from any thread.

        Args:
            code: 0 done, 1 failed, 2 too often, 3 done before, 4 no permission, 5 administrators
                only. Source: interaction acknowledgement page, 2026-08.

        Raises:
            StateError: There is no client behind this interaction.
            ApiError: QQ refused: it was acknowledged before, or after about 3 seconds.
        """
        bound(self.actions, self).acknowledge(self, code)

    ack = acknowledge
