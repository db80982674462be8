"""Finds, starts and ends the system's Chromium through playwright; knows nothing about pages."""

from __future__ import annotations

import contextlib
import inspect
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from qqgroup_sync.errors import MediaError, QQGroupError, StateError, Text, UnsupportedMedia

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterator

logger = logging.getLogger(__name__)

VARIABLE = "QQ_CHROMIUM"
START_TIMEOUT = 30.0  # seconds; not those of the page that waits: the next one needs it, too
_FLAGS = (  # beside playwright's own; what is not there is not looked up on the network
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--mute-audio",
)
_PROGRAMS = (
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "microsoft-edge-stable",
    "microsoft-edge",
)
_MAC_PROGRAMS = ("Google Chrome", "Chromium", "Microsoft Edge")
_WINDOWS_PROGRAMS = (
    r"Google\Chrome\Application\chrome.exe",
    r"Microsoft\Edge\Application\msedge.exe",
    r"Chromium\Application\chrome.exe",
)
_INSTALL = Text(
    "Install one (Debian: apt install chromium; Windows and macOS: Chrome or Edge), or set"
    f" {VARIABLE} to its path.",
    "请安装浏览器（Debian：apt install chromium；Windows、macOS：Chrome 或 Edge），"
    f"或用环境变量 {VARIABLE} 指定其路径。",
)


def find_chromium(given: str | None = None, *, language: str | None = None) -> str | None:
    """Return the path of a Chromium, Chrome or Edge; None when there is none.

    Args:
        given: A path or a program's name; beats the environment variable ``QQ_CHROMIUM``.
        language: Of errors.

    Raises:
        UnsupportedMedia: What was given, or what the variable names, does not exist.
    """
    wanted = given or os.environ.get(VARIABLE)
    if wanted:
        found = shutil.which(wanted)
        if found is None:
            raise UnsupportedMedia(
                f"there is no browser {wanted!r}", remedy=_INSTALL, language=language
            )
        return found
    return next((str(path) for path in _usual_places() if path.is_file()), None)


def _usual_places() -> Iterator[Path]:
    if sys.platform == "win32":
        for variable in ("PROGRAMFILES", "PROGRAMFILES(X86)", "LOCALAPPDATA"):
            if folder := os.environ.get(variable):
                yield from (Path(folder) / program for program in _WINDOWS_PROGRAMS)
    elif sys.platform == "darwin":
        for applications in (Path("/Applications"), Path("~/Applications").expanduser()):
            for name in _MAC_PROGRAMS:
                yield applications / f"{name}.app" / "Contents" / "MacOS" / name
    else:
        for name in _PROGRAMS:
            yield Path(shutil.which(name) or f"/usr/bin/{name}")


