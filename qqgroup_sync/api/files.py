"""Endpoints for files: uploads for messages, and the image library for Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.api.calls import Calls, each, given, required, segment
from qqgroup_sync.api.repeating import Repeat
from qqgroup_sync.api.transport import json_body
from qqgroup_sync.errors import BadResponse, ConfigError, Text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from qqgroup_sync.api.file_records import Upload, UploadPlan
    from qqgroup_sync.api.group_records import Page

Scene = Literal["group", "c2c"]

LEAN_MOST = 1024 * 1024  # characters of base64
UPLOAD_TIMEOUT = 120.0  # the platform fetches a URL, or puts parts together, before it answers


class FileCalls(Calls):
    """Uploads and the image library."""

    def upload_file(
        self,
        scene: Scene,
        openid: str,
        *,
        file_type: int | None = None,
        url: str | None = None,
        file_data: str | bytes | None = None,
        upload_id: str | None = None,
        file_name: str | None = None,
        srv_send_msg: bool = False,
        timeout: float = UPLOAD_TIMEOUT,
    ) -> Upload:
        """Hand the platform a file, or finish a chunked upload.

        Args:
            scene: Where it will be sent; the two never share a ``file_info``.
            openid: group_openid or user_openid, as the scene asks.
            file_type: 1 picture, 2 video, 3 voice, 4 file; may be left out with ``upload_id``.
            url: Public link that the platform fetches. One of the three ways is given.
            file_data: Base64 without a ``data:`` prefix, quickest as bytes; up to about 10 MB of
                content (undocumented; 413 above).
            upload_id: Of ``prepare_upload``, when all parts are finished.
            file_name: Shown for type 4.
            srv_send_msg: Deliver at once, as a proactive message; then ``Upload.id`` is set.
            timeout: Seconds for one attempt.

        Returns:
            The ``file_info`` to send, and how long it stays valid.

        Raises:
            ConfigError: Not exactly one of url, file_data and upload_id is given.
            MediaRejected: The platform refuses the file, or cannot fetch it.
            BadResponse: The answer has no ``file_info``.

        Limit: 50 per second; 200 MB; a daily volume of unknown size. Source: rich-media upload
        page, 2026-08; base64: official Node SDK, 2026.
        """
        from qqgroup_sync.api.file_records import Upload  # noqa: PLC0415 - a text bot needs none

        if sum(way is not None for way in (url, file_data, upload_id)) != 1:
            raise ConfigError(
                "give exactly one of url, file_data and upload_id",
                remedy=Text(
                    "Choose one way to hand the file over.",
                    "url、file_data、upload_id 三选一。",
                ),
            )
        fields = given(
            file_type=file_type,
            url=url,
            file_data=file_data if isinstance(file_data, str) else None,
            upload_id=upload_id,
            srv_send_msg=srv_send_msg,
            file_name=file_name,
        )
        body: dict[str, Any] | bytes = fields
        if isinstance(file_data, bytes):
            # Half of what a picture costs would be to look for characters to be escaped.
            body = b'%b,"file_data":"%b"}' % (json_body(fields)[:-1], file_data)
        path = f"{_target(scene, openid)}/files"
        repeat = Repeat.UNSENT if srv_send_msg else Repeat.SAFE
        # The hot call of bots that send pictures. A large body goes by requests, which still reads
        # the answer (413) of a server that does not take all of it.
        lean = not srv_send_msg and file_data is not None and len(file_data) <= LEAN_MOST
        answer = self._http.call(
            "POST", path, body, repeat=repeat, lean=lean, timeout=timeout, unasked=srv_send_msg
        )
        if not srv_send_msg:
            required(answer, "file_info", f"POST {path}")
        return Upload.read(answer.data)

    def prepare_upload(
        self,
        scene: Scene,
        openid: str,
        *,
        file_type: int,
        file_size: int | str,
        file_name: str,
        md5: str,
        sha1: str,
        md5_10m: str,
    ) -> UploadPlan:
        """Begin a chunked upload.

        Args:
            scene: Where the file will be sent.
            openid: group_openid or user_openid, as the scene asks.
            file_type: 1 picture, 2 video, 3 voice, 4 file.
            file_size: Bytes. Sent as given: documented as a string, taken as an int by most
                reports; 850012 says to try the other.
            file_name: Name of the file.
            md5: Hex digest of the file.
            sha1: Hex digest of the file.
            md5_10m: Hex MD5 of the first 10 002 432 bytes.

        Returns:
            Where each part goes.

        Raises:
            MediaRejected: The platform refuses the file.
            BadResponse: The answer has neither an upload with parts nor a ``file_info``.

        Limit: 10 per second; 200 MB. Source: upload-prepare page, 2026-08.
        """
        from qqgroup_sync.api.file_records import UploadPlan  # noqa: PLC0415 - a text bot needs none

        body = {
            "file_type": file_type,
            "file_size": file_size,
            "file_name": file_name,
            "md5": md5,
            "sha1": sha1,
            "md5_10m": md5_10m,
        }
        path = f"{_target(scene, openid)}/upload_prepare"
        answer = self._http.call("POST", path, body)
        plan = UploadPlan.read(answer.data)
        if plan.upload is None:
            required(answer, "upload_id", f"POST {path}")
            placed = bool(plan.parts) and all(part.presigned_url for part in plan.parts)
            if not placed or plan.block_size <= 0:
                raise BadResponse(f"POST {path}: the answer does not say where the parts go")
        return plan

    def finish_upload_part(
        self,
        scene: Scene,
        openid: str,
        *,
        upload_id: str,
        part_index: int,
        block_size: int | str,
        md5: str,
    ) -> None:
        """Tell the platform that a part was PUT.

        Args:
            scene: As in ``prepare_upload``.
            openid: As in ``prepare_upload``.
            upload_id: Of the plan.
            part_index: ``UploadPart.index``, as received.
            block_size: Bytes of this part. Sent as given: documented as a string, sent as an int
                by everybody.
            md5: Hex digest of the part.

        Raises:
            ServerError: The part is not there yet (40093001); try again every second until the
                plan's ``retry_timeout``.

        Limit: 10 per second. Source: upload-part-finish page, 2026-08.
        """
        self._http.call(
            "POST",
            f"{_target(scene, openid)}/upload_part_finish",
            {
                "upload_id": upload_id,
                "part_index": part_index,
                "block_size": block_size,
                "md5": md5,
            },
        )

    # The image library is known from one other SDK only (2.2.1, 2026-10), without limits.

    def prepare_image(
        self, *, file_name: str, file_size: int, content_type: str, md5: str, sha1: str
    ) -> dict[str, Any]:
        """Begin the upload of an image into the bot's image library.

        Args:
            file_name: Name of the file.
            file_size: Bytes, up to 10 MB.
            content_type: image/png, image/jpeg, image/gif or image/webp; the PUT must carry
                exactly this.
            md5: Hex digest.
            sha1: Hex digest.

        Returns:
            ``upload_id`` (valid 4 hours), ``presigned_url``, ``expires_in``.

        Raises:
            MediaRejected: The library holds 100 images already (40035007).
            BadResponse: The answer has no ``upload_id`` or ``presigned_url``.

        Limit: unknown. Source: qq-botpy-sdk 2.2.1, 2026-10.
        """
        path = "/v2/media-images/prepare"
        answer = self._http.call(
            "POST",
            path,
            {
                "file_name": file_name,
                "file_size": file_size,
                "content_type": content_type,
                "md5": md5,
                "sha1": sha1,
            },
        )
        required(answer, "upload_id", f"POST {path}")
        required(answer, "presigned_url", f"POST {path}")
        return answer.data

    def complete_image(self, *, upload_id: str, md5: str) -> dict[str, Any]:
        """Finish the upload of an image.

        Args:
            upload_id: Of ``prepare_image``.
            md5: Hex digest of the image.

        Returns:
            ``image_id``, ``url`` (for a Markdown image), ``ttl`` in seconds, which begins anew with
            every use, ``preview_url``.

        Raises:
            BadResponse: The answer has no ``url``.

        Limit: unknown. Source: qq-botpy-sdk 2.2.1, 2026-10.
        """
        path = "/v2/media-images/complete"
        answer = self._http.call("POST", path, {"upload_id": upload_id, "md5": md5})
        required(answer, "url", f"POST {path}")
        return answer.data

    def list_images(self, *, cursor: str = "") -> Page[dict[str, Any]]:
        """Fetch one page of the image library.

        Args:
            cursor: ``next_cursor`` of the page before.

        Returns:
            The images as the platform gives them; ``raw["total"]`` counts them.

        Limit: unknown. Source: qq-botpy-sdk 2.2.1, 2026-10.
        """
        return self._page("/v2/media-images", "images", dict, cursor=cursor)

    def iter_images(self) -> Iterator[dict[str, Any]]:
        """Yield all images of the library, page by page."""
        return each(lambda cursor: self.list_images(cursor=cursor))

    def delete_image(self, image_id: str) -> None:
        """Remove an image from the library.

        Args:
            image_id: Of ``complete_image`` or ``list_images``.

        Raises:
            NotFound: There is no such image (40035008).

        Limit: unknown. Source: qq-botpy-sdk 2.2.1, 2026-10.
        """
        self._http.call("DELETE", f"/v2/media-images/{segment(image_id, 'image_id')}/delete")


def _target(scene: str, openid: str) -> str:
    if scene == "group":
        return f"/v2/groups/{segment(openid, 'group_openid')}"
    if scene == "c2c":
        return f"/v2/users/{segment(openid, 'user_openid')}"
    raise ConfigError(
        f"scene must be 'group' or 'c2c', not {scene!r}",
        remedy=Text("Say where the file will be sent.", "请说明文件要发到群聊还是私聊。"),
    )
