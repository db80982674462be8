"""The rules by which bots upload media (2.10, section 7).

Parts of chunked uploads are in ``uploads``, the files themselves in ``shelf``. No sockets: what has
to be fetched is fetched by the platform's ``fetch``.
"""

from __future__ import annotations

import base64
import binascii
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from qqgroup_sync.simulator import formats, identifiers
from qqgroup_sync.simulator.blobs import Blob, BlobTooLargeError
from qqgroup_sync.simulator.fetching import FetchError
from qqgroup_sync.simulator.groups import Group
from qqgroup_sync.simulator.posting import Post
from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.rules import DAY
from qqgroup_sync.simulator.shelf import MediaFile, MediaShelf
from qqgroup_sync.simulator.uploads import Uploads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from qqgroup_sync.simulator.formats import Format
    from qqgroup_sync.simulator.platform import Platform
    from qqgroup_sync.simulator.records import Bot
    from qqgroup_sync.simulator.rules import Rules
    from qqgroup_sync.simulator.users import User

IMAGE, VIDEO, VOICE, FILE = 1, 2, 3, 4
_WAYS = {"url": "url", "file_data": "file_data", "upload_id": "chunked"}


@dataclass(slots=True)
class _Content:
    """What is uploaded, whatever way it came."""

    blob: Blob
    file_type: int
    name: str
    url: str = ""


