"""Endpoints a bot cannot do without: token, gateway, profile, messages, acknowledgements."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from flask import Blueprint, Response, g, request

from qqgroup_sync.simulator import json_bodies
from qqgroup_sync.simulator.refusals import RefusalError, TokenRefusalError

if TYPE_CHECKING:
    from qqgroup_sync.simulator.simulator import Simulator

_CALLBACK_DATA = 32
_ACK_CODES = range(6)


def body() -> dict[str, Any]:
    """Return the JSON object of the request, or refuse with 11255."""
    return json_bodies.read_object(request.get_data())


def answer(found: Any, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(json_bodies.write(found), status, mimetype="application/json")


def create(simulator: Simulator) -> Blueprint:
    """Build the blueprint."""
    blueprint = Blueprint("messages", __name__)
    _add_sessions(blueprint, simulator)
    _add_messages(blueprint, simulator)
    return blueprint


def _add_sessions(blueprint: Blueprint, simulator: Simulator) -> None:
    platform = simulator.platform

    @blueprint.post("/app/getAppAccessToken")
    def get_app_access_token() -> Response:
        """Hand out a token; errors come with HTTP 200 and ``code`` (1.1)."""
        found = body()
        appid, secret = _text(found.get("appId")), _text(found.get("clientSecret"))
        try:
            token, life = platform.token_for(appid, secret)
        except TokenRefusalError as refusal:
            return answer({"code": refusal.code, "message": refusal.message})
        return answer({"access_token": token, "expires_in": str(life)})

    @blueprint.get("/gateway")
    def get_gateway() -> Response:
        return answer({"url": simulator.gateway_url})

    @blueprint.get("/gateway/bot")
    def get_gateway_bot() -> Response:
        limit = platform.start_limit(g.bot)
        return answer(
            {
                "url": simulator.gateway_url,
                "shards": simulator.platform.rules.shards,
                "session_start_limit": limit,
            }
        )

    @blueprint.get("/users/@me")
    def get_me() -> Response:
        """Describe the bot (2.9)."""
        bot = g.bot
        return answer(
            {
                "id": bot.number,
                "username": bot.username,
                "avatar": f"{simulator.url}/avatar/{bot.appid}.png",
                "bot": True,
                "union_openid": "",
                "union_user_account": "",
                "share_url": _share_link(bot.appid, bot.number, ""),
                "welcome_msg": "",
            }
        )

    @blueprint.post("/v2/generate_url_link")
    def generate_url_link() -> Response:
        data = body().get("callback_data", "")
        if not isinstance(data, str) or len(data) > _CALLBACK_DATA:
            raise RefusalError(10003, f"callback_data longer than {_CALLBACK_DATA}")
        return answer({"url_link": _share_link(g.bot.appid, g.bot.number, data)})


def _text(value: Any) -> str:
    """Return a credential, which some people write as a number; nothing else is one."""
    return str(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else ""


def _share_link(appid: str, number: str, data: str) -> str:
    link = f"https://qun.qq.com/qunpro/robot/qunshare?robot_appid={appid}&robot_uin={number}"
    return f"{link}&data={quote(data)}" if data else link


def _add_messages(blueprint: Blueprint, simulator: Simulator) -> None:
    messaging = simulator.platform.messaging

    @blueprint.post("/v2/groups/<openid>/messages")
    def post_to_group(openid: str) -> Response:
        return answer(messaging.send(g.bot, openid, body(), c2c=False))

    @blueprint.post("/v2/users/<openid>/messages")
    def post_to_user(openid: str) -> Response:
        return answer(messaging.send(g.bot, openid, body(), c2c=True))

    @blueprint.delete("/v2/groups/<openid>/messages/<message_id>")
    def recall_in_group(openid: str, message_id: str) -> Response:
        messaging.recall(g.bot, openid, message_id, c2c=False)
        return answer({})

    @blueprint.delete("/v2/users/<openid>/messages/<message_id>")
    def recall_in_c2c(openid: str, message_id: str) -> Response:
        messaging.recall(g.bot, openid, message_id, c2c=True)
        return answer({})

    @blueprint.put("/interactions/<interaction_id>")
    def acknowledge(interaction_id: str) -> Response:
        """Take the acknowledgement of a click (2.8)."""
        found = body()
        code = found.get("code", 0)
        if isinstance(code, bool) or code not in _ACK_CODES:
            raise RefusalError(630001, f"code {code!r}")
        messaging.acknowledge(g.bot, interaction_id, code, found.get("data"))
        return answer({})
