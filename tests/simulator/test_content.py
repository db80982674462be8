"""What a bot may send, as far as looking at it tells: one row per code."""

import pytest

from qqgroup_sync.simulator.content import check
from qqgroup_sync.simulator.refusals import RefusalError
from qqgroup_sync.simulator.rules import Rules


def button(**changes):
    """Build a callback button."""
    return {"id": "b", "render_data": {"label": "OK"}, "action": {"type": 1}, **changes}


def keyboard(rows=1, columns=1):
    """Build a keyboard of that size."""
    row = {"buttons": [button() for _ in range(columns)]}
    return {"content": {"rows": [row for _ in range(rows)]}}


def markdown(content="# hi", **more):
    """Build a markdown message."""
    return {"msg_type": 2, "markdown": {"content": content}, **more}


def template(*values):
    """Build a message from a markdown template."""
    parameters = [{"key": "k", "values": list(values)}]
    return {"msg_type": 2, "markdown": {"custom_template_id": "1_2", "params": parameters}}


def typing(**notice):
    """Build a typing notice."""
    return {"msg_type": 6, "input_notify": {"input_type": 1, "input_second": 60, **notice}}


GOOD = [
    ({"content": "hi"}, False, 0),
    ({"msg_type": 0, "content": "hi\nthere"}, True, 0),
    ({"content": "x" * 4000}, False, 0),
    (markdown(), False, 2),
    (markdown("see https://example.com"), False, 2),
    (markdown(keyboard=keyboard(5, 5)), False, 2),
    (markdown(keyboard={"id": "template"}), True, 2),
    (markdown(keyboard={"id": "template", "content": None}), True, 2),
    (markdown(keyboard={"id": "template", **keyboard()}), True, 2),
    (template("v"), False, 2),
    ({"msg_type": 7, "media": {"file_info": "x"}}, False, 7),
    ({"msg_type": 7, "media": {"file_info": "x"}, "content": "caption"}, False, 7),
    (typing(), True, 6),
    ({"content": "hi", "markdown": None, "msg_id": None}, False, 0),
]

BAD = [
    ({}, False, 304061),
    ({"content": "  \n"}, False, 304061),
    ({"content": 5}, False, 304061),
    ({"msg_type": 1, "content": "x"}, False, 340069),
    ({"msg_type": 4, "embed": {}}, False, 340069),
    ({"msg_type": 8, "content": "x"}, True, 340069),
    ({"msg_type": True, "content": "x"}, False, 340069),
    ({"msg_type": "0", "content": "x"}, False, 340069),
    (typing(), False, 340069),
    ({"content": "x" * 4001}, False, 40054007),
    (markdown("x" * 4001), False, 40054007),
    ({"content": "look at crawler.py"}, False, 40054010),
    ({"content": "look at example.com"}, True, 40054010),
    ({"msg_type": 7, "media": {}, "content": "example.com"}, False, 40054010),
    (markdown() | {"content": "x"}, False, 50037),
    ({"msg_type": 0, "markdown": {"content": "x"}}, False, 22006),
    ({"msg_type": 2}, False, 22006),
    ({"msg_type": 2, "content": "x"}, False, 22006),
    ({"msg_type": 0, "content": "x", "keyboard": keyboard()}, False, 22006),
    ({"msg_type": 7}, False, 22006),
    ({"msg_type": 3}, False, 22006),
    ({"msg_type": 3, "ark": {}}, False, 304004),
    (markdown(""), False, 40034011),
    ({"msg_type": 2, "markdown": "text"}, False, 40034011),
    ({"msg_type": 2, "markdown": {}}, False, 40034011),
    ({"msg_type": 2, "markdown": {"content": "x", "template_id": 1}}, False, 50057),
    (template(""), False, 40034008),
    (template(), False, 40034008),
    (template("a\nb"), False, 40034009),
    (template("**bold**"), False, 40034010),
    *(
        ({"msg_type": 2, "markdown": {"template_id": "1", "params": wrong}}, False, 40034124)
        for wrong in (5, "text", [5], ["text"], {"key": "k"}, [{"values": 5}], [{"values": [5]}])
    ),
    (markdown(keyboard=keyboard(6, 1)), False, 40034029),
    (markdown(keyboard=keyboard(1, 6)), False, 40034029),
    (markdown(keyboard={"content": {}}), False, 305007),
    (markdown(keyboard=[]), False, 305007),
    (markdown(keyboard={"id": "template", "content": 5}), False, 305007),
    (markdown(keyboard={"id": "template", "content": {"rows": 5}}), False, 305007),
    (markdown(keyboard={"id": {"a": 1}}), False, 305007),
    *(
        (markdown(keyboard={"content": {"rows": [{"buttons": [wrong]}]}}), False, 305007)
        for wrong in (
            button(render_data={"label": "x", "style": [1]}),
            button(render_data={"label": "x", "style": {}}),
            button(render_data={"label": "x", "style": True}),
            button(action={"type": [1]}),
            button(action={"type": True}),
            button(action={"type": 1, "permission": 5}),
            button(action={"type": 1, "permission": {"type": 0, "specify_user_ids": 5}}),
        )
    ),
    (markdown(keyboard={"content": {"rows": [{"buttons": []}]}}), False, 305007),
    (markdown(keyboard={"content": {"rows": [{"buttons": ["x"]}]}}), False, 305007),
    (markdown(keyboard={"content": {"rows": [{"buttons": [{}]}]}}), False, 305007),
    (
        markdown(keyboard={"content": {"rows": [{"buttons": [button(action={"type": 9})]}]}}),
        False,
        305007,
    ),
    (typing(input_type=2), True, 50059),
    (typing(input_second=61), True, 50059),
    (typing(input_second="60"), True, 50059),
    (typing(input_second=True), True, 50059),
    ({"msg_type": 6}, True, 50059),
]


@pytest.mark.parametrize(("payload", "c2c", "kind"), GOOD)
def test_accepted(payload, c2c, kind):
    """Everything the documentation allows is accepted."""
    assert check(payload, Rules(), c2c=c2c) == kind


@pytest.mark.parametrize(("payload", "c2c", "code"), BAD)
def test_refused(payload, c2c, code):
    """What is wrong in itself is refused with the code of 2.12."""
    with pytest.raises(RefusalError) as caught:
        check(payload, Rules(), c2c=c2c)
    assert caught.value.err_code == code


def test_ark_with_permission():
    """Ark cards are for bots with permission (5.5)."""
    assert check({"msg_type": 3, "ark": {}}, Rules(), c2c=False, ark=True) == 3


@pytest.mark.parametrize(
    ("rules", "c2c"),
    [
        (Rules(url_check=False), False),
        (Rules(url_check_c2c=False), True),
        (Rules(url_whitelist=frozenset({"example.com"})), False),
    ],
)
def test_url_switches(rules, c2c):
    """The URL check can be switched off, per scene and per domain."""
    assert check({"content": "www.example.com"}, rules, c2c=c2c) == 0


def test_nulls_are_refused_on_demand():
    """A null field is refused where the rules say so (2.2)."""
    with pytest.raises(RefusalError) as caught:
        check({"content": "x", "msg_id": None}, Rules(refuse_nulls=True), c2c=False)
    assert caught.value.err_code == 11255
