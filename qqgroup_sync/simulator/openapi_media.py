"""Endpoints that take media, and streamed messages (2.10, 2.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, g

from qqgroup_sync.simulator.openapi_messages import answer, body

if TYPE_CHECKING:
    from qqgroup_sync.simulator.simulator import Simulator


def create(simulator: Simulator) -> Blueprint:
    """Build the blueprint."""
    blueprint = Blueprint("media", __name__)
    media, streams = simulator.platform.media, simulator.platform.streams

    @blueprint.post("/v2/<any(groups, users):scene>/<openid>/files")
    def upload(scene: str, openid: str) -> Response:
        return answer(media.upload(g.bot, openid, body(), c2c=scene == "users"))

    @blueprint.post("/v2/<any(groups, users):scene>/<openid>/upload_prepare")
    def prepare(scene: str, openid: str) -> Response:
        return answer(media.prepare(g.bot, openid, body(), c2c=scene == "users"))

    @blueprint.post("/v2/<any(groups, users):scene>/<openid>/upload_part_finish")
    def finish_part(scene: str, openid: str) -> Response:
        return answer(media.finish_part(g.bot, openid, body(), c2c=scene == "users"))

    @blueprint.post("/v2/users/<openid>/stream_messages")
    def stream(openid: str) -> Response:
        return answer(streams.frame(g.bot, openid, body()))

    return blueprint
