"""Every endpoint: the exact request that goes out, and what its answer becomes."""

from __future__ import annotations

import inspect
import json
from dataclasses import FrozenInstanceError
from typing import Any, NamedTuple

import pytest

from qqgroup_sync.api.endpoints import Endpoints
from qqgroup_sync.api.http import Answer
from qqgroup_sync.api.repeating import Repeat
from qqgroup_sync.errors import BadResponse, ConfigError

G = "B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4E5"
U = "A1B2C3D4E5F6A1B2C3D4E5F6A1B2C3D4"
M = "7A3B9C1D5E2F4A6B8C0D1E3F5A7B9C2D"
MSG = "ROBOT1.0_a.b/c+d="
MSG_QUOTED = "ROBOT1.0_a.b%2Fc%2Bd%3D"
TEN = 1784599200.0  # 2026-07-21T10:00:00+08:00
STAMP = "2026-07-21T10:00:00+08:00"


class FakeHttp:
    """Records calls as ``Http.call`` takes them; answers one after the other, then the last."""

    def __init__(self, *answers: dict[str, Any] | Answer) -> None:
        self.calls: list[dict[str, Any]] = []
        self.waiting: list[tuple[str, bool, float | None]] = []
        self.answers = [
            one if isinstance(one, Answer) else Answer(200, one, "t1") for one in answers or ({},)
        ]

    def call(
        self,
        method,
        path,
        body=None,
        *,
        repeat=Repeat.SAFE,
        params=None,
        lean=False,
        timeout=None,
        expects="",
        unasked=False,
        patience=None,
    ):
        assert_no_null(body)
        self.waiting.append((expects, unasked, patience))
        self.calls.append(
            {
                "method": method,
                "path": path,
                "body": body,
                "repeat": repeat,
                "params": params,
                "lean": lean,
                "timeout": timeout,
            }
        )
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def assert_no_null(value: Any) -> None:
    """Fail when a null would go out: the platform may refuse it."""
    if isinstance(value, dict):
        for inner in value.values():
            assert inner is not None
            assert_no_null(inner)
    elif isinstance(value, list):
        for inner in value:
            assert_no_null(inner)


def endpoints(*answers: dict[str, Any] | Answer) -> tuple[Endpoints, FakeHttp]:
    """Return the endpoints over a platform that gives these answers."""
    http = FakeHttp(*answers)
    return Endpoints(http), http


class Case(NamedTuple):
    """One call and the request it must make; ``result`` is compared, a dict by attributes."""

    name: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    request: str
    body: Any = None
    params: Any = None
    answer: dict[str, Any] = {}  # noqa: RUF012 - never changed
    result: Any = None
    repeat: Repeat = Repeat.SAFE
    lean: bool = False
    timeout: float | None = None


SENT = {"id": "ROBOT1.0_x", "timestamp": STAMP, "ext_info": {"ref_idx": "REFIDX_x=="}}
SENT_READ = {"id": "ROBOT1.0_x", "timestamp": TEN, "ref_idx": "REFIDX_x==", "audit_id": ""}
REPLY = {"msg_type": 0, "content": "hi", "msg_id": MSG, "msg_seq": 1}
PROACTIVE = {"msg_type": 0, "content": "hi"}
UPLOADED = {"file_uuid": "uuid_1", "file_info": "AE86", "ttl": 300}
UPLOADED_READ = {"file_uuid": "uuid_1", "file_info": "AE86", "ttl": 300, "id": "", "raw_url": ""}
PLAN = {
    "upload_id": "upload_1",
    "block_size": "10485760",
    "parts": [
        {"index": 2, "presigned_url": "https://cos/2?sign=b", "block_size": "100"},
        {"index": 1, "presigned_url": "https://cos/1?sign=a", "block_size": "10485760"},
    ],
    "upload_config": {"concurrency": 2, "retry_timeout": 120, "retry_delay": 3},
}
HASHES = {"md5": "m", "sha1": "s", "md5_10m": "t"}
MEMBER = {
    "member_openid": M,
    "username": "小明",
    "member_role": "admin",
    "bot": False,
    "joined_at": STAMP,
    "union_openid": "X",
}
MEMBER_READ = {**MEMBER, "joined_at": TEN}
JOIN_REQUEST = {
    "join_request_id": "AVK",
    "risk_tips": "",
    "union_openid": "X",
    "member_openid": M,
    "username": "n",
    "apply_at": STAMP,
    "apply_source": "self_apply",
    "invited_by": "",
    "bot": False,
    "verify_info": {
        "method": "admin_review_qa",
        "verify_message": "hello",
        "review_qa_list": [{"question": "q", "answer": "a"}],
    },
}
RECURRING = {
    "task_id": "task_2",
    "weekdays": [1, 7],
    "start_time": "13:05",
    "end_time": "14:05",
    "enabled": True,
}
ITEMS = [{"type": "command", "name": "查询天气", "desc": "查询当前天气"}]
PANEL = {"panel_id": "p_1", "scope": "c2c", "target_type": "all", "panel": {"items": ITEMS}}
STRATEGY = {"strategy_id": "st_1", "is_enable": "on", "expire_at": STAMP}
IMAGE = {"image_id": "i1", "url": "qqbot-media://image/v1/x", "ttl": 7776000, "preview_url": ""}