class Chromium:
    """One headless browser and playwright's driver process, started when first needed.

    Playwright's objects belong to the thread that made them: everything but :meth:`kill` and
    :meth:`retire` is called from that one thread.

    Args:
        executable: See :func:`find_chromium`.
        language: Of errors.
    """

    def __init__(self, executable: str | None = None, *, language: str | None = None) -> None:
        self._executable = executable
        self._language = language
        self._playwright: Any = None
        self._browser: Any = None
        self._lock = threading.Lock()
        self._pid: int | None = None
        self._driver_pid: int | None = None
        self._killed = False
        self._retired = False
        self._folders: list[Path] = []

    @property
    def running(self) -> bool:
        """Whether there is something to close."""
        return self._playwright is not None

    def context(self, **options: Any) -> Any:
        """Return a new playwright context: a session of its own, with no cookies of others.

        A browser that died since it was last used is replaced without a word.

        Raises:
            UnsupportedMedia: Playwright or the browser is missing.
            MediaError: The browser does not start.
            StateError: After :meth:`retire`, when it does not run.
        """
        if self._browser is not None and not self._killed:
            try:
                return self._browser.new_context(**options)
            except Exception:
                if self._killed:  # whoever wanted this page has given it up
                    raise
                # else it is dead, or its driver is: it is replaced below
        self.close()
        if self._retired:
            raise StateError("the browser is not needed any more", language=self._language)
        path = find_chromium(self._executable, language=self._language)
        try:
            self._launch(path)
            return self._browser.new_context(**options)
        except QQGroupError:
            raise
        except Exception as error:
            self.close()
            raise self._not_started(path, str(error)) from error

    def _launch(self, path: str | None) -> None:
        try:
            from playwright.sync_api import sync_playwright  # noqa: PLC0415 - heavy, optional
        except ImportError as error:
            raise UnsupportedMedia(
                "drawing pages needs playwright",
                remedy=Text(
                    'Install it: pip install "qqgroup_sync[html]".',
                    '请安装：pip install "qqgroup_sync[html]"。',
                ),
                language=self._language,
            ) from error
        import asyncio  # noqa: PLC0415 - 40 modules that only this needs

        root = hasattr(os, "geteuid") and os.geteuid() == 0
        manager = sync_playwright()
        self._playwright = manager.start()
        with self._lock:
            self._driver_pid = _driver_pid(manager)
        with contextlib.suppress(RuntimeError):
            # What a killed driver leaves unfinished is told by our own errors, not on stderr.
            asyncio.get_running_loop().set_exception_handler(_quiet)
        launch = self._playwright.chromium.launch
        options: dict[str, Any] = {}
        if "artifacts_dir" in inspect.signature(launch).parameters:  # else it is never told
            self._folders = [Path(tempfile.mkdtemp(prefix="qqgroup-render-"))]
            options["artifacts_dir"] = self._folders[0]
        self._browser = launch(
            executable_path=path,
            headless=True,
            chromium_sandbox=not root,  # Chromium refuses its sandbox to root
            handle_sigint=False,  # the first Ctrl-C stops the bot, which closes the browser
            args=list(_FLAGS),
            timeout=START_TIMEOUT * 1000,
            **options,
        )
        self._remember_process()

    def _remember_process(self) -> None:
        """Ask the browser for its process and its folders, which playwright does not tell."""
        session = self._browser.new_browser_cdp_session()
        processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
        command = session.send("SystemInfo.getInfo")["commandLine"]
        session.detach()
        self._folders += _temporary_folders(command)
        with self._lock:
            self._pid = next(one["id"] for one in processes if one["type"] == "browser")
            self._killed = False

    def _not_started(self, path: str | None, words: str) -> MediaError:
        if path is None and "Executable doesn't exist" in words:
            return UnsupportedMedia(
                "no Chromium, Chrome or Edge was found on this system",
                remedy=_INSTALL,
                language=self._language,
            )
        said = re.search(r"\[err\] (.{1,300})", words) or re.search(r"(?m)^.{1,300}$", words)
        remedy = Text(
            "Start it by hand to see why; set QQ_CHROMIUM to use another one.",
            "请手动启动它以查看原因；可用 QQ_CHROMIUM 换一个浏览器。",
        )
        if "usable sandbox" in words:
            remedy = Text(
                "The system denies Chromium's sandbox: allow unprivileged user namespaces"
                " (container: --security-opt seccomp=unconfined).",
                "系统禁止了 Chromium 的沙箱：请允许非特权用户命名空间"
                "（容器：--security-opt seccomp=unconfined）。",
            )
        return MediaError(
            f"the browser {path or ''} did not start: {said.group(said.re.groups) if said else ''}",
            remedy=remedy,
            language=self._language,
        )

    def retire(self) -> None:
        """Start no browser from now on; safe from any thread."""
        self._retired = True

    def kill(self, *, even_starting: bool = False) -> None:
        """End browser and driver at once; safe from any thread. Calls that wait for them fail.

        The only way to end a page that computes forever. The driver has to go as well: when the
        browser dies at the wrong moment, it never answers (measured: in ``new_page``).

        Args:
            even_starting: End also a driver whose browser is not up yet. That leaves a folder
                behind, and a start ends by itself soon.
        """
        with self._lock:
            self._killed = True
            if self._pid is None and not even_starting:
                return
            for pid in (self._pid, self._driver_pid):
                if pid is not None:
                    _kill(pid)
            self._pid = self._driver_pid = None

    def close(self) -> None:
        """End the browser and the driver; nothing happens when there is none."""
        browser, self._browser = self._browser, None
        driver, self._playwright = self._playwright, None
        died = False
        for end in (browser and browser.close, driver and driver.stop):
            try:
                if end is not None:
                    end()
            except Exception:  # the other side is gone
                died = True
        with self._lock:
            if died and self._pid is not None:
                _kill(self._pid)  # without its driver it would still write into its folders
            self._pid = self._driver_pid = None
            self._killed = False
        for folder in self._folders:  # a killed browser leaves them
            shutil.rmtree(folder, ignore_errors=True)
        self._folders = []


def _quiet(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    logger.debug("playwright: %s", context.get("message"))


def _driver_pid(manager: Any) -> int | None:
    """Return the process id of playwright's driver; there is no public way to it."""
    for owner in ("_client", "_connection"):  # since 1.65, and before
        transport = getattr(getattr(manager, owner, None), "_transport", None)
        process = getattr(transport, "_proc", None)
        if process is not None:
            return int(process.pid)
    return None  # only a browser that dies at the wrong moment needs it


def _kill(pid: int) -> None:
    with contextlib.suppress(OSError):  # it may have died by itself
        if sys.platform == "win32":
            os.kill(pid, signal.SIGTERM)
        elif os.getpgid(pid) == pid:  # playwright gives the browser a process group
            os.killpg(pid, signal.SIGKILL)
        else:
            os.kill(pid, signal.SIGKILL)


def _temporary_folders(command: str) -> Iterator[Path]:
    """Yield the profile that playwright made, and the folder of the browser's lock in /tmp."""
    found = re.search(r"--user-data-dir=(\S*playwright_chromiumdev_profile-\w+)", command)
    if found is None:
        return
    profile = Path(found.group(1))
    yield profile
    with contextlib.suppress(OSError):  # there is no such link on Windows
        folder = (profile / "SingletonSocket").readlink().parent
        if folder != profile and folder.parent == profile.parent:
            yield folder
