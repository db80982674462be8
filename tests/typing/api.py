"""What a type checker says to users: lines with an ``E:`` comment are wrong, the others right.

Never run: ``tests/test_typing.py`` has mypy look at it.
"""
# ruff: noqa: D103, T201, TC003 - written as users write

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from qqgroup_sync import (
    Button,
    C2CMessage,
    Chain,
    Client,
    Equal,
    Event,
    FriendAdded,
    GroupAdded,
    GroupConfig,
    GroupMessage,
    Interaction,
    Keyboard,
    Message,
    RateLimit,
    Router,
    Status,
)

client = Client("1", "secret")
router = Router()
client.include(router)
client.load_plugins("plugins")
client.set_prefix("bot", "/")
client.set_prefix_keywords(["bot"])
client.set_group_config(GroupConfig("games", check_prefix=False))
client.set_group_config("games")  # E: arg-type


# ---------------------------------------------------------------------- messages


@client.on_group_message
def in_groups(message: GroupMessage) -> str:
    return message.member_openid


@client.on_group_message
@router.on_c2c_message
@client.on_message
def anywhere(message: Message) -> Chain:
    return Chain(message).text(message.text)


@client.on_message
def takes_nothing() -> None: ...


@client.on_message(
    keywords=["a", Equal("b"), re.compile("c")],
    level=1,
    block=False,
    check_prefix=["bot"],
    allow_direct=True,
    direct_only=None,
    at_only=True,
    group_id=GroupConfig("games"),
    from_role=["admin", "owner"],
    users={"U"},
    groups=["G"],
    rate_limit=RateLimit(3, 60, per="group"),
)
def with_options(message: Message, more: int = 0) -> None:
    verify = message.verify
    if verify is not None:
        print(verify.result, verify.weight + 1, verify.keypoint)


@client.on_c2c_message(verify=lambda message: (True, 2), rate_limit=(3, 60), group_id=None)
def in_private(message: C2CMessage) -> None: ...


@client.on_message()
class CallableObject:
    def __init__(self, message: Message) -> None: ...


@client.on_group_message  # E: type-var
def of_another_scene(message: C2CMessage) -> None: ...


@client.on_message  # E: type-var
def of_one_scene_only(message: GroupMessage) -> None: ...


@client.on_message(keywords="x")  # E: type-var
def wants_too_much(message: Message, instance: Client) -> None: ...


@client.on_message(keyword="x")  # E: call-overload
def misspelt(message: Message) -> None: ...


@client.on_message(keywords=5)  # E: call-overload
def wrong_keyword(message: Message) -> None: ...


@client.on_message(rate_limit=3)  # E: call-overload
def wrong_limit(message: Message) -> None: ...


@client.on_message("x")  # E: call-overload
def by_position(message: Message) -> None: ...


# ---------------------------------------------------------------------- commands


@client.on_command("weather", aliases=["w"], prefix=["/", "!"], hidden=True, level=2, cooldown=5)
def weather(message: Message, city: str, days: int = 3, *, fast: bool = False) -> str:
    return f"{city} {days} {fast}"


print(weather(Message(), "Paris").upper())  # it is unchanged
weather(Message(), 5)  # E: arg-type


@client.on_command  # E: arg-type
def no_name() -> None: ...


@client.on_command("x", keywords="y")  # E: call-arg
def with_keywords() -> None: ...


# ---------------------------------------------------------------------- events


@client.on_group_added
def added(event: GroupAdded) -> str:
    return event.op_member_openid


@client.on_group_added()
def added_too(event: GroupAdded, instance: Client) -> str:
    return event.op_member_openid


@router.on_friend_added
def friend(event: FriendAdded, instance: Any = None) -> None: ...


@client.on_interaction
def clicked(click: Interaction) -> str:
    click.reply("done")
    return click.button_data


@client.on_group_added
@client.on_friend_added
def any_event(event: Event) -> None: ...


@client.on_group_added
def without() -> str:
    return "hello"


@client.on_group_added  # E: type-var
def another(event: FriendAdded) -> None: ...