CASES = [
    # gateway, profile, link
    Case("gateway", (), {}, "GET /gateway", answer={"url": "wss://x/"}, result="wss://x/"),
    Case(
        "gateway_bot",
        (),
        {},
        "GET /gateway/bot",
        answer={
            "url": "wss://x/",
            "shards": 1,
            "session_start_limit": {
                "total": 1000,
                "remaining": 999,
                "reset_after": 14400000,
                "max_concurrency": 1,
            },
        },
        result={
            "url": "wss://x/",
            "shards": 1,
            "total": 1000,
            "remaining": 999,
            "reset_after": 14400.0,
            "max_concurrency": 1,
        },
    ),
    Case(
        "bot_profile",
        (),
        {},
        "GET /users/@me",
        answer={
            "id": "57",
            "username": "bot",
            "avatar": "https://a",
            "bot": True,
            "union_openid": "X",
            "union_user_account": "",
            "share_url": "https://s",
            "welcome_msg": "hello",
        },
        result={
            "id": "57",
            "username": "bot",
            "avatar": "https://a",
            "share_url": "https://s",
            "welcome_msg": "hello",
            "union_openid": "X",
        },
    ),
    Case(
        "generate_url_link",
        ("custom_data_123",),
        {},
        "POST /v2/generate_url_link",
        {"callback_data": "custom_data_123"},
        answer={"url_link": "https://qun.qq.com/q"},
        result="https://qun.qq.com/q",
    ),
    Case(
        "generate_url_link",
        (),
        {},
        "POST /v2/generate_url_link",
        {},
        answer={"url_link": "https://qun.qq.com/q"},
        result="https://qun.qq.com/q",
    ),
    # messages
    Case(
        "send_group_message",
        (G, REPLY),
        {},
        f"POST /v2/groups/{G}/messages",
        REPLY,
        answer=SENT,
        result=SENT_READ,
        lean=True,
    ),
    Case(
        "send_group_message",
        (G, PROACTIVE),
        {"timeout": 5.0},
        f"POST /v2/groups/{G}/messages",
        PROACTIVE,
        answer={**SENT, "timestamp": int(TEN)},
        result=SENT_READ,
        repeat=Repeat.UNSENT,
        lean=True,
        timeout=5.0,
    ),
    Case(
        "send_c2c_message",
        (U, REPLY),
        {"timeout": 5.0},
        f"POST /v2/users/{U}/messages",
        REPLY,
        answer={"id": "ROBOT1.0_x", "timestamp": STAMP},
        result={**SENT_READ, "ref_idx": ""},
        lean=True,
        timeout=5.0,
    ),
    Case(
        "send_stream_frame",
        (U, "first"),
        {"index": 0, "msg_seq": 1, "msg_id": MSG},
        f"POST /v2/users/{U}/stream_messages",
        {
            "input_mode": "replace",
            "input_state": 1,
            "index": 0,
            "content_type": "markdown",
            "content_raw": "first",
            "msg_id": MSG,
            "msg_seq": 1,
        },
        answer={**SENT, "remain_msg_len": 1990},
        result={**SENT_READ, "remain_msg_len": 1990},
        repeat=Repeat.NEVER,
        lean=True,
    ),
    Case(
        "send_stream_frame",
        (U, " and last"),
        {
            "index": 2,
            "msg_seq": 1,
            "event_id": "E:1",
            "stream_msg_id": "s1",
            "input_mode": "append",
            "input_state": 10,
            "content_type": "text",
            "is_wakeup": False,
            "timeout": 9.0,
        },
        f"POST /v2/users/{U}/stream_messages",
        {
            "input_mode": "append",
            "input_state": 10,
            "index": 2,
            "content_type": "text",
            "content_raw": " and last",
            "event_id": "E:1",
            "stream_msg_id": "s1",
            "msg_seq": 1,
            "is_wakeup": False,
        },
        answer=SENT,
        result={**SENT_READ, "remain_msg_len": None},
        repeat=Repeat.NEVER,
        lean=True,
        timeout=9.0,
    ),
    Case(
        "send_typing",
        (U,),
        {"msg_id": MSG, "msg_seq": 2, "seconds": 50},
        f"POST /v2/users/{U}/messages",
        {
            "msg_type": 6,
            "input_notify": {"input_type": 1, "input_second": 50},
            "msg_id": MSG,
            "msg_seq": 2,
        },
        answer={},
        result={"id": "", "timestamp": None},
        lean=True,
    ),
    Case("recall_group_message", (G, MSG), {}, f"DELETE /v2/groups/{G}/messages/{MSG_QUOTED}"),
    Case("recall_c2c_message", (U, MSG), {}, f"DELETE /v2/users/{U}/messages/{MSG_QUOTED}"),
    Case(
        "acknowledge_interaction",
        ("1b13d569-0000",),
        {},
        "PUT /interactions/1b13d569-0000",
        {"code": 0},
        lean=True,
    ),
    Case(
        "acknowledge_interaction",
        ("1b13d569-0000", 4),
        {"timeout": 2.0},
        "PUT /interactions/1b13d569-0000",
        {"code": 4},
        lean=True,
        timeout=2.0,
    ),
    # files
    Case(
        "upload_file",
        ("group", G),
        {"file_type": 1, "url": "https://example.com/image.png"},
        f"POST /v2/groups/{G}/files",
        {"file_type": 1, "url": "https://example.com/image.png", "srv_send_msg": False},
        answer=UPLOADED,
        result=UPLOADED_READ,
        timeout=120.0,
    ),
    Case(
        "upload_file",
        ("c2c", U),
        {"file_type": 4, "file_data": "aGk=", "file_name": "a.txt", "srv_send_msg": True},
        f"POST /v2/users/{U}/files",
        {"file_type": 4, "file_data": "aGk=", "file_name": "a.txt", "srv_send_msg": True},
        answer={"id": "ROBOT1.0_x"},
        result={"id": "ROBOT1.0_x", "file_info": ""},
        repeat=Repeat.UNSENT,
        timeout=120.0,
    ),
    Case(
        "upload_file",
        ("c2c", U),
        {"upload_id": "upload_1", "timeout": 300.0},
        f"POST /v2/users/{U}/files",
        {"upload_id": "upload_1", "srv_send_msg": False},
        answer={**UPLOADED, "raw_url": "https://cos/x?sign=1"},
        result={**UPLOADED_READ, "raw_url": "https://cos/x?sign=1"},
        timeout=300.0,
    ),
    Case(
        "prepare_upload",
        ("group", G),
        {"file_type": 2, "file_size": "10485860", "file_name": "demo.mp4", **HASHES},
        f"POST /v2/groups/{G}/upload_prepare",
        {"file_type": 2, "file_size": "10485860", "file_name": "demo.mp4", **HASHES},
        answer=PLAN,
        result={
            "upload_id": "upload_1",
            "block_size": 10485760,
            "concurrency": 2,
            "retry_timeout": 120.0,
            "retry_delay": 3.0,
            "upload": None,
        },
    ),
    Case(
        "prepare_upload",
        ("c2c", U),
        {"file_type": 2, "file_size": 10485860, "file_name": "demo.mp4", **HASHES},
        f"POST /v2/users/{U}/upload_prepare",
        {"file_type": 2, "file_size": 10485860, "file_name": "demo.mp4", **HASHES},
        answer=PLAN,
        result={"upload_id": "upload_1"},
    ),
    Case(
        "finish_upload_part",
        ("group", G),
        {"upload_id": "upload_1", "part_index": 1, "block_size": 100, "md5": "m"},
        f"POST /v2/groups/{G}/upload_part_finish",
        {"upload_id": "upload_1", "part_index": 1, "block_size": 100, "md5": "m"},
    ),
    Case(
        "finish_upload_part",
        ("c2c", U),
        {"upload_id": "upload_1", "part_index": 0, "block_size": "100", "md5": "m"},
        f"POST /v2/users/{U}/upload_part_finish",
        {"upload_id": "upload_1", "part_index": 0, "block_size": "100", "md5": "m"},
    ),
    Case(
        "prepare_image",
        (),
        {
            "file_name": "a.png",
            "file_size": 10,
            "content_type": "image/png",
            "md5": "m",
            "sha1": "s",
        },
        "POST /v2/media-images/prepare",
        {
            "file_name": "a.png",
            "file_size": 10,
            "content_type": "image/png",
            "md5": "m",
            "sha1": "s",
        },
        answer={"upload_id": "u", "presigned_url": "https://cos/i", "expires_in": 3600},
        result={"upload_id": "u", "presigned_url": "https://cos/i", "expires_in": 3600},
    ),
    Case(
        "complete_image",
        (),
        {"upload_id": "u", "md5": "m"},
        "POST /v2/media-images/complete",
        {"upload_id": "u", "md5": "m"},
        answer=IMAGE,
        result=IMAGE,
    ),
    Case(
        "list_images",
        (),
        {"cursor": "c1"},
        "GET /v2/media-images",
        params={"cursor": "c1"},
        answer={"images": [IMAGE], "next_cursor": "c2", "total": 2},
        result={"items": (IMAGE,), "next_cursor": "c2"},
    ),
    Case("delete_image", ("i 1",), {}, "DELETE /v2/media-images/i%201/delete"),
    # groups
    Case(
        "get_group_info",
        (G,),
        {},
        f"GET /v2/groups/{G}/info",
        answer={
            "group_openid": G,
            "group_name": "读书分享会",
            "group_finger_memo": "每周一本",
            "group_class_text": "文化",
            "group_tags": ["阅读", "文学"],
            "group_member_num": 256,
        },
        result={
            "group_openid": G,
            "group_name": "读书分享会",
            "group_finger_memo": "每周一本",
            "group_class_text": "文化",
            "group_tags": ("阅读", "文学"),
            "group_member_num": 256,
        },
    ),
    Case(
        "get_bot_state",
        (G,),
        {},
        f"GET /v2/groups/{G}/bot_state",
        answer={
            "member_openid": M,
            "joined_at": STAMP,
            "allow_proactive_msg": True,
            "recv_msg_setting": "only_mention",
            "member_role": "member",
        },
        result={
            "member_openid": M,
            "joined_at": TEN,
            "allow_proactive_msg": True,
            "recv_msg_setting": "only_mention",
            "member_role": "member",
        },
    ),
    Case(
        "list_members",
        (G,),
        {},
        f"GET /v2/groups/{G}/members",
        answer={"members": [], "next_cursor": ""},
        result={"items": (), "next_cursor": ""},
    ),
    Case(
        "list_members",
        (G,),
        {"cursor": "bG1f"},
        f"GET /v2/groups/{G}/members",
        params={"cursor": "bG1f"},
        answer={"members": [], "next_cursor": "bG2f"},
        result={"items": (), "next_cursor": "bG2f"},
    ),
    Case(
        "list_members_by_index",
        (G,),
        {"limit": 100, "start_index": 200},
        f"POST /v2/groups/{G}/members",
        {"limit": 100, "start_index": 200},
        answer={"members": [{"member_openid": M, "join_timestamp": 1}], "next_index": 300},
        result={"members": [{"member_openid": M, "join_timestamp": 1}], "next_index": 300},
    ),
    Case(
        "get_member",
        (G, M),
        {},
        f"GET /v2/groups/{G}/members/{M}",
        answer=MEMBER,
        result=MEMBER_READ,
    ),
    Case(
        "remove_members",
        (G, [M]),
        {},
        f"POST /v2/groups/{G}/batch_remove_members",
        {"member_openids": [M], "add_to_member_blacklist": False},
        answer={"remove_members_result": "success", "add_to_member_blacklist_fail_openids": []},
        result={"remove_members_result": "success", "add_to_member_blacklist_fail_openids": []},
        repeat=Repeat.UNSENT,
    ),
    Case(
        "list_blacklist",
        (G,),
        {"cursor": "c", "limit": 50},
        f"GET /v2/groups/{G}/member_blacklist",
        params={"cursor": "c", "limit": "50"},
        answer={"users": [{"member_openid": M, "banned_at": STAMP}], "next_cursor": ""},
        result={"items": ({"member_openid": M, "banned_at": STAMP},), "next_cursor": ""},
    ),
    Case(
        "change_blacklist",
        (G, "add", (M,)),
        {},
        f"POST /v2/groups/{G}/member_blacklist",
        {"op": "add", "member_openids": [M]},
        answer={"fail_openids": [M]},
        result=[M],
    ),
    Case(
        "change_blacklist",
        (G, "del", [M]),
        {},
        f"POST /v2/groups/{G}/member_blacklist",
        {"op": "del", "member_openids": [M]},
        answer={"fail_openids": None},
        result=[],
    ),
    Case(
        "get_chat_restrictions",
        (G,),
        {},
        f"GET /v2/groups/{G}/restrict_chat_setting",
        answer={
            "global_rule": {
                "mode": "schedule",
                "schedule_rules": [{"task_id": "task_1"}],
                "recurring_rules": [RECURRING],
            },
            "members": [{"member_openid": M, "mute_expire_at": STAMP, "username": "n"}],
        },
        result={
            "mode": "schedule",
            "schedule_rules": ({"task_id": "task_1"},),
            "recurring_rules": (RECURRING,),
            "muted": {M: TEN},
        },
    ),
    Case(
        "mute_members",
        (G, [M], TEN),
        {},
        f"POST /v2/groups/{G}/restrict_chat_setting",
        {"members": [{"op": "add", "member_openid": M, "mute_expire_at": STAMP}]},
    ),
    Case(
        "mute_members",
        (G, [M], TEN + 0.6),
        {"op": "update"},
        f"POST /v2/groups/{G}/restrict_chat_setting",
        {"members": [{"op": "update", "member_openid": M, "mute_expire_at": STAMP}]},
    ),
    Case(
        "unmute_members",
        (G, [M]),
        {},
        f"POST /v2/groups/{G}/restrict_chat_setting",
        {"members": [{"op": "del", "member_openid": M, "mute_expire_at": ""}]},
    ),
    # admission
    Case(
        "list_join_requests",
        (G,),
        {"limit": 100},
        f"GET /v2/groups/{G}/join_request_list",
        params={"limit": "100"},
        answer={"list": [], "next_cursor": "1785767153250497"},
        result={"items": (), "next_cursor": "1785767153250497"},
    ),
    Case(
        "approve_join_request",
        (G, M),
        {"join_request_id": "AVK"},
        f"POST /v2/groups/{G}/approval_join_request/{M}",
        {"op": "approve", "join_request_id": "AVK"},
        repeat=Repeat.UNSENT,
    ),
    Case(
        "decline_join_request",
        (G, M),
        {},
        f"POST /v2/groups/{G}/approval_join_request/{M}",
        {"op": "decline"},
        repeat=Repeat.UNSENT,
    ),
    Case(
        "decline_join_request",
        (G, M),
        {"join_request_id": "AVK", "reject_reason": "no", "add_to_member_blacklist": True},
        f"POST /v2/groups/{G}/approval_join_request/{M}",
        {
            "op": "decline",
            "join_request_id": "AVK",
            "reject_reason": "no",
            "add_to_member_blacklist": True,
        },
        repeat=Repeat.UNSENT,
    ),
    Case(
        "list_join_strategies",
        (),
        {},
        "GET /v2/groups/join_approval_strategy",
        answer={"strategies": [STRATEGY], "next_cursor": ""},
        result={"items": (STRATEGY,), "next_cursor": ""},
    ),
    Case(
        "create_join_strategy",
        (),
        {"group_openids": [G]},
        "POST /v2/groups/join_approval_strategy",
        {"group_openids": [G], "is_enable": "on"},
        answer=STRATEGY,
        result=STRATEGY,
        repeat=Repeat.UNSENT,
    ),
    Case(
        "create_join_strategy",
        (),
        {"group_ids": [123], "is_enable": False, "expire_at": TEN, "remark": "r"},
        "POST /v2/groups/join_approval_strategy",
        {"group_ids": [123], "is_enable": "off", "expire_at": STAMP, "remark": "r"},
        answer=STRATEGY,
        result=STRATEGY,
        repeat=Repeat.UNSENT,
    ),
    Case(
        "update_join_strategy",
        ("st_1",),
        {"is_enable": False},
        "PATCH /v2/groups/join_approval_strategy/st_1",
        {"is_enable": "off"},
        answer={"is_enable": "off", "expire_at": STAMP},
        result={"is_enable": "off", "expire_at": STAMP},
    ),
    Case(
        "update_join_strategy",
        ("st_1",),
        {
            "expire_at": TEN,
            "remark": "",
            "group_action": {"op": "add", "group_openids": [G]},
        },
        "PATCH /v2/groups/join_approval_strategy/st_1",
        {
            "expire_at": STAMP,
            "remark": "",
            "group_action": {"op": "add", "group_openids": [G]},
        },
        result={},
    ),
    Case("delete_join_strategy", ("st_1",), {}, "DELETE /v2/groups/join_approval_strategy/st_1"),
    Case(
        "execute_join_strategy",
        ("st_1",),
        {},
        "POST /v2/groups/join_approval_strategy/st_1/execute",
        {},
    ),
    Case(
        "change_join_whitelist",
        ("st_1", "add", ["1234567"]),
        {},
        "POST /v2/groups/join_approval_strategy/st_1/whitelist_users",
        {"op": "add", "whitelist_users": ["1234567"]},
        answer={"strategy_id": "st_1", "whitelist_user_count": 2, "updated_at": STAMP},
        result={"strategy_id": "st_1", "whitelist_user_count": 2, "updated_at": STAMP},
    ),
    # menu and panels
    Case(
        "get_menu",
        (),
        {},
        "GET /v2/menu",
        answer={"menu": {"items": []}, "version": 1},
        result={"menu": {"items": []}, "version": 1},
    ),
    Case(
        "set_menu",
        (({"type": "send_message", "name": "帮助", "send_message": "/help"},),),
        {},
        "PUT /v2/menu",
        {"menu": {"items": [{"type": "send_message", "name": "帮助", "send_message": "/help"}]}},
        answer={"version": 3},
        result=3,
    ),
    Case(
        "list_panels",
        ("c2c",),
        {"cursor": "c", "limit": 10},
        "GET /v2/panels",
        params={"scope": "c2c", "cursor": "c", "limit": "10"},
        answer={"records": [PANEL], "next_cursor": "c", "is_end": True},
        result={"items": (PANEL,), "next_cursor": ""},
    ),
    Case(
        "create_panel",
        ("c2c", ITEMS),
        {"remark": "C2C面板"},
        "POST /v2/panels",
        {
            "scope": "c2c",
            "target_type": "all",
            "panel": {"items": ITEMS, "remark": "C2C面板"},
        },
        answer={"panel_id": "p_1"},
        result="p_1",
        repeat=Repeat.UNSENT,
    ),
    Case(
        "create_panel",
        ("group", ITEMS),
        {"target_type": "specific", "group_openids": [G]},
        "POST /v2/panels",
        {
            "scope": "group",
            "target_type": "specific",
            "panel": {"items": ITEMS},
            "group_openids": [G],
        },
        answer={"panel_id": "p_1"},
        result="p_1",
        repeat=Repeat.UNSENT,
    ),
    Case("get_panel", ("p_1",), {}, "GET /v2/panels/p_1", answer=PANEL, result=PANEL),
    Case(
        "update_panel",
        ("p_1", ITEMS),
        {"remark": "r"},
        "PUT /v2/panels/p_1",
        {"panel": {"items": ITEMS, "remark": "r"}},
        answer={"version": 2},
        result=2,
    ),
    Case("delete_panel", ("p_1",), {}, "DELETE /v2/panels/p_1"),
    Case(
        "change_panel_targets",
        ("p_1", "del"),
        {"user_openids": [U]},
        "PUT /v2/panels/p_1/target",
        {"op": "del", "user_openids": [U]},
    ),
]

