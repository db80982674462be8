"""Endpoints that take media, and streamed messages (2.10, 2.11)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import Blueprint, Response, g, request

from qqgroup_sync.simulator.openapi_messages import answer, body

if TYPE_CHECKING:
    from qqgroup_sync.simulator.images import ImageLibrary
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

    _add_images(blueprint, simulator.platform.images)
    return blueprint


def _add_images(blueprint: Blueprint, images: ImageLibrary) -> None:
    @blueprint.post("/v2/media-images/prepare")
    def prepare_image() -> Response:
        return answer(images.prepare(g.bot, body()))

    @blueprint.post("/v2/media-images/complete")
    def complete_image() -> Response:
        return answer(images.complete(g.bot, body()))

    @blueprint.get("/v2/media-images")
    def list_images() -> Response:
        return answer(images.page(g.bot, request.args.get("cursor", "")))

    @blueprint.delete("/v2/media-images/<image_id>/delete")
    def delete_image(image_id: str) -> Response:
        images.delete(g.bot, image_id)
        return answer({})
