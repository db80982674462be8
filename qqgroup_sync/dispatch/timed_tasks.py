"""Timed tasks: what ``@client.timed_task`` was told, checked where it stands."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from typing import TYPE_CHECKING, Any, Protocol
from zoneinfo import ZoneInfo

from qqgroup_sync.dispatch.handlers import parameters
from qqgroup_sync.errors import ConfigError, Text

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TRIGGERS = {
    "cron": "CronTrigger",
    "date": "DateTrigger",
    "interval": "IntervalTrigger",
    "calendarinterval": "CalendarIntervalTrigger",
}
AMOUNTS = ("weeks", "days", "hours", "minutes", "seconds")
CRON_FIELDS = ("year", "month", "day", "week", "day_of_week", "hour", "minute", "second")


class Trigger(Protocol):
    """What every trigger of APScheduler 3 can do."""

    def get_next_fire_time(
        self, previous_fire_time: datetime | None, now: datetime, /
    ) -> datetime | None:
        """Return the time after the previous one; None when there is no more."""


@dataclass(frozen=True, slots=True, eq=False)
class Task:
    """What ``timed_task`` registered; checked when it was written.

    Attributes:
        function: The user's function, unchanged.
        tag: By which it is removed.
        each: Seconds from start to start; None when a trigger decides.
        trigger: Name of a trigger, or a trigger object.
        options: Of the trigger that is named.
        run_when_added: Whether it also runs once at the start.
        timezone: For the trigger that is named; None is the machine's.
        misfire_grace_time: Seconds by which a run may be late, else it is left out; None runs it
            however late.
        takes: How many of the offered arguments the function wants.
    """

    function: Callable[..., Any]
    tag: str = "default_tag"
    each: float | None = None
    trigger: str | Trigger | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    run_when_added: bool = False
    timezone: str | tzinfo | None = None
    misfire_grace_time: float | None = None
    takes: int = 0

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        each: float | timedelta | None = None,
        sub_tag: str = "default_tag",
        run_when_added: bool = False,
        trigger: str | Trigger | None = None,
        *,
        tag: str | None = None,
        timezone: str | tzinfo | None = None,
        misfire_grace_time: float | None = None,
        **options: Any,
    ) -> Task:
        """Check everything that can be checked before the start.

        Args:
            function: Takes nothing, or the client.
            each: Seconds from start to start; or give a trigger.
            sub_tag: By which the task is removed; need not be unique.
            run_when_added: Run once at the start, too.
            trigger: ``cron``, ``date``, ``interval``, ``calendarinterval``, or a trigger object
                of APScheduler 3.
            tag: Another name of ``sub_tag``.
            timezone: Such as ``Asia/Shanghai``; by default the machine's.
            misfire_grace_time: Leave a run out that would be this many seconds late, because the
                machine slept; by default it runs, once.
            options: Of the trigger: ``hour=8``, ``run_date=...``.

        Raises:
            ConfigError: Something is wrong or missing.
        """
        name = _name(function)
        takes = parameters(function, 1)
        tag = sub_tag if tag is None else tag
        if not isinstance(tag, str):
            raise _wrong(
                f"{name}: a tag is a text, not {tag!r}", "Write tag='news'.", "请写成 tag='news'。"
            )
        if (each is None) == (trigger is None):
            raise _wrong(
                f"{name}: give either each= or trigger=",
                "each=60 runs it every 60 seconds; trigger='cron', hour=8 every day at 8.",
                "each=60 表示每 60 秒运行一次；trigger='cron', hour=8 表示每天 8 点运行。",
            )
        if misfire_grace_time is not None:
            misfire_grace_time = _seconds(misfire_grace_time, f"{name}: misfire_grace_time")
        if timezone is not None:
            _check_zone(timezone, name)
        if each is not None:
            each = _seconds(each, f"{name}: each")
        if each is not None and options:  # such as jitter, which only the trigger knows
            each, trigger, options = None, "interval", {"seconds": each, **options}
        if trigger == "interval" and set(options) <= set(AMOUNTS):
            each, trigger, options = _interval(options, name), None, {}
        task = cls(
            function,
            tag,
            each,
            trigger,
            options,
            bool(run_when_added),
            timezone,
            misfire_grace_time,
            takes,
        )
        if trigger is not None:
            task._check_trigger()
        return task

    @property
    def name(self) -> str:
        """The function's name, for logs."""
        return _name(self.function)

    def call(self, *offered: Any) -> Any:
        """Call the function with as many of the arguments as it takes."""
        return self.function(*offered[: self.takes])

    def build(self, now: float) -> Trigger:
        """Return the trigger, of an interval one that begins to count now (Unix time)."""
        if not isinstance(self.trigger, str):
            assert self.trigger is not None
            return self.trigger
        options = {key: value for key, value in self.options.items() if value is not None}
        if self.timezone is not None:
            options["timezone"] = self.timezone
        if self.trigger == "interval" and "start_date" not in options:
            first = now + _interval(options, self.name)
            options["start_date"] = datetime.fromtimestamp(first, timezone.utc)
        trigger: Trigger = _trigger_class(self.trigger)(**options)
        return trigger

    def _check_trigger(self) -> None:
        name, trigger = self.name, self.trigger
        if not isinstance(trigger, str):
            usable = callable(getattr(trigger, "get_next_fire_time", None))
            if not usable or isinstance(trigger, type):
                raise _wrong(
                    f"{name}: {trigger!r} is no trigger of APScheduler 3",
                    "Use trigger='cron' and so on, or an object such as CronTrigger(hour=8).",
                    "请使用 trigger='cron' 等名称，或 CronTrigger(hour=8) 这样的对象。",
                )
            if self.options or self.timezone is not None:
                raise _wrong(
                    f"{name}: the trigger is an object already, so options cannot change it",
                    "Give the options to the object: CronTrigger(hour=8, timezone=...).",
                    "请把选项写在触发器对象里：CronTrigger(hour=8, timezone=...)。",
                )
            return
        if trigger not in TRIGGERS:
            raise _wrong(
                f"{name}: there is no trigger {trigger!r}",
                f"Use one of {', '.join(TRIGGERS)}, or a trigger object.",
                f"请使用 {'、'.join(TRIGGERS)} 之一，或触发器对象。",
            )
        self._check_options(trigger)

    def _check_options(self, trigger: str) -> None:
        name = self.name
        known = [*inspect.signature(_trigger_class(trigger)).parameters]
        given = {key for key, value in self.options.items() if value is not None}
        unknown = sorted(given - set(known))
        needed = {"cron": CRON_FIELDS, "date": ("run_date",), "interval": AMOUNTS}.get(trigger)
        if unknown or (needed and not given & set(needed)):
            what = f"no option {', '.join(unknown)}" if unknown else "no time to run at"
            raise _wrong(
                f"{name}: trigger={trigger!r} has {what}",
                f"Its options are {', '.join(known)}; and misfire_grace_time. "
                "(Missed runs become one, and a task never runs twice at once, without options.)",
                f"可用选项：{'、'.join(known)}，以及 misfire_grace_time。"
                "（错过的多次运行会合并为一次，同一任务不会同时运行两次，无需选项。）",
            )
        try:
            self.build(0.0)
        except (ValueError, TypeError, LookupError, OverflowError, OSError) as error:
            given_text = ", ".join(f"{key}={value!r}" for key, value in self.options.items())
            raise _wrong(
                f"{name}: trigger={trigger!r} cannot take {given_text}: {error}",
                "Compare with hour=8, minute='*/5', day_of_week='mon-fri', "
                "run_date='2026-10-01 08:00:00'.",
                "请参照：hour=8、minute='*/5'、day_of_week='mon-fri'、"
                "run_date='2026-10-01 08:00:00'。",
            ) from error