# The endpoint index of the protocol, "{}" for an id.
INDEX = """
GET /gateway
GET /gateway/bot
GET /users/@me
POST /v2/groups/{}/messages
POST /v2/users/{}/messages
POST /v2/users/{}/stream_messages
DELETE /v2/groups/{}/messages/{}
DELETE /v2/users/{}/messages/{}
POST /v2/groups/{}/files
POST /v2/users/{}/files
POST /v2/groups/{}/upload_prepare
POST /v2/users/{}/upload_prepare
POST /v2/groups/{}/upload_part_finish
POST /v2/users/{}/upload_part_finish
PUT /interactions/{}
POST /v2/generate_url_link
GET /v2/groups/{}/info
GET /v2/groups/{}/bot_state
GET /v2/groups/{}/members
GET /v2/groups/{}/members/{}
POST /v2/groups/{}/batch_remove_members
GET /v2/groups/{}/member_blacklist
POST /v2/groups/{}/member_blacklist
GET /v2/groups/{}/join_request_list
POST /v2/groups/{}/approval_join_request/{}
GET /v2/groups/{}/restrict_chat_setting
POST /v2/groups/{}/restrict_chat_setting
GET /v2/groups/join_approval_strategy
POST /v2/groups/join_approval_strategy
PATCH /v2/groups/join_approval_strategy/{}
DELETE /v2/groups/join_approval_strategy/{}
POST /v2/groups/join_approval_strategy/{}/execute
POST /v2/groups/join_approval_strategy/{}/whitelist_users
GET /v2/menu
PUT /v2/menu
GET /v2/panels
POST /v2/panels
GET /v2/panels/{}
PUT /v2/panels/{}
DELETE /v2/panels/{}
PUT /v2/panels/{}/target
POST /v2/media-images/prepare
POST /v2/media-images/complete
GET /v2/media-images
DELETE /v2/media-images/{}/delete
POST /v2/groups/{}/members
"""


