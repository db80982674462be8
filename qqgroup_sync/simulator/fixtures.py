"""The pytest plug-in: ``qq``, a QQ platform for each test, with the user's bot on it.

    def test_hello(qq):
        group = qq.group("g")
        user = group.member("Ming")
        user.say("hello")
        assert group.next_reply().text == "hi"

Every test run of whoever has installed the package loads this module, so that it does nothing
until a test asks for ``qq``, and loads nothing else before. What it brings together, client and
simulator, is in ``qqgroup_sync.testing``.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator
    from pathlib import Path

    import pluggy

    from qqgroup_sync.testing.simulated_qq import SimulatedQQ

MARK = "qq_bot"
NOWHERE = "http://127.0.0.1:9"  # while tests are collected; each test has a platform of its own

PLATFORM = pytest.StashKey["SimulatedQQ"]()
"""Where a test keeps the platform whose conversation is shown when it fails."""

_environment = pytest.StashKey["dict[str, str | None]"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer ``qq_bot`` in pytest's configuration."""
    parser.addini(
        MARK,
        "The bot under test: the path of its script, such as bot.py, or the name of its module. "
        "The fixture qq runs it.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark; keep the bot from QQ while tests are collected."""
    config.addinivalue_line(
        "markers",
        f"{MARK}(bot, subprocess=False, state=None): what the fixture qq runs in this test",
    )
    if config.getini(MARK):
        from qqgroup_sync.testing.harness import collection  # noqa: PLC0415 - only where it is used

        wanted = {"QQ_SIMULATOR": NOWHERE, "QQ_STATE": "none"}
        config.stash[_environment] = {name: os.environ.get(name) for name in wanted}
        os.environ.update(wanted)
        collection.begin()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Put back what ``pytest_configure`` changed."""
    before = config.stash.get(_environment, None)
    if before is None:
        return
    from qqgroup_sync.testing.harness import collection  # noqa: PLC0415 - as above

    collection.end()
    for name, value in before.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.fixture
def qq_client() -> Any:
    """Return the bot under test, or None; override it to return a ``Client`` or ``Accounts``."""
    return None


@pytest.fixture
def qq(request: pytest.FixtureRequest) -> Iterator[SimulatedQQ]:
    """Return a QQ platform for this test, on which the bot is on line.

    The bot is what the mark ``@pytest.mark.qq_bot("bot.py")`` says, else what the fixture
    ``qq_client`` returns, else ``qq_bot`` of pytest's configuration. Without any of these, and
    with the mark ``qq_bot(None)``, the test calls ``qq.run(...)``.
    """
    __tracebackhide__ = True
    mark = request.node.get_closest_marker(MARK)
    options = _options(mark)
    with _new([request.path.parent, request.config.rootpath]) as platform:
        request.node.stash[PLATFORM] = platform
        if mark is not None and mark.args:
            bot = mark.args[0]
        else:
            bot = request.getfixturevalue("qq_client") or _configured(request.config)
        if bot is not None:
            platform.run(bot, **options)
        yield platform


def _options(mark: pytest.Mark | None) -> dict[str, Any]:
    """Return what a mark says beside the bot.

    Raises:
        UsageError: It says something else.
    """
    if mark is None:
        return {}
    if len(mark.args) > 1 or not mark.kwargs.keys() <= {"subprocess", "state"}:
        raise pytest.UsageError(
            f"@pytest.mark.{MARK} takes one bot, subprocess= and state=, "
            f"not {mark.args} {dict(mark.kwargs)}"
        )
    return dict(mark.kwargs)


def _configured(config: pytest.Config) -> str | Path | None:
    """Return the configured bot: a script beside the configuration, the name of a module, None."""
    bot: str = config.getini(MARK)
    if not bot.endswith(".py"):
        return bot or None
    return (config.inipath.parent if config.inipath else config.rootpath) / bot


def _new(folders: list[Path]) -> SimulatedQQ:
    try:
        from qqgroup_sync.testing import SimulatedQQ  # noqa: PLC0415 - only where it is used
    except ImportError as error:
        pytest.fail(str(error), pytrace=False)
    return SimulatedQQ(folders=folders)


@pytest.hookimpl(hookwrapper=True)  # the newer way would break the test runs of old pytests
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pluggy.Result[pytest.TestReport], None]:
    """Show the conversation below a test that failed, unless its error has shown it."""
    outcome = yield
    platform = item.stash.get(PLATFORM, None)
    if platform is None:
        return
    report = outcome.get_result()
    told = call.excinfo is not None and call.excinfo.typename == "ConversationError"
    if report.when == "call" and report.failed and not told:
        report.sections.append(("QQ conversation", platform.conversation))
