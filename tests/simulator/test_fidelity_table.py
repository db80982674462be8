"""docs/simulator.md: what it says about the platform holds, in both languages.

Each row that is simulated names a test that exists; each switch stands there with its default.
"""

from __future__ import annotations

import ast
import functools
import inspect
import re
from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from qqgroup_sync.simulator.rules import MEGABYTE, Rules
from qqgroup_sync.simulator.simulator import Simulator

ROOT = Path(__file__).parents[2]
PAGES = {name: ROOT / "docs" / name for name in ("simulator.md", "simulator.zh-CN.md")}
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
SWITCH = re.compile(r"`(Simulator\()?(\w+)=([^`]*?)\)?`")
CHINESE = {"simulated": "已模拟", "switchable": "可切换", "not": "未模拟"}
STATES = {*CHINESE, *CHINESE.values()}
NOT = ("not", "未模拟")
SIMULATOR_DEFAULTS = {
    name: parameter.default for name, parameter in inspect.signature(Simulator).parameters.items()
}


def shown(value):
    """Write a default as the table does."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return str(value)
    if isinstance(value, Mapping):
        return " + ".join(f"{key}: {shown(one)}" for key, one in value.items()) or "{}"
    if isinstance(value, frozenset):
        return " + ".join(sorted(str(one) for one in value)) or "{}"
    if isinstance(value, int) and value >= MEGABYTE and value % MEGABYTE == 0:
        return f"{value // MEGABYTE} MB"
    return f"{value:g}" if isinstance(value, float) else str(value)


def rows(page):
    """The rows of the table of protocol points, as cells."""
    text = PAGES[page].read_text("utf-8")
    table = text.partition("<!-- table begins -->")[2].partition("<!-- table ends -->")[0]
    lines = [line for line in table.splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [one for one in cells if one[1].strip() in STATES]


@functools.cache
def cases_in(path):
    """The names of the tests in a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("page", PAGES)
def test_what_is_simulated_has_a_test_that_exists(page):
    """Named in the last column; what is not simulated names none."""
    assert len(rows(page)) > 100
    for cells in rows(page):
        named = NAMED.findall(cells[-1])
        assert len(named) == (0 if cells[1] in NOT else 1), cells
        for path, name in named:
            assert (ROOT / path).is_file(), cells
            assert name in cases_in(path), cells


@pytest.mark.parametrize("page", PAGES)
def test_every_switch_stands_there_with_its_default(page):
    """Those of Rules, and arguments of Simulator where they are named."""
    rules = Rules()
    told = [found for cells in rows(page) for found in SWITCH.findall(cells[2])]
    names = [name for argument, name, _ in told if not argument]
    assert sorted(names) == sorted(field.name for field in fields(Rules))
    for argument, name, default in told:
        value = SIMULATOR_DEFAULTS[name] if argument else getattr(rules, name)
        assert shown(value) == default, name


def test_both_languages_say_the_same():
    """Row by row: the state, the switches, the test."""
    english, chinese = (rows(page) for page in PAGES)
    told = [[CHINESE[cells[1]], *cells[2:]] for cells in english]
    assert told == [cells[1:] for cells in chinese]