def generalised(request: str) -> str:
    """Return a request with "{}" in place of ids."""
    for one in (G, U, M, MSG_QUOTED, "1b13d569-0000", "st_1", "p_1", "i%201"):
        request = request.replace(f"/{one}", "/{}")
    return request


def assert_result(expected: Any, result: Any, answer: dict[str, Any]) -> None:
    """Compare a record by its attributes, anything else as it is."""
    if isinstance(expected, dict) and not isinstance(result, dict):
        assert expected == {name: getattr(result, name) for name in expected}
        assert result.raw == answer
    else:
        assert expected == result


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.name}-{case.request}")
def test_request_and_result(case):
    """Method, path, query, body, repetition and time-out are exact; the answer is typed."""
    api, http = endpoints(case.answer)
    result = getattr(api, case.name)(*case.args, **case.kwargs)
    method, path = case.request.split(" ", 1)
    assert http.calls == [
        {
            "method": method,
            "path": path,
            "body": case.body,
            "repeat": case.repeat,
            "params": case.params,
            "lean": case.lean,
            "timeout": case.timeout,
        }
    ]
    assert_result(case.result, result, case.answer)


def test_every_row_of_the_index_has_a_method():
    """No endpoint for groups and private chats is missing, and none is made up."""
    assert sorted(set(INDEX.split("\n")) - {""}) == sorted(
        {generalised(case.request) for case in CASES}
    )


