"""Endpoints about groups themselves (2.9); the rules are in ``management``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request

from qqgroup_sync.simulator.openapi_messages import answer, body
from qqgroup_sync.simulator.refusals import RefusalError

if TYPE_CHECKING:
    from qqgroup_sync.simulator.management import Management
    from qqgroup_sync.simulator.simulator import Simulator


def create(simulator: Simulator) -> Blueprint:
    """Build the blueprint."""
    blueprint = Blueprint("groups", __name__)
    management = simulator.platform.management
    _add_members(blueprint, management)
    _add_administration(blueprint, management)
    _add_unsupported(blueprint)
    return blueprint


def _argument(name: str) -> str:
    return str(request.args.get(name, ""))


def _add_members(blueprint: Blueprint, management: Management) -> None:
    @blueprint.get("/v2/groups/<openid>/info")
    def get_info(openid: str) -> Response:
        return answer(management.info(g.bot, openid))

    @blueprint.get("/v2/groups/<openid>/bot_state")
    def get_bot_state(openid: str) -> Response:
        return answer(management.bot_state(g.bot, openid))

    @blueprint.get("/v2/groups/<openid>/members")
    def get_members(openid: str) -> Response:
        return answer(management.members(g.bot, openid, _argument("cursor")))

    @blueprint.post("/v2/groups/<openid>/members")
    def list_members(openid: str) -> Response:
        """Answer the obsolete form, which other SDKs still offer (2.3)."""
        return answer(management.old_members(g.bot, openid, body()))

    @blueprint.get("/v2/groups/<openid>/members/<member_openid>")
    def get_member(openid: str, member_openid: str) -> Response:
        return answer(management.member(g.bot, openid, member_openid))

    @blueprint.post("/v2/groups/<openid>/batch_remove_members")
    def remove_members(openid: str) -> Response:
        return answer(management.remove(g.bot, openid, body()))


def _add_administration(blueprint: Blueprint, management: Management) -> None:
    @blueprint.get("/v2/groups/<openid>/member_blacklist")
    def get_blacklist(openid: str) -> Response:
        return answer(management.blacklist(g.bot, openid, _argument("cursor"), _argument("limit")))

    @blueprint.post("/v2/groups/<openid>/member_blacklist")
    def change_blacklist(openid: str) -> Response:
        return answer(management.change_blacklist(g.bot, openid, body()))

    @blueprint.get("/v2/groups/<openid>/join_request_list")
    def get_join_requests(openid: str) -> Response:
        return answer(
            management.join_requests(g.bot, openid, _argument("cursor"), _argument("limit"))
        )

    @blueprint.post("/v2/groups/<openid>/approval_join_request/<member_openid>")
    def decide(openid: str, member_openid: str) -> Response:
        return answer(management.decide(g.bot, openid, member_openid, body()))

    @blueprint.get("/v2/groups/<openid>/restrict_chat_setting")
    def get_mutes(openid: str) -> Response:
        return answer(management.mutes(g.bot, openid))

    @blueprint.post("/v2/groups/<openid>/restrict_chat_setting")
    def change_mutes(openid: str) -> Response:
        return answer(management.change_mutes(g.bot, openid, body()))


def _add_unsupported(blueprint: Blueprint) -> None:
    """Say plainly what groups do not have, rather than "no such route"."""

    @blueprint.post("/v2/groups/<openid>/stream_messages")
    def refuse(**_path: str) -> Response:
        raise RefusalError(10000, "streamed messages are for C2C only", status=404)
