"""Router: handlers in another file, attached to a client with ``client.include``."""

from __future__ import annotations

import hashlib
import importlib.util
import logging
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

from qqgroup_sync.dispatch.event_decorators import EventDecorators
from qqgroup_sync.dispatch.life_decorators import LifeDecorators
from qqgroup_sync.dispatch.message_decorators import MessageDecorators
from qqgroup_sync.errors import ConfigError, Text

logger = logging.getLogger(__name__)

_PACKAGE = "qqgroup_plugins"


class Router(MessageDecorators, EventDecorators, LifeDecorators):
    """Has all the decorators of a client, and none of its life.

    Example:
        ``router = Router()`` and ``@router.on_command("weather")`` in one file, ``client.include(
        that_module)`` in another.

    Attributes:
        has_life: Whether it starts and stops. A module's clients are no routers to include.
    """

    has_life: ClassVar[bool] = False

    def include(self, *others: Any) -> None:
        """Attach the handlers of routers, or of all routers that stand in a module.

        Handlers of all files are asked in one order: by level, then as they were registered.

        Raises:
            ConfigError: There is no router in it, or it would include itself.
        """
        routers: list[Router] = []
        for other in others:
            routers += _routers_in(other) if isinstance(other, ModuleType) else [other]
        for router in routers:  # all of them before the first is included
            self._check(router)
        for router in routers:
            if self.keep(("included", ""), router, once=True):
                router.included_in.add(self)
                for task in router.tasks:
                    self._task_added(task)

    def exclude(self, router: Router) -> None:
        """Take the handlers of a router away again; idempotent."""
        with self._registering:
            known = router in self.own.included
            self.own.included = tuple(one for one in self.own.included if one is not router)
            router.included_in.discard(self)
            self._changed()
        for task in router.tasks if known else ():
            self._task_removed(task)

    def _check(self, router: Any) -> None:
        if not isinstance(router, Router):
            raise ConfigError(
                f"{router!r} is no router",
                remedy=Text(
                    "Pass a Router, or a module in which one stands.",
                    "请传入 Router，或含有 Router 的模块。",
                ),
            )
        if self in router.family():
            raise ConfigError(
                "a router cannot include itself",
                remedy=Text(
                    "Let one file include the others, not each other.",
                    "请只在一个文件里 include 其他路由，不要互相包含。",
                ),
            )

    def load_plugins(self, folder: str | Path) -> list[ModuleType]:
        """Import every module and package of a folder, and include its routers.

        Args:
            folder: Names that begin with ``_`` or ``.`` are left out. Modules without a router
                are imported and not included: the plugins may need them.

        Returns:
            The modules that have routers, by name.

        Raises:
            ConfigError: There is no such folder, a module cannot be imported, or none of them
                has a router.
        """
        if not isinstance(folder, str | Path):
            raise ConfigError(
                f"{folder!r} is no folder",
                remedy=Text(
                    "Pass its path: load_plugins('plugins').",
                    "请传入文件夹路径：load_plugins('plugins')。",
                ),
            )
        folder = Path(folder)
        if folder.is_file():
            raise ConfigError(
                f"{folder} is a file, not a folder of plugins",
                remedy=Text(
                    "Pass its folder, or import the file and write client.include(that_module).",
                    "请传入它所在的文件夹；或导入该文件后使用 client.include(模块)。",
                ),
            )
        if not folder.is_dir():
            raise ConfigError(
                f"there is no folder {folder}",
                remedy=Text(
                    f"Looked for {folder.absolute()}.", f"查找的位置是 {folder.absolute()}。"
                ),
            )
        folder = folder.resolve()  # by whatever path, its modules are imported once
        _let_import_each_other(folder)
        paths = [path for path in sorted(folder.iterdir()) if _is_plugin(path)]
        modules = [_imported(path) for path in paths]
        plugins = [module for module in modules if _find_routers(module)]
        if modules and not plugins:
            raise _no_router(str(folder))
        for path, module in zip(paths, modules, strict=True):
            if module not in plugins:
                logger.info("%s has no router: imported, but no plugin", path)
        self.include(*plugins)
        return plugins


def _is_plugin(path: Path) -> bool:
    if path.name.startswith(("_", ".")):
        return False
    return path.suffix == ".py" if path.is_file() else (path / "__init__.py").is_file()


def _let_import_each_other(folder: Path) -> None:
    """Let plugins import what stands beside them: ``from . import _shared``."""
    name = _package_of(folder)
    if name not in sys.modules:
        package = sys.modules[name] = ModuleType(name, "Plugins of a bot.")
        package.__path__ = [str(folder)]


def _package_of(folder: Path) -> str:
    """Return the package of a folder's modules; two folders may have files of one name."""
    place = hashlib.sha256(os.fsencode(folder)).hexdigest()
    return f"{_PACKAGE}_{place[:16]}"


def _imported(path: Path) -> ModuleType:
    """Import a file or a package by its place; again gives the same module."""
    name = f"{_package_of(path.parent)}.{path.stem}"
    known = sys.modules.get(name)
    file = path if path.is_file() else path / "__init__.py"
    if known is not None and known.__file__ == str(file):
        return known
    places = None if path.is_file() else [str(path)]
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=places)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if not isinstance(error, Exception):
            raise  # Ctrl-C, or a plugin that ends the program
        raise ConfigError(
            f"plugin {path} cannot be imported: {type(error).__name__}: {error}",
            remedy=Text(
                "Mend it, or let its name begin with _ to leave it out.",
                "请修复它；文件名以 _ 开头即可跳过。",
            ),
        ) from error
    return module


def _find_routers(module: ModuleType) -> list[Router]:
    found = [value for value in vars(module).values() if isinstance(value, Router)]
    return [router for router in dict.fromkeys(found) if not router.has_life]


def _routers_in(module: ModuleType) -> list[Router]:
    found = _find_routers(module)
    if not found:
        raise _no_router(getattr(module, "__file__", None) or module.__name__)
    return found


def _no_router(where: str) -> ConfigError:
    return ConfigError(
        f"there is no router in {where}",
        remedy=Text(
            "Write router = Router() in it, and decorate with @router.on_message ...",
            "请在其中写 router = Router()，并使用 @router.on_message 等装饰器。",
        ),
    )