def test_every_method_is_in_the_table():
    """A new method cannot stay untested."""
    methods = {
        name for name, _ in inspect.getmembers(Endpoints, callable) if not name.startswith("_")
    }
    assert methods == {case.name for case in CASES} | {name for name, *_ in ITERATED}


def test_every_method_is_documented():
    """Each says where its facts come from, except those that page through another one."""
    for name, method in inspect.getmembers(Endpoints, callable):
        if not name.startswith(("_", "iter_")):
            assert "Limit:" in method.__doc__, name
            assert "Source:" in method.__doc__, name


# ---------------------------------------------------------------------- repetition


@pytest.mark.parametrize(
    ("payload", "repeat"),
    [
        ({"msg_id": "m", "msg_seq": 1}, Repeat.SAFE),
        ({"event_id": "e", "msg_seq": 7}, Repeat.SAFE),
        ({"msg_id": "m", "msg_seq": 0}, Repeat.SAFE),
        ({"msg_id": "m"}, Repeat.UNSENT),
        ({"event_id": "e"}, Repeat.UNSENT),
        ({"msg_seq": 1}, Repeat.UNSENT),
        ({"msg_id": "", "msg_seq": 1}, Repeat.UNSENT),
        ({"is_wakeup": True, "msg_seq": 1}, Repeat.UNSENT),
        ({"content": "hi"}, Repeat.UNSENT),
    ],
)
def test_only_a_numbered_reply_is_repeated_blindly(payload, repeat):
    """A message that the platform cannot recognise the second time may go out twice."""
    for name, openid in (("send_group_message", G), ("send_c2c_message", U)):
        api, http = endpoints(SENT)
        getattr(api, name)(openid, payload)
        assert http.calls[0]["repeat"] is repeat
        assert http.calls[0]["body"] is payload


