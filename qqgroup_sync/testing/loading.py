"""Finds the bot in a script or a module, without running it as a program."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from qqgroup_sync.accounts import Accounts
from qqgroup_sync.client import Client
from qqgroup_sync.testing.errors import BotError
from qqgroup_sync.testing.harness import collection

if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import ModuleType

    from qqgroup_sync.testing.harness import Harness

Bot = Client | Accounts

_wanted: WeakKeyDictionary[ModuleType, list[Bot]] = WeakKeyDictionary()  # by what called run()


def is_file(source: str | Path) -> bool:
    """Tell whether a bot is named by its file, rather than as a module."""
    return isinstance(source, Path) or source.endswith(".py") or "/" in source or "\\" in source


def find_file(source: str | Path, folders: Iterable[Path]) -> Path:
    """Return the path of a script, looked up in folders when it is relative.

    Raises:
        BotError: There is none.
    """
    places = [Path(folder, source).absolute() for folder in folders]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise BotError(
            f"there is no file {source}; looked in: "
            + ", ".join(dict.fromkeys(str(place.parent) for place in places))
        )
    return found.resolve()


def load(source: str | Path, folders: Iterable[Path], harness: Harness) -> ModuleType:
    """Import a bot, once per process: later tests get the same module.

    Args:
        source: The path of a script, or the dotted name of a module.
        folders: Where the script is looked for.
        harness: Takes the clients that start meanwhile.

    Raises:
        BotError: There is no such bot, or it raised; the exception is the cause.
    """
    __tracebackhide__ = True
    path = find_file(source, folders) if is_file(source) else None
    if path is not None and (known := _known(path)) is not None:
        return known
    before = len(harness.wanted)
    harness.loading = True
    try:
        module = _execute(path) if path is not None else importlib.import_module(str(source))
    except (Exception, SystemExit) as error:
        raise BotError(f"{source} raised {error!r} while it was loaded") from error
    finally:
        harness.loading = False
    _wanted[module] = harness.wanted[before:]
    return module


def _known(path: Path) -> ModuleType | None:
    """Return the module that a test, or an earlier one, has imported from a file."""
    for module in list(sys.modules.values()):
        known = getattr(module, "__dict__", {})  # asked directly, some modules load others
        file = known.get("__file__")
        if not file or known.get("__name__") == "__main__" or Path(file).name != path.name:
            continue
        if Path(file).resolve() == path:
            return module
    return None


def _execute(path: Path) -> ModuleType:
    name = path.stem
    if name in sys.modules or not name.isidentifier():  # another project's, with the same name
        name = f"qq_bot_{abs(hash(path)):x}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise BotError(f"{path} is no Python script")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))  # stays: handlers may import what lies beside them later
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        sys.path.remove(str(path.parent))
        raise
    return module


def bots_of(module: ModuleType, source: str | Path) -> list[Bot]:
    """Return what a module runs: what called ``run()``, else every client in it.

    Raises:
        BotError: There is none.
    """
    things = list(vars(module).values())
    found = _wanted.get(module) or [
        one for one in collection.wanted if any(one is thing for thing in things)
    ]
    found = found or [one for one in things if isinstance(one, Client | Accounts)]
    shared = [client for one in found if isinstance(one, Accounts) for client in one]
    bots = [one for one in found if not any(one is client for client in shared)]
    if not bots:
        raise BotError(
            f"{source} has no Client at its top level. If it makes one in a function, return that "
            "from a fixture called qq_client, or run the script as a program: "
            f"qq.run({str(source)!r}, subprocess=True)"
        )
    return list({id(bot): bot for bot in bots}.values())
