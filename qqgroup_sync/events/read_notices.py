"""Payloads of everything but messages to events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from qqgroup_sync.events.interaction import Interaction
from qqgroup_sync.events.lenient import flag, integer, mapping, mappings, pairs, string
from qqgroup_sync.events.notices import (
    AuditResult,
    JoinRequest,
    Notice,
)

if TYPE_CHECKING:
    from qqgroup_sync.events.base import Delivery


def read_notice(cls: type[Notice], delivery: Delivery) -> Notice:
    """Read a notice that says no more than who and where."""
    get = delivery.raw.get
    return cls(
        *delivery.head(get("timestamp")),
        group_openid=string(get("group_openid")),
        member_openid=string(get("member_openid")),
        op_member_openid=string(get("op_member_openid")),
        user_openid=string(get("user_openid")) or string(get("openid")),
    )


def read_join_request(delivery: Delivery) -> JoinRequest:
    """Read GROUP_JOIN_REQUEST."""
    get = delivery.raw.get
    verify = mapping(get("verify_info"))
    approved = get("auto_approved")
    return JoinRequest(
        *delivery.head(get("apply_at") or get("timestamp")),
        group_openid=string(get("group_openid")),
        member_openid=string(get("member_openid")),
        join_request_id=string(get("join_request_id")),
        username=string(get("username")),
        apply_source=string(get("apply_source")),
        invited_by=string(get("invited_by")),
        verify_method=string(verify.get("method")),
        verify_message=string(verify.get("verify_message")),
        answers=tuple(
            (string(pair.get("question")), string(pair.get("answer")))
            for pair in mappings(verify.get("review_qa_list"))
        ),
        risk_tips=string(get("risk_tips")),
        union_openid=string(get("union_openid")),
        is_bot=flag(get("bot")),
        auto_approved=isinstance(approved, dict) or flag(approved),
        strategy_id=string(mapping(approved).get("strategy_id")),
    )


def read_interaction(delivery: Delivery) -> Interaction:
    """Read INTERACTION_CREATE."""
    get = delivery.raw.get
    data = mapping(get("data"))
    resolved = mapping(data.get("resolved"))
    authorize = mapping(resolved.get("authorize_data"))
    chat_type = get("chat_type")
    return Interaction(
        *delivery.head(get("timestamp")),
        interaction_id=string(get("id")),
        type=integer(get("type")) or integer(data.get("type")),
        scene=string(get("scene")),
        chat_type=None if chat_type is None else integer(chat_type),
        group_openid=string(get("group_openid")),
        member_openid=string(get("group_member_openid")),
        user_openid=string(get("user_openid")),
        button_id=string(resolved.get("button_id")),
        button_data=string(resolved.get("button_data")),
        feature_id=string(resolved.get("feature_id")),
        message_id=string(resolved.get("message_id")),
        feedback=string(resolved.get("feedback_opt")),
        checked=flag(resolved.get("checked")),
        action=string(resolved.get("action")),
        authorize_scope=string(authorize.get("scope")),
        authorize_scene=string(authorize.get("opt_scene")),
        guild_id=string(get("guild_id")),
        channel_id=string(get("channel_id")),
        message_scene=pairs(resolved.get("message_scene")),
    )


def read_audit_result(delivery: Delivery) -> AuditResult:
    """Read MESSAGE_AUDIT_PASS and MESSAGE_AUDIT_REJECT."""
    return AuditResult(*delivery.head(delivery.raw.get("audit_time")))
