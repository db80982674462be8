"""The gateway's words: frames, opcodes, intents, and what each close code asks for.

Source: gateway pages and error table of the official documentation, 2026-08.
"""

from __future__ import annotations

import enum
import json
import re
from typing import Any, NamedTuple

from qqgroup_sync.errors import GatewayError, Text


class Op(enum.IntEnum):
    """Opcodes of the gateway."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    RESUME = 6
    RECONNECT = 7
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


class Intents(enum.IntFlag):
    """Groups of events that a session asks for."""

    ENTER_AIO = 1 << 23
    GROUP_MEMBER = 1 << 24
    GROUP_AND_C2C = 1 << 25
    INTERACTION = 1 << 26
    MESSAGE_AUDIT = 1 << 27


DEFAULT_INTENTS = Intents.GROUP_MEMBER | Intents.GROUP_AND_C2C | Intents.INTERACTION
# What a bot can live without: dropped, one refusal after the other, before giving up.
OPTIONAL_INTENTS = (Intents.ENTER_AIO, Intents.MESSAGE_AUDIT, Intents.GROUP_MEMBER)


class Frame(NamedTuple):
    """One message of the gateway."""

    op: int
    s: int | None
    t: str
    d: Any
    id: str


class FrameError(GatewayError):
    """What came is no frame."""


LARGEST = 2**63  # no sequence number comes near; one above could be stored nowhere
# Half of a character, escaped or not; whole ones are escaped alike.
_HALF = re.compile(r"\\u[dD][89a-fA-F]|[\ud800-\udfff]")


def decode(data: bytes | str) -> Frame:
    """Turn the text of one WebSocket message into a Frame.

    Raises:
        FrameError: The text is not JSON, or not of a frame's shape.
    """
    try:
        raw = _load(data)
        op = raw["op"]
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise FrameError(f"not a gateway frame ({len(data)} bytes)") from error
    s, name, outer_id = raw.get("s"), raw.get("t"), raw.get("id")
    if not isinstance(op, int) or isinstance(op, bool):
        raise FrameError(f"a gateway frame with opcode {type(op).__name__}")
    return Frame(
        op,
        s if isinstance(s, int) and not isinstance(s, bool) and 0 <= s < LARGEST else None,
        name if isinstance(name, str) else "",
        raw.get("d"),
        outer_id if isinstance(outer_id, str) else "",
    )


def _load(data: bytes | str) -> Any:
    """Return what a JSON text says, without halves of characters.

    JSON allows them, but they can be neither printed nor stored nor sent: a handler would fail
    wherever it first tries to.
    """
    if isinstance(data, str):
        data = data.encode("utf-8", "surrogatepass")
    try:
        text, suspicious = data.decode(), b"\\u" in data  # strict UTF-8 has no others
    except UnicodeDecodeError:
        text, suspicious = data.decode("utf-8", "surrogatepass"), True
    loaded = json.loads(text)
    if suspicious and _HALF.search(text):
        text = json.dumps(loaded, ensure_ascii=False)
        whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
        loaded = json.loads(whole)
    return loaded


def encode(op: Op, data: Any) -> str:
    """Return the text of a frame to send."""
    return json.dumps({"op": int(op), "d": data}, separators=(",", ":"))


class Reaction(enum.Enum):
    """What to do after a connection ended."""

    RESUME = "resume"
    IDENTIFY = "identify"
    DROP_INTENTS = "identify with fewer intents"
    STOP = "stop"


class CloseRule(NamedTuple):
    """What a close code means and asks for."""

    reaction: Reaction
    meaning: Text
    remedy: Text | None = None
    delay: float = 0.0
    refresh_token: bool = False


_BUG = Text(
    "This is a defect of qqgroup_sync: please report it with the log.",
    "这是 qqgroup_sync 的缺陷：请附上日志反馈。",
)
_SHARD = Text(
    "Check shard_index and shards, or use shards='auto'.",
    "检查 shard_index 和 shards，或使用 shards='auto'。",
)
_INTENTS = Text(
    "Apply for the events in the console (q.qq.com), or pass fewer intents=.",
    "在开放平台（q.qq.com）后台申请相应事件权限，或通过 intents= 减少订阅。",
)
_INTERNAL = CloseRule(
    Reaction.IDENTIFY,
    Text("the gateway had an internal error and dropped the session", "网关内部错误，会话已失效"),
)
NETWORK = CloseRule(Reaction.RESUME, Text("the connection ended", "连接已断开"))
UNKNOWN = CloseRule(Reaction.IDENTIFY, Text("the gateway closed the connection", "网关关闭了连接"))

CLOSE_RULES: dict[int, CloseRule] = {
    4001: CloseRule(Reaction.STOP, Text("invalid opcode", "无效的 opcode"), _BUG),
    4002: CloseRule(Reaction.STOP, Text("invalid payload", "无效的 payload"), _BUG),
    4004: CloseRule(
        Reaction.IDENTIFY, Text("authentication failed", "鉴权失败"), refresh_token=True
    ),
    4006: CloseRule(Reaction.IDENTIFY, Text("invalid session id", "无效的 session id")),
    4007: CloseRule(Reaction.IDENTIFY, Text("bad seq", "seq 错误")),
    4008: CloseRule(Reaction.RESUME, Text("sending too fast", "发送 payload 过快"), delay=60.0),
    4009: CloseRule(Reaction.RESUME, Text("connection expired", "连接过期")),
    4010: CloseRule(Reaction.STOP, Text("invalid shard", "无效的 shard"), _SHARD),
    4011: CloseRule(
        Reaction.STOP,
        Text("too many groups for one shard", "连接需要处理的群过多，请合理分片"),
        _SHARD,
    ),
    4012: CloseRule(
        Reaction.STOP,
        Text("the gateway no longer speaks this version", "无效的 version"),
        Text("Upgrade qqgroup_sync.", "请升级 qqgroup_sync。"),
    ),
    4013: CloseRule(Reaction.DROP_INTENTS, Text("invalid intent", "无效的 intent"), _INTENTS),
    4014: CloseRule(
        Reaction.DROP_INTENTS, Text("an intent is not permitted", "intent 无权限"), _INTENTS
    ),
    4914: CloseRule(
        Reaction.STOP,
        Text(
            "the bot is delisted; only the sandbox is allowed",
            "机器人已下架，只允许连接沙箱环境",
        ),
        Text(
            "Look at the bot's state in the console (q.qq.com) and put it on line again.",
            "在开放平台（q.qq.com）查看机器人状态并重新上架。",
        ),
    ),
    4915: CloseRule(
        Reaction.STOP,
        Text("the bot is banned", "机器人已封禁"),
        Text("Appeal in the console (q.qq.com).", "在开放平台（q.qq.com）申诉解封。"),
    ),
    **dict.fromkeys(range(4900, 4914), _INTERNAL),
}


def close_rule(code: int | None) -> CloseRule:
    """Return what to do after a close with ``code``; None means that no close frame came.

    Codes that nobody documents get the official short rule: identify again. 1000 and its
    neighbours are transport matters (a server that drains, a proxy): the session lives on.
    """
    if code is None or code < 4000:
        return NETWORK
    return CLOSE_RULES.get(code, UNKNOWN)