class Media:
    """The rules of ``/files`` and its companions; every method is safe from any thread.

    Args:
        platform: Where the chats are.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self.shelf = MediaShelf()
        self.uploads = Uploads(platform)
        self._volume: dict[str, deque[tuple[float, int]]] = {}

    def upload(
        self, bot: Bot, openid: str, payload: Mapping[str, Any], *, c2c: bool
    ) -> dict[str, Any]:
        """Carry out POST /v2/{groups,users}/{openid}/files.

        Returns:
            The answer: ``file_uuid``, ``file_info``, ``ttl``, and sometimes ``id``, ``raw_url``.

        Raises:
            RefusalError: With the platform's code.
        """
        try:
            return self._upload(bot, openid, payload, c2c=c2c)
        except RefusalError:
            self._platform.stats.add("uploads_refused")
            raise

    def prepare(
        self, bot: Bot, openid: str, payload: Mapping[str, Any], *, c2c: bool
    ) -> dict[str, Any]:
        """Carry out POST /v2/{groups,users}/{openid}/upload_prepare.

        Raises:
            RefusalError: With the platform's code.
        """
        platform, rules = self._platform, self._platform.rules
        try:
            check_way("chunked", rules)
            self._chat(bot, openid, c2c=c2c)
            wanted = self.uploads.read(payload, rules)
            with platform.lock:
                self._check_volume(bot, wanted.size)
            known = self._known(bot, wanted.md5, wanted.sha1, wanted.size)
            if known is not None and rules.instant_upload:
                content = _Content(known, wanted.file_type, wanted.name)
                return self._keep(bot, content, "instant", _scene(c2c=c2c))[1]
            return self.uploads.prepare(bot, _scene(c2c=c2c), wanted)
        except RefusalError:
            platform.stats.add("uploads_refused")
            raise

    def finish_part(
        self, bot: Bot, openid: str, payload: Mapping[str, Any], *, c2c: bool
    ) -> dict[str, Any]:
        """Carry out POST /v2/{groups,users}/{openid}/upload_part_finish; answers ``{}``.

        Raises:
            RefusalError: 850012, or 40093001 for a part that has not arrived yet.
        """
        check_way("chunked", self._platform.rules)
        self._chat(bot, openid, c2c=c2c)
        self.uploads.finish_part(bot, _scene(c2c=c2c), payload)
        return {}

    def _upload(
        self, bot: Bot, openid: str, payload: Mapping[str, Any], *, c2c: bool
    ) -> dict[str, Any]:
        rules = self._platform.rules
        chat = self._chat(bot, openid, c2c=c2c)
        way = _way_of(payload)
        check_way(way, rules)
        wish = payload.get("srv_send_msg", False)
        if not isinstance(wish, bool):
            raise RefusalError(850012, "srv_send_msg must be a boolean")
        name = payload.get("file_name") or ""
        if not isinstance(name, str):
            raise RefusalError(850012, "file_name must be a string")
        if way == "chunked":
            return self._finish(bot, chat, payload, name, send=wish)
        file_type = read_type(payload)
        if way == "url":
            content = self._fetch(str(payload["url"]), file_type, name)
        else:
            content = _Content(_decode(payload["file_data"], rules), file_type, name)
        file, answer = self._keep(bot, content, way, _scene(c2c=c2c))
        if wish:
            self._send(bot, chat, file, answer)
        return answer

    def _finish(
        self, bot: Bot, chat: Group | User, payload: Mapping[str, Any], name: str, *, send: bool
    ) -> dict[str, Any]:
        """Put the parts together; asked again, the answer is the same."""
        scene = _scene(c2c=not isinstance(chat, Group))
        if payload.get("file_type") is None and self._platform.rules.finish_needs_type:
            raise RefusalError(850012, "file_type is missing")
        upload = self.uploads.claim(bot, scene, payload)
        try:
            if upload.answer is not None:
                return upload.answer
            file_type = upload.file_type
            if payload.get("file_type") not in (None, 0, file_type):
                raise RefusalError(850012, "file_type differs from the one of upload_prepare")
            content = _Content(upload.assemble(), file_type, name or upload.name)
            file, answer = self._keep(bot, content, "chunked", scene)
            if file.file_type != FILE:
                answer["raw_url"] = self._raw_url(file)
            if send:
                self._send(bot, chat, file, answer)
            upload.complete(answer)
        finally:
            self.uploads.release(upload)
        return answer

    def _raw_url(self, file: MediaFile) -> str:
        platform = self._platform
        now, life = platform.clock.now(), platform.rules.file_ttl or platform.rules.upload_life
        return platform.links.presigned("GET", file.id, now=now, life=life)

    # -- the steps of an upload

    def _chat(self, bot: Bot, openid: str, *, c2c: bool) -> Group | User:
        """Return the chat, or refuse a bot that may not speak there."""
        platform = self._platform
        with platform.lock:
            if c2c:
                user = platform.user_of(openid)
                if not user.contact(bot).friend:
                    raise RefusalError(40054004)
                return user
            group = platform.group_of(openid)
            membership = group.bots.get(bot.appid)
            if membership is None:
                raise RefusalError(40054003)
            if membership.muted_until > platform.clock.now():
                raise RefusalError(850018)
            return group

    def _fetch(self, url: str, file_type: int, name: str) -> _Content:
        rules = self._platform.rules
        if not url.lower().startswith(("http://", "https://")):
            raise RefusalError(850012, "url must start with http")
        try:
            found = self._platform.fetch(url, limit=rules.hard_limit, timeout=rules.fetch_timeout)
        except FetchError as error:
            raise RefusalError(850026, str(error)) from error
        except BlobTooLargeError as error:
            raise RefusalError(850031) from error
        return _Content(found.blob, file_type, name or found.name, url)

    def _keep(
        self, bot: Bot, content: _Content, way: str, scene: Literal["group", "c2c"]
    ) -> tuple[MediaFile, dict[str, Any]]:
        """Judge the content and put it on the shelf."""
        platform, rules = self._platform, self._platform.rules
        blob = content.blob
        found, file_type = _judge(blob, content.file_type, rules)
        # Without a name a file is shown under one like a hash (2.10).
        name = content.name or f"{identifiers.token().upper()}.{found.name}"
        with platform.changing():
            now = platform.clock.now()
            self._check_volume(bot, blob.size)
            self._volume.setdefault(bot.appid, deque()).append((now, blob.size))
            file = MediaFile(
                file_info=base64.b64encode(identifiers.token(36).encode()).decode(),
                scene=scene,
                file_type=file_type,
                expires_at=now + rules.file_ttl if rules.file_ttl else None,
                name=name,
                content_type=found.content_type,
                appid=bot.appid,
                way=way,
                url=content.url,
                blob=blob,
            )
            self.shelf.keep(file)
        platform.stats.add(f"uploads_{way}")
        platform.stats.add("upload_bytes", blob.size)
        info = {"file_uuid": file.id, "file_info": file.file_info, "ttl": rules.file_ttl}
        return file, info

    def _send(self, bot: Bot, chat: Group | User, file: MediaFile, answer: dict[str, Any]) -> None:
        """Deliver a file at once, as a message nobody asked for (``srv_send_msg``)."""
        payload = {"msg_type": 7, "media": {"file_info": file.file_info}}
        platform = self._platform
        with platform.changing():
            answer["id"] = Post(platform, bot, chat, payload).accept().id

    def _check_volume(self, bot: Bot, size: int) -> None:
        """Refuse what a bot uploads beyond its volume of a day; the lock must be held."""
        limit = self._platform.rules.upload_quota
        spent = self._volume.get(bot.appid)
        if spent is not None:
            while spent and spent[0][0] <= self._platform.clock.now() - DAY:
                spent.popleft()
        if limit is not None and size + sum(one for _, one in spent or ()) > limit:
            raise RefusalError(40093002)

    def _known(self, bot: Bot, md5: str, sha1: str, size: int) -> Blob | None:
        """Return content that this bot has uploaded before, where that is looked at."""
        if not self._platform.rules.instant_upload:
            return None
        with self._platform.lock:
            blobs = [one.blob for one in self.shelf if one.appid == bot.appid]
        for blob in blobs:
            if blob is not None and blob.size == size and blob.hashes[:2] == (md5, sha1):
                return blob
        return None


def check_way(way: str, rules: Rules) -> None:
    """Refuse a way of uploading that is closed, as the rules say.

    Raises:
        RefusalError: ``refused_way``.
    """
    if way in rules.upload_ways:
        return
    wish = rules.refused_way
    code = wish if isinstance(wish, int) else wish.get(way, 10000)
    raise RefusalError(code, "this way of uploading", status=code if code < 1000 else 400)


def read_type(payload: Mapping[str, Any]) -> int:
    """Return the ``file_type``, or refuse with 850012."""
    file_type = payload.get("file_type")
    if not isinstance(file_type, int) or isinstance(file_type, bool):
        raise RefusalError(850012, f"file_type {file_type!r}")
    if file_type not in (IMAGE, VIDEO, VOICE, FILE):
        raise RefusalError(850012, f"file_type {file_type}")
    return file_type


def _scene(*, c2c: bool) -> Literal["group", "c2c"]:
    return "c2c" if c2c else "group"


def _way_of(payload: Mapping[str, Any]) -> str:
    """Return the way an upload goes; a field that is empty counts as absent."""
    given = [field for field in _WAYS if payload.get(field)]
    if len(given) != 1:
        raise RefusalError(850012, "exactly one of url, file_data and upload_id is needed")
    if not isinstance(payload[given[0]], str):
        raise RefusalError(850012, f"{given[0]} must be a string")
    return _WAYS[given[0]]


def _decode(text: str, rules: Rules) -> Blob:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise RefusalError(850012, "file_data is not base64") from None
    if len(data) > rules.hard_limit:
        raise RefusalError(850031)
    return Blob.of(data)


def _judge(blob: Blob, file_type: int, rules: Rules) -> tuple[Format, int]:
    """Return what the content is, and as which ``file_type`` it goes: a file when it is large."""
    if blob.size > rules.hard_limit:
        raise RefusalError(850031)
    if blob.size == 0:
        raise RefusalError(850012, "the content is empty")
    found = formats.sniff(blob.read(0, formats.HEAD))
    allowed = {
        IMAGE: rules.image_formats,
        VIDEO: rules.video_formats,
        VOICE: rules.voice_formats,
    }.get(file_type)
    if allowed is not None and found.name not in allowed:
        raise RefusalError(850019, f"{found.name} as file_type {file_type}")
    if blob.size > rules.soft_limits.get(file_type, rules.hard_limit):
        return found, FILE
    return found, file_type
