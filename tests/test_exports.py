"""What ``import qqgroup_sync`` offers, and what it costs."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import qqgroup_sync
from qqgroup_sync import errors
from qqgroup_sync.events import models

HEAVY = ("flask", "waitress", "pilk", "sqlite3", "requests", "websocket", "qqgroup_sync.simulator")
UNSEEN = {"GatewayClosed", "FrameError"}  # errors that no user meets


def names_for_type_checkers():
    """Return the names that the package's ``if TYPE_CHECKING`` imports."""
    tree = ast.parse(Path(qqgroup_sync.__file__).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {
        alias.asname: f"{node.module}.{alias.name}"
        for node in imports
        if node.module != "typing"
        for alias in node.names
    }


@pytest.mark.parametrize("name", qqgroup_sync.__all__)
def test_every_name_can_be_imported(name):
    """A name in ``__all__`` is there, under that very name."""
    value = getattr(qqgroup_sync, name)
    assert value.__name__.rpartition(".")[2] == name
    assert name in dir(qqgroup_sync)


def test_editors_see_the_same_names():
    """What is loaded when first used is also what type checkers are told, from the same home."""
    told = names_for_type_checkers()
    assert sorted(told) == qqgroup_sync.__all__
    for name, home in told.items():
        module, _, attribute = home.rpartition(".")
        assert getattr(importlib.import_module(module), attribute) is getattr(qqgroup_sync, name)


def test_an_unknown_name_is_an_attribute_error():
    """A typo is reported as for any module."""
    with pytest.raises(AttributeError, match="Klient"):
        qqgroup_sync.Klient  # noqa: B018
    assert not hasattr(qqgroup_sync, "console_")


def test_every_error_that_a_user_meets_is_exported():
    """Whatever the package raises can be caught without knowing its inside."""
    folder = Path(qqgroup_sync.__file__).parent
    package = "".join(path.read_text("utf-8") for path in folder.rglob("*.py"))
    raised = {
        name
        for name, value in vars(errors).items()
        if isinstance(value, type) and issubclass(value, errors.QQGroupError)
        # by the code itself, or because the table of the platform's codes names it
        if f"raise {name}(" in package or f'"{name}"' in package
    }
    assert raised - UNSEEN - set(qqgroup_sync.__all__) == set()


def test_every_event_is_exported():
    """A handler's parameter can be annotated without knowing the package's inside."""
    kinds = {
        name
        for name in models.__all__
        if isinstance(getattr(models, name), type)
        and issubclass(getattr(models, name), models.Event)
    }
    bases = {"Replyable", "Notice", "FriendNotice"}
    assert kinds - bases <= set(qqgroup_sync.__all__)


def test_importing_and_constructing_loads_nothing_heavy():
    """A text bot that only defines handlers pays for no server, no database and no HTTP client."""
    program = f"""
import sys, threading
from qqgroup_sync import Client, Chain
client = Client("1", "secret")
client.on_group_message(keywords="hi")(lambda message: Chain().text("hello"))
print(sorted(set({HEAVY!r}) & set(sys.modules)), threading.active_count())
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        check=False,
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.stdout.strip(), done.stderr) == ("[] 1", "")
