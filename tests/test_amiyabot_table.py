"""docs/amiyabot.md: every row of the table names a test that exists, in both languages."""

from __future__ import annotations

import ast
import functools
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {name: ROOT / "docs" / name for name in ("amiyabot.md", "amiyabot.zh-CN.md")}
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
# What the seed family's pages promise; each has to stand in the first column of some row.
PROMISED = """
    group_id keywords verify check_prefix allow_direct direct_only level GroupConfig Equal
    set_group_config set_prefix_keywords Pattern send recall
    message_id message message_type face image text text_digits text_unsigned text_original
    text_words text_prefix at_target is_at is_admin is_direct user_id channel_id nickname avatar
    verify time user_openid channel_openid
    wait wait_channel reply force max_time data_filter clean close_event WaitEventCancel
    message_created message_before_waiter_set message_before_handle message_before_send
    message_after_send message_after_handle event_created
    on_event appid event_name data on_exception timed_task sub_tag run_when_added interval cron
    date remove_timed_task MultipleAccounts append start_up del send_message
    Chain at reference chain_builder at_all enter auto_convert text_image bgcolor width height
    ImageElem images voice video html is_template render_time init on_page_rendered markdown
    is_dark markdown_template keyboard_template_id ark embed extend
"""


def rows(page):
    """The rows of all tables of a page, as cells."""
    lines = PAGES[page].read_text("utf-8").splitlines()
    found = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if "|" in line
    ]
    return [cells for cells in found if NAMED.search(cells[-1])]


@functools.cache
def cases_in(path):
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES)
def test_every_row_has_a_test_that_exists(page):
    """Named in its last column."""
    lines = PAGES[page].read_text("utf-8").splitlines()
    bodies = [line for line in lines if line.startswith("|")]
    heads = [line for line in bodies if line.startswith(("| AmiyaBot |", "| --- |"))]
    assert len(rows(page)) == len(bodies) - len(heads)
    missing = [
        (path, name)
        for cells in rows(page)
        for path, name in NAMED.findall(cells[-1])
        if not (ROOT / path).is_file() or name not in cases_in(path)
    ]
    assert missing == []


@pytest.mark.parametrize("page", PAGES)
def test_nothing_that_was_promised_is_left_out(page):
    """Each name of the seed family stands in the first column."""
    told = " ".join(cells[0] for cells in rows(page))
    words = set(re.findall(r"[A-Za-z_]+", told))
    assert [name for name in PROMISED.split() if name not in words] == []


def test_both_languages_have_the_same_rows():
    """Row by row, proven by the same tests."""
    english, chinese = (rows(page) for page in PAGES)
    assert [cells[-1] for cells in english] == [cells[-1] for cells in chinese]
    assert len(english) > 90


def test_every_attribute_and_parameter_is_there_in_the_code():
    """The names in the table that are kept are the ones that work."""
    from qqgroup_sync import Chain, Client, GroupMessage
    from qqgroup_sync.dispatch.options import MessageOptions

    def names(section):
        page = PAGES["amiyabot.md"].read_text("utf-8")
        body = page.partition(f"## {section}")[2].partition("\n## ")[0]
        cells = [line.split(" | ")[0] for line in body.splitlines() if line.startswith("| ")]
        return re.findall(r"`(\w+)`", " ".join(cells))

    attributes = [name for name in names("Attributes") if name not in ("result", "weight")]
    assert [name for name in attributes if not hasattr(GroupMessage, name)] == ["keypoint"]
    options = {"group_id", "keywords", "verify", "check_prefix", "allow_direct", "direct_only"}
    assert options < MessageOptions.__optional_keys__
    hooks = [
        name for name in PROMISED.split() if name.startswith(("message_before", "message_after"))
    ]
    assert all(hasattr(Client, name) for name in [*hooks, "message_created", "event_created"])
    methods = "at at_all face text text_image image voice video html markdown ark extend"
    assert all(hasattr(Chain, name) for name in [*methods.split(), "markdown_template"])