@client.on_friend_added()  # E: type-var
def three(event: FriendAdded, instance: Client, more: int) -> None: ...


@client.on_event
def everything(event: Event, instance: Client) -> None: ...


@client.on_event("GROUP_ADD_ROBOT", ["FRIEND_ADD"])
def some(event: GroupAdded | FriendAdded) -> None: ...


@client.on_event(name=["GROUP_ADD_ROBOT"])
def some_by_keyword(event: GroupAdded) -> None: ...


@client.on_event(5)  # E: call-overload
def no_event(event: Event) -> None: ...


@client.on_event("X")  # E: type-var
def too_many(event: Event, instance: Client, more: int) -> None: ...


# ---------------------------------------------------------------------- life


@client.on_ready
def ready(instance: Client) -> None: ...


@client.on_ready()
def ready_too() -> None: ...


@client.on_ready  # E: type-var
def never_ready(one: Client, two: int) -> None: ...


@client.on_state_change
def changed(old: Status, new: Status, instance: Client) -> None: ...


@client.on_state_change()
def changed_too(old: Status) -> None: ...


@client.on_state_change  # E: type-var
def never_changed(state: int) -> None: ...


@client.on_exception
def guard(error: Exception, instance: Client, event: Event | None) -> None: ...


@client.on_exception(ValueError, [KeyError])
def some_errors(error: ValueError | KeyError) -> None: ...


@client.on_exception(type=[ValueError])
def some_errors_by_keyword(error: ValueError) -> None: ...


@client.on_exception(5)  # E: call-overload
def no_errors(error: Exception) -> None: ...


@client.on_exception(ValueError)  # E: type-var
def four(one: Exception, two: Any, three: Any, four: Any) -> None: ...


@client.middleware
def wrap(event: Event, call_next: Callable[[Event], Any]) -> Any:
    return call_next(event)


@client.middleware  # E: type-var
def swallow(event: Event) -> None: ...


@client.message_created
def created(message: Message, instance: Client) -> Message | bool | None:
    return message if instance is client else False


@client.message_created  # E: type-var
def created_wrongly(message: GroupMessage) -> None: ...


@client.message_before_waiter_set
def before_waiter_set(message: Message, waiter: Any, instance: Client) -> None: ...


@client.message_before_handle
def before_handle(message: Message, handler: str) -> bool:
    return handler != message.text


@client.message_before_send
@client.message_after_send
def sending(chain: Chain, handler: str, instance: Client) -> Chain:
    return chain.text(handler)


@client.message_after_handle
def after_handle(chain: Chain | None, handler: str, instance: Client) -> None: ...


@client.message_after_handle  # E: type-var
def after_nothing(chain: Chain) -> None: ...


@client.event_created
def event_created(event: Event, instance: Client) -> None: ...


@client.timed_task(each=60, tag="news")
def news(instance: Client) -> None: ...


@client.timed_task(trigger="cron", hour=8)
def morning() -> None: ...


@client.timed_task  # E: arg-type
def no_time() -> None: ...


@client.timed_task(each=60)  # E: type-var
def of_two(instance: Client, more: int) -> None: ...


# ---------------------------------------------------------------------- dialogue, buttons


@client.on_message(keywords="talk")
def talk(message: Message) -> str:
    name: str = message.ask("name?", timeout=30, check=lambda answer: len(answer.text) < 9).text
    sure: bool = message.confirm("sure?")
    waited = message.wait("next?", force=True, max_time=5)
    text = waited.text if waited is not None else ""
    item = message.wait_channel("anybody?")
    if item is not None:
        text += item.message.nickname
        item.event.close_event()
    message.session["n"] = 1
    return name + text if sure else message.wait("x").text  # E: union-attr


def say(message: GroupMessage) -> Chain:
    go = Button("go", on_click=clicked, once=True, allow=[message.author])
    Chain().keyboard(Keyboard().row(go)).keyboard([go, go]).keyboard([[go], [go]])
    return Chain(data=message).keyboard(go)