# ---------------------------------------------------------------------- answers


def test_a_message_in_review_has_an_audit_id():
    """201 and 202 are results, not errors: there is no id yet."""
    body = {"code": 304024, "message": "..", "data": {"message_audit": {"audit_id": "a-1"}}}
    api, _ = endpoints(Answer(202, body, "t", "a-1"))
    sent = api.send_group_message(G, REPLY)
    assert (sent.audit_id, sent.id, sent.timestamp, sent.ref_idx) == ("a-1", "", None, "")
    assert sent.raw == body


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"id": None, "timestamp": None, "ext_info": None},
        {"id": 5, "timestamp": "soon", "ext_info": {"ref_idx": None}},
        {"ext_info": []},
    ],
)
def test_a_strange_answer_to_a_send_is_no_failure(answer):
    """The message is out: an error would make the caller send it again."""
    api, _ = endpoints(answer)
    sent = api.send_c2c_message(U, PROACTIVE)
    assert (sent.timestamp, sent.ref_idx) == (None, "")
    assert sent.raw == answer


def test_gateway_info_does_without_limits():
    """Only the address is indispensable."""
    api, _ = endpoints({"url": "wss://x/", "shards": None})
    info = api.gateway_bot()
    assert (
        info.shards,
        info.total,
        info.remaining,
        info.reset_after,
        info.max_concurrency,
    ) == (1, 0, 0, 0.0, 1)


PREPARE = {"file_type": 1, "file_size": 1, "file_name": "a", **HASHES}


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "answer", "missing"),
    [
        ("gateway", (), {}, {}, "'url'"),
        ("gateway_bot", (), {}, {"shards": 1}, "'url'"),
        ("generate_url_link", (), {}, {"url_link": ""}, "'url_link'"),
        ("upload_file", ("group", G), {"url": "http://x"}, {"ttl": 0}, "'file_info'"),
        ("prepare_upload", ("group", G), PREPARE, {"parts": []}, "'upload_id'"),
        ("prepare_upload", ("group", G), PREPARE, {"upload_id": "u", "block_size": 5}, "parts"),
        (
            "prepare_upload",
            ("group", G),
            PREPARE,
            {"upload_id": "u", "block_size": 5, "parts": [{"index": 1}]},
            "parts",
        ),
        (
            "prepare_upload",
            ("group", G),
            PREPARE,
            {"upload_id": "u", "parts": [{"index": 1, "presigned_url": "https://cos"}]},
            "parts",
        ),
        (
            "prepare_image",
            (),
            {"file_name": "a", "file_size": 1, "content_type": "t", "md5": "m", "sha1": "s"},
            {"upload_id": "u"},
            "'presigned_url'",
        ),
        ("complete_image", (), {"upload_id": "u", "md5": "m"}, {"image_id": "i"}, "'url'"),
        ("create_join_strategy", (), {"group_ids": [1]}, {}, "'strategy_id'"),
        ("create_panel", ("c2c", ITEMS), {}, {}, "'panel_id'"),
    ],
)
def test_an_answer_without_what_it_is_for_is_refused(name, args, kwargs, answer, missing):
    """The caller hears at once that the answer is useless, not later of an empty string."""
    api, http = endpoints(answer)
    with pytest.raises(BadResponse, match=missing) as caught:
        getattr(api, name)(*args, **kwargs)
    assert http.calls[0]["path"] in str(caught.value)


