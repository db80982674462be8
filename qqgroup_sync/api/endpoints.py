"""The platform's REST endpoints for groups and private chats, one typed method each.

Thin: a method builds path and body, calls ``Http`` and types the answer. Methods that belong
together stand in a module of their own (messages, files, groups, admission, panels).
"""

from __future__ import annotations

from qqgroup_sync.api.admission import AdmissionCalls
from qqgroup_sync.api.calls import given, required
from qqgroup_sync.api.files import FileCalls
from qqgroup_sync.api.groups import GroupCalls
from qqgroup_sync.api.messages import MessageCalls
from qqgroup_sync.api.panels import PanelCalls
from qqgroup_sync.api.records import BotProfile, GatewayInfo


class Endpoints(MessageCalls, FileCalls, GroupCalls, AdmissionCalls, PanelCalls):
    """Every endpoint, as a method.

    Each method blocks until the platform answered, and may be called from any thread. Besides
    what it lists itself, each raises ``ApiError`` (the platform said no), ``TransportError`` (no
    answer came), ``BadResponse`` (the answer is not what the API promises), and ``ConfigError``
    for an empty id.

    Args:
        http: Carries the requests.
    """

    def gateway(self) -> str:
        """Return the address of the gateway.

        Returns:
            A WebSocket URL.

        Raises:
            BadResponse: The answer has no ``url``.

        Limit: 2 per minute, burst 10. Source: gateway URL page, 2026-08.
        """
        return required(self._http.call("GET", "/gateway"), "url", "GET /gateway")

    def gateway_bot(self) -> GatewayInfo:
        """Return the address of the gateway, and how many sessions may be started.

        Returns:
            Address, suggested shards, session limits; times in seconds.

        Raises:
            BadResponse: The answer has no ``url``.

        Limit: 2 per minute, burst 10. Source: gateway URL page, 2026-08.
        """
        answer = self._http.call("GET", "/gateway/bot")
        return GatewayInfo.read(required(answer, "url", "GET /gateway/bot"), answer.data)

    def bot_profile(self) -> BotProfile:
        """Return the bot's own profile.

        Returns:
            Id, name, picture, share link, words of welcome.

        Limit: 50 per second. Source: bot profile page, 2026-08.
        """
        return BotProfile.read(self._http.call("GET", "/users/@me").data)

    def generate_url_link(self, callback_data: str = "") -> str:
        """Return a link with which users add the bot as a friend.

        Args:
            callback_data: Up to 32 characters; comes back as ``scene_param`` of FRIEND_ADD.

        Returns:
            The link.

        Raises:
            BadResponse: The answer has no ``url_link``.

        Limit: 50 per second. Source: share link page, 2026-08.
        """
        path = "/v2/generate_url_link"
        answer = self._http.call("POST", path, given(callback_data=callback_data or None))
        return required(answer, "url_link", f"POST {path}")