def _wrong(summary: str, en: str, zh: str) -> ConfigError:
    return ConfigError(summary, remedy=Text(en, zh))


def _name(function: object) -> str:
    return getattr(function, "__qualname__", repr(function))


def _seconds(value: Any, what: str) -> float:
    """Return a number of seconds above 0."""
    if isinstance(value, timedelta):
        value = value.total_seconds()
    fits = isinstance(value, int | float) and not isinstance(value, bool)
    if not (fits and math.isfinite(value) and value > 0):
        raise _wrong(
            f"{what} is a number of seconds above 0, not {value!r}",
            "Write 60 for one minute.",
            "例如 60 表示一分钟。",
        )
    return float(value)


def _interval(options: Mapping[str, Any], name: str) -> float:
    """Return the seconds of ``minutes=5`` and the like."""
    amounts = {key: value for key, value in options.items() if key in AMOUNTS and value is not None}
    try:
        length = timedelta(**amounts)
    except (TypeError, ValueError, OverflowError) as error:
        raise _wrong(
            f"{name}: {amounts} is no interval: {error}",
            "Write numbers: trigger='interval', minutes=5.",
            "请写数字：trigger='interval', minutes=5。",
        ) from error
    return _seconds(length, f"{name}: the interval")


def _check_zone(zone: object, name: str) -> None:
    if isinstance(zone, tzinfo):
        return
    try:
        ZoneInfo(zone)  # type: ignore[arg-type] # what is no text ends in the TypeError below
    except (LookupError, ValueError, TypeError, AttributeError, OSError) as error:
        raise _wrong(
            f"{name}: there is no time zone {zone!r}",
            "Use a name such as 'Asia/Shanghai' or 'UTC' (on Windows: pip install tzdata).",
            "请使用 'Asia/Shanghai'、'UTC' 这样的名称（Windows 上需要 pip install tzdata）。",
        ) from error


def _trigger_class(trigger: str) -> Any:
    """Import a trigger of APScheduler, only when one is named."""
    try:
        if importlib.util.find_spec("apscheduler") is not None:
            module = importlib.import_module(f"apscheduler.triggers.{trigger}")
            found = getattr(module, TRIGGERS[trigger])
            if hasattr(found, "get_next_fire_time"):
                return found
    except (ImportError, AttributeError):  # an older or newer APScheduler
        pass
    raise _wrong(
        f"trigger={trigger!r} needs APScheduler 3",
        'pip install -U "qqgroup_sync[schedule]"  (each=60 works without it.)',
        '请执行 pip install -U "qqgroup_sync[schedule]"（each=60 不需要它）。',
    )