def test_a_missing_field_names_the_trace_id():
    """What Tencent's support asks for is in the message."""
    api, _ = endpoints(Answer(200, {}, "abc123"))
    with pytest.raises(BadResponse, match=r"HTTP 200.*abc123"):
        api.gateway()
    api, _ = endpoints(Answer(200, {}))
    with pytest.raises(BadResponse, match=r"'url'$"):
        api.gateway()


def test_upload_plan_is_in_the_order_of_the_file():
    """Parts are sorted and keep the index that must be echoed, whether it counts from 0 or 1."""
    api, _ = endpoints(PLAN)
    plan = api.prepare_upload("group", G, **PREPARE)
    assert [(part.index, part.block_size, part.presigned_url) for part in plan.parts] == [
        (1, 10485760, "https://cos/1?sign=a"),
        (2, 100, "https://cos/2?sign=b"),
    ]


def test_upload_plan_reads_settings_at_the_top_level_too():
    """Other SDKs saw them there; sizes come as numbers or as strings, or only with the parts."""
    api, _ = endpoints(
        {
            "upload_id": "u",
            "parts": [{"index": 0, "presigned_url": "https://cos", "block_size": 7}],
            "concurrency": "3",
            "retry_timeout": 60,
        }
    )
    plan = api.prepare_upload("c2c", U, **PREPARE)
    assert (
        plan.block_size,
        plan.concurrency,
        plan.retry_timeout,
        plan.retry_delay,
    ) == (7, 3, 60.0, 1.0)


def test_upload_plan_of_a_known_file_has_the_upload():
    """Nothing need be sent when the platform knows the file by its hashes."""
    api, _ = endpoints(UPLOADED)
    plan = api.prepare_upload("c2c", U, **PREPARE)
    assert plan.upload is not None
    assert plan.upload.file_info == "AE86"
    assert plan.parts == ()


def test_presigned_links_stay_out_of_repr():
    """They are secrets: whoever has one can write or read the file."""
    api, _ = endpoints(PLAN)
    assert "sign=" not in repr(api.prepare_upload("group", G, **PREPARE))
    api, _ = endpoints({**UPLOADED, "raw_url": "https://cos/x?sign=1"})
    assert "sign=" not in repr(api.upload_file("group", G, upload_id="u"))


def test_a_join_request_is_read_in_full():
    """What an administrator decides by is at hand."""
    api, _ = endpoints({"list": [JOIN_REQUEST]})
    (request,) = api.list_join_requests(G).items
    assert {
        **{name: JOIN_REQUEST[name] for name in JOIN_REQUEST if name != "verify_info"},
        "apply_at": TEN,
        "verify_message": "hello",
        "review_answers": (("q", "a"),),
    } == {name: getattr(request, name) for name in request.__slots__ if name != "raw"}
    assert request.raw == JOIN_REQUEST


@pytest.mark.parametrize("junk", [None, [], "x", {"members": None, "global_rule": []}])
def test_records_read_leniently(junk):
    """A missing or null field costs one value, not the answer."""
    data = junk if isinstance(junk, dict) else {}
    listed = {"members": [{"member_openid": M}, junk], "list": [{}, junk], "next_cursor": junk}
    api, _ = endpoints(data)
    assert api.get_group_info(G).group_tags == ()
    assert api.get_bot_state(G).joined_at is None
    assert api.get_chat_restrictions(G).mode == "none"
    assert api.get_chat_restrictions(G).muted == {}
    assert api.bot_profile().username == ""
    api, _ = endpoints(listed)
    assert api.list_members(G).items[0].member_openid == M
    assert api.list_join_requests(G).items[0].review_answers == ()


def test_records_cannot_be_changed():
    """Threads share them."""
    api, _ = endpoints(SENT)
    sent = api.send_group_message(G, REPLY)
    with pytest.raises(FrozenInstanceError):
        sent.id = "other"


# ---------------------------------------------------------------------- pages

ITERATED = [
    ("iter_members", (G,), "members", {}),
    ("iter_blacklist", (G,), "users", {"limit": "100"}),
    ("iter_join_requests", (G,), "list", {"limit": "100"}),
    ("iter_join_strategies", (), "strategies", {}),
    ("iter_panels", ("group",), "records", {"scope": "group"}),
    ("iter_images", (), "images", {}),
]


@pytest.mark.parametrize(("name", "args", "key", "query"), ITERATED)
def test_iteration_follows_the_cursor(name, args, key, query):
    """Page after page, each fetched when it is needed, until the cursor is empty."""
    api, http = endpoints(
        {key: [{"n": 1}, {"n": 2}], "next_cursor": "c1"},
        {key: [{"n": 3}], "next_cursor": ""},
        {key: [{"n": 4}], "next_cursor": ""},
    )
    found = getattr(api, name)(*args)
    assert http.calls == []
    first = next(found)
    assert len(http.calls) == 1
    rest = list(found)
    assert [getattr(one, "raw", one)["n"] for one in (first, *rest)] == [1, 2, 3]
    assert [query or None, {**query, "cursor": "c1"}] == [call["params"] for call in http.calls]


@pytest.mark.parametrize(
    "endless",
    [
        {"members": [{}], "next_cursor": "c1"},
        {"members": [], "next_cursor": "c1"},
    ],
)
def test_iteration_ends_when_the_platform_goes_round(endless):
    """A cursor that stands still, or pages that stay empty, would go on for ever."""
    api, http = endpoints(endless)
    list(api.iter_members(G))
    assert len(http.calls) <= 2


# ---------------------------------------------------------------------- arguments


@pytest.mark.parametrize("empty", ["", " ", ".", "..", None, 5])
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("send_group_message", ("?", REPLY)),
        ("send_c2c_message", ("?", REPLY)),
        ("recall_group_message", ("?", MSG)),
        ("recall_group_message", (G, "?")),
        ("recall_c2c_message", (U, "?")),
        ("acknowledge_interaction", ("?",)),
        ("get_group_info", ("?",)),
        ("iter_members", ("?",)),
        ("iter_blacklist", ("?",)),
        ("iter_join_requests", ("?",)),
        ("get_member", (G, "?")),
        ("approve_join_request", (G, "?")),
        ("delete_join_strategy", ("?",)),
        ("delete_panel", ("?",)),
        ("delete_image", ("?",)),
    ],
)
def test_an_empty_id_is_refused_before_anything_is_sent(name, args, empty):
    """Otherwise the request would go to another path."""
    api, http = endpoints()
    with pytest.raises(ConfigError) as caught:
        getattr(api, name)(*(empty if one == "?" else one for one in args))
    assert http.calls == []
    assert caught.value.remedy


def test_an_empty_openid_says_where_openids_come_from(monkeypatch):
    """The remedy is the platform's rule: nothing lists groups or friends."""
    monkeypatch.setenv("QQ_LANGUAGE", "en")
    api, _ = endpoints()
    with pytest.raises(ConfigError, match="openids come only from events"):
        api.send_group_message("", REPLY)
    monkeypatch.setenv("QQ_LANGUAGE", "zh")
    with pytest.raises(ConfigError, match="openid 只能从事件里拿"):
        api.send_group_message("", REPLY)


@pytest.mark.parametrize("openids", ["", M, [], [""], [M, " "], [None]])
def test_a_list_of_openids_is_a_list(openids):
    """A single string would become a list of letters."""
    api, http = endpoints()
    with pytest.raises(ConfigError, match="list of non-empty strings"):
        api.remove_members(G, openids)
    assert http.calls == []


@pytest.mark.parametrize(
    ("openid", "path"),
    [
        ("a/b", "a%2Fb"),
        ("a b", "a%20b"),
        ("群", "%E7%BE%A4"),
        ("a?b#c", "a%3Fb%23c"),
        ("../x", "..%2Fx"),
        ("a-b_c.d~e", "a-b_c.d~e"),
    ],
)
def test_ids_are_percent_encoded(openid, path):
    """An id stays one segment of the path, whatever it holds."""
    api, http = endpoints(SENT)
    api.send_group_message(openid, REPLY)
    assert http.calls[0]["path"] == f"/v2/groups/{path}/messages"


@pytest.mark.parametrize(
    ("name", "args", "kwargs", "words"),
    [
        ("upload_file", ("group", G), {"file_type": 1}, "exactly one"),
        ("upload_file", ("group", G), {"url": "http://x", "file_data": "a"}, "exactly one"),
        ("upload_file", ("channel", G), {"url": "http://x"}, "scene"),
        ("send_stream_frame", (U, "x"), {"index": 0, "msg_seq": 1}, "msg_id or event_id"),
        ("create_join_strategy", (), {}, "either"),
        ("create_join_strategy", (), {"group_openids": [G], "group_ids": [1]}, "either"),
        ("change_panel_targets", ("p_1", "add"), {}, "user_openids or group_openids"),
    ],
)
def test_nonsense_is_refused_before_anything_is_sent(name, args, kwargs, words):
    """What the platform would answer with a riddle is said plainly, with a remedy."""
    api, http = endpoints()
    with pytest.raises(ConfigError, match=words) as caught:
        getattr(api, name)(*args, **kwargs)
    assert http.calls == []
    assert caught.value.remedy


def test_a_wake_up_stream_needs_no_message():
    """``is_wakeup`` takes the place of msg_id and event_id."""
    api, http = endpoints(SENT)
    api.send_stream_frame(U, "x", index=0, msg_seq=1, is_wakeup=True)
    assert http.calls[0]["body"]["is_wakeup"] is True
    assert "msg_id" not in http.calls[0]["body"]


def test_base64_in_bytes_makes_the_same_request():
    """It is only written into the body without another look at it."""
    http = FakeHttp({"file_info": "f", "ttl": 60})
    calls = Endpoints(http)
    calls.upload_file("group", G, file_type=1, file_data="aGk=")
    calls.upload_file("group", G, file_type=1, file_data=b"aGk=")
    text, raw = http.calls
    assert json.loads(raw.pop("body")) == text.pop("body")
    assert raw == text
    assert raw["lean"]


# ---------------------------------------------------------------------- what waits for its turn


@pytest.mark.parametrize(
    ("payload", "unasked"),
    [
        ({"content": "x"}, True),
        ({"content": "x", "msg_id": "M", "msg_seq": 1}, False),
        ({"content": "x", "event_id": "E"}, False),
        ({"content": "x", "is_wakeup": True}, False),
    ],
)
@pytest.mark.parametrize("send", ["send_group_message", "send_c2c_message"])
def test_messages_say_whether_they_were_asked_for(send, payload, unasked):
    """Proactive ones have a rate of their own; an answer without an id is none."""
    api, http = endpoints({"id": "1"})
    getattr(api, send)(G, payload, patience=7.0)
    assert http.waiting == [("id", unasked, 7.0)]


def test_a_click_waits_no_longer_than_it_can():
    """After three seconds the person has seen it fail."""
    api, http = endpoints({})
    api.acknowledge_interaction("i", timeout=3.0)
    assert http.waiting == [("", False, 3.0)]


@pytest.mark.parametrize("srv_send_msg", [False, True])
def test_an_upload_that_is_delivered_at_once_is_a_proactive_message(srv_send_msg):
    """Rich-media upload page, 2026-08."""
    api, http = endpoints({"file_info": "f", "id": "1"})
    api.upload_file("group", G, file_type=1, url="https://x/y.png", srv_send_msg=srv_send_msg)
    assert http.waiting == [("", srv_send_msg, None)]
