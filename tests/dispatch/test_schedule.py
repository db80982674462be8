"""Timed tasks: what may be written, when they run, and that nothing runs twice or for ever."""

from __future__ import annotations

import datetime as dt
import logging
import subprocess
import sys
import threading
import time
from zoneinfo import ZoneInfo

import pytest
from apscheduler.triggers.calendarinterval import CalendarIntervalTrigger
from apscheduler.triggers.combining import AndTrigger, OrTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.date import DateTrigger
from apscheduler.triggers.interval import IntervalTrigger

from qqgroup_sync import Chain
from qqgroup_sync.dispatch.schedule import TICK, Schedule
from qqgroup_sync.dispatch.timed_tasks import Task
from qqgroup_sync.errors import ConfigError, StateError
from qqgroup_sync.runtime.clock import Clock, Deadline
from qqgroup_sync.runtime.lanes import LanePool
from tests.clocks import START
from tests.waiting import LIMIT, eventually

SHANGHAI = ZoneInfo("Asia/Shanghai")
BERLIN = ZoneInfo("Europe/Berlin")
HOUR, DAY = 3600.0, 86400.0


class SteppedClock(Clock):
    """Both clocks stand until the test moves them; then whoever waits goes on and is waited for."""

    def __init__(self, start=START):
        self.wall = start
        self.steady = 1000.0
        self.waits = []
        self._resting = None  # the event and the steady time that somebody waits for

    def monotonic(self):
        return self.steady

    def time(self):
        return self.wall

    def wait(self, event, seconds):
        until = None if seconds is None else self.steady + seconds
        self.waits.append(seconds)
        self._resting = (event, until)
        while not event.is_set() and (until is None or self.steady < until):
            event.wait(0.0005)
        self._resting = None
        return event.is_set()

    @property
    def rests(self):
        resting = self._resting
        if resting is None:
            return False
        event, until = resting
        return not event.is_set() and (until is None or self.steady < until)

    def advance(self, seconds, step=None):
        """Let time pass, in steps, and wait until the schedule has done what was due."""
        while seconds > 0:
            now = min(seconds, step or seconds)
            seconds -= now
            self.wall += now
            self.steady += now
            eventually(lambda: self.rests)

    def jump(self, seconds):
        """Set the wall clock, or sleep: the steady clock stands still. Then notice it."""
        self.wall += seconds
        self.advance(TICK)


class Bench:
    """A schedule on a stepped clock whose pool runs everything at once, in the same thread."""

    def __init__(self, start=START):
        self.clock = SteppedClock(start)
        self.errors = []
        self.runs = []
        self.taking = True
        self.schedule = Schedule(
            self.clock,
            submit=self.submit,
            on_error=lambda error, task: self.errors.append((error, task)),
            arguments=("the client",),
        )

    def submit(self, job):
        if self.taking:
            job()
        return self.taking

    def task(self, function=None, **options):
        """Return a task that notes when it ran."""

        def note():
            self.runs.append(self.clock.time())
            if function is not None:
                function()

        return Task.of(note, **options)

    def add(self, function=None, **options):
        task = self.task(function, **options)
        self.schedule.add(task)
        return task

    def start(self):
        self.schedule.start()
        eventually(lambda: self.clock.rests)

    @property
    def since_start(self):
        return [round(run - START, 3) for run in self.runs]

    def local(self, zone):
        return [dt.datetime.fromtimestamp(run, zone).isoformat() for run in self.runs]


@pytest.fixture
def benches():
    """Return a maker of benches, which are stopped at the end."""
    made = []

    def make(*arguments):
        made.append(Bench(*arguments))
        return made[-1]

    yield make
    for bench in made:
        assert bench.schedule.stop(Deadline(Clock(), LIMIT)) == []


@pytest.fixture
def bench(benches):
    """Return a bench whose clock starts at 10 o'clock in Shanghai."""
    return benches()


@pytest.fixture
def pool():
    """Return a small pool of workers, closed and joined at the end."""
    made = LanePool(Clock(), resting=4, working=8, capacity=8)
    made.start()
    yield made
    made.close()
    assert made.join(Deadline(Clock(), LIMIT)) == []


def real_schedule(pool, **options):
    """Return a schedule on the machine's clock and a real pool."""
    options.setdefault("on_error", lambda error, task: None)
    return Schedule(Clock(), submit=lambda job: pool.submit(None, job), **options)


def within(seconds=LIMIT):
    """Return a deadline on the machine's clock."""
    return Deadline(Clock(), seconds)


def schedule_threads():
    """Return the schedules' threads that live."""
    return [one for one in threading.enumerate() if one.name == "qqgroup-schedule"]


def fill(pool, gate):
    """Keep all workers busy and the queue full until the gate opens."""
    for _ in range(16):
        pool.submit(None, lambda: gate.wait(LIMIT))
    eventually(lambda: (pool.size, pool.queued) == (8, 8))


def unix(text, zone):
    """Return the Unix time of a local time."""
    return dt.datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


# ---------------------------------------------------------------------- what may be written


def nothing():
    """Do nothing."""


async def async_task():
    """Be what is refused."""


class AsyncCall:
    async def __call__(self):
        pass


def test_a_task_keeps_what_was_written():
    """The seed's names: each, sub_tag, run_when_added; tag is another name."""
    task = Task.of(nothing, 60, "news", run_when_added=True)
    assert (task.function, task.each, task.tag, task.run_when_added) == (nothing, 60, "news", True)
    assert task.trigger is None
    assert Task.of(nothing, each=1).tag == "default_tag"
    assert Task.of(nothing, each=1, tag="x").tag == "x"
    cron = Task.of(nothing, trigger="cron", hour=8, timezone="Asia/Shanghai")
    assert (cron.each, cron.trigger, cron.options) == (None, "cron", {"hour": 8})
    assert cron.timezone == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("options", "seconds"),
    [
        ({"each": dt.timedelta(minutes=2)}, 120),
        ({"each": 0.5}, 0.5),
        ({"trigger": "interval", "minutes": 5}, 300),
        ({"trigger": "interval", "hours": 1, "seconds": 1}, 3601),
    ],
)
def test_plain_intervals_are_each(options, seconds):
    """A plain interval follows the steady clock, however it is written."""
    assert Task.of(nothing, **options).each == seconds


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({}, "either each= or trigger="),
        ({"hour": 8}, "either each= or trigger="),
        ({"each": 60, "trigger": "cron", "hour": 8}, "either each= or trigger="),
        ({"each": 0}, "each is a number of seconds above 0, not 0"),
        ({"each": -1}, "above 0"),
        ({"each": "60"}, "above 0"),
        ({"each": True}, "above 0"),
        ({"each": float("nan")}, "above 0"),
        ({"each": float("inf")}, "above 0"),
        ({"each": dt.timedelta(0)}, "above 0"),
        ({"each": 60, "hour": 8}, "no option hour"),
        ({"trigger": "crno", "hour": 8}, "no trigger 'crno'"),
        ({"trigger": 5}, "5 is no trigger"),
        ({"trigger": CronTrigger}, "is no trigger"),
        ({"trigger": CronTrigger(hour=8), "hour": 9}, "an object already"),
        ({"trigger": CronTrigger(hour=8), "timezone": "UTC"}, "an object already"),
        ({"trigger": "cron"}, "no time to run at"),
        ({"trigger": "cron", "timezone": "UTC"}, "no time to run at"),
        ({"trigger": "cron", "hour": 25}, "hour=25"),
        ({"trigger": "cron", "hour": "eight"}, "hour='eight'"),
        ({"trigger": "cron", "day_of_week": "mo"}, "day_of_week='mo'"),
        ({"trigger": "cron", "huor": 8}, "no option huor"),
        ({"trigger": "cron", "hour": 8, "max_instances": 3}, "no option max_instances"),
        ({"trigger": "cron", "hour": 8, "timezone": "Mars/Olympus"}, "time zone 'Mars/Olympus'"),
        ({"trigger": "cron", "hour": 8, "timezone": 8}, "time zone 8"),
        ({"trigger": "cron", "hour": 8, "timezone": "../etc/passwd"}, "time zone"),
        ({"each": 60, "timezone": "Nowhere"}, "time zone 'Nowhere'"),
        ({"trigger": "date"}, "no time to run at"),
        ({"trigger": "date", "run_date": "tomorrow"}, "run_date='tomorrow'"),
        ({"trigger": "interval"}, "above 0"),
        ({"trigger": "interval", "jitter": 5}, "no time to run at"),
        ({"trigger": "interval", "minutes": "5"}, "no interval"),
        ({"trigger": "interval", "minutes": -5}, "above 0"),
        ({"trigger": "interval", "minutes": 0, "jitter": 1}, "above 0"),
        ({"trigger": "calendarinterval"}, "at least 1 day"),
        ({"each": 60, "sub_tag": 5}, "a tag is a text"),
        ({"each": 60, "misfire_grace_time": 0}, "misfire_grace_time"),
    ],
)
def test_mistakes_show_where_they_are_written(options, says):
    """What cannot work raises at decoration, with the remedy in both languages."""
    with pytest.raises(ConfigError, match=says) as caught:
        Task.of(nothing, **options)
    assert "nothing" in caught.value.summary
    assert caught.value._remedy.en
    assert any("\u4e00" <= letter <= "\u9fff" for letter in caught.value._remedy.zh)


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (async_task, "async"),
        (AsyncCall(), "async"),
        (5, "5 is no function"),
        (lambda client, more: None, "wants \\(client, more\\)"),
        (lambda *, key: None, "wants \\(key=\\)"),
    ],
)
def test_what_cannot_be_called_is_no_task(function, says):
    """An async def, and what wants more than the client, are refused."""
    with pytest.raises(ConfigError, match=says):
        Task.of(function, each=60)


@pytest.mark.parametrize(
    ("function", "gets"),
    [
        (lambda: (), ()),
        (lambda client: (client,), ("the client",)),
        (lambda client, more=1: (client, more), ("the client", 1)),
        (lambda *all_of_them: all_of_them, ("the client",)),
        (lambda **named: tuple(named), ()),
        (lambda *, key=1: (key,), (1,)),
    ],
)
def test_a_task_takes_nothing_or_the_client(function, gets):
    """As many arguments are passed as the function has parameters."""
    assert Task.of(function, each=60).call("the client") == gets


@pytest.mark.parametrize("how", ["missing", "another major version"])
def test_without_apscheduler_the_error_names_the_extra(monkeypatch, how):
    """Triggers need the extra, each does not."""
    if how == "missing":
        monkeypatch.setitem(sys.modules, "apscheduler", None)
    else:
        other = type(sys)("apscheduler.triggers.cron")
        other.CronTrigger = object
        monkeypatch.setitem(sys.modules, "apscheduler.triggers.cron", other)
    with pytest.raises(ConfigError, match="needs APScheduler 3") as caught:
        Task.of(nothing, trigger="cron", hour=8)
    for language in ("en", "zh"):
        remedy = caught.value._remedy.in_language(language)
        assert 'pip install -U "qqgroup_sync[schedule]"' in remedy
    assert Task.of(nothing, each=60).each == 60
    assert Task.of(nothing, trigger="interval", minutes=1).each == 60


def test_apscheduler_is_imported_for_triggers_alone():
    """A bot without triggers stays small."""
    code = (
        "import sys, qqgroup_sync; from qqgroup_sync.dispatch.timed_tasks import Task\n"
        "Task.of(print, each=60)\n"
        "assert 'apscheduler' not in sys.modules and 'tzlocal' not in sys.modules\n"
        "Task.of(print, trigger='cron', hour=8)\n"
        "assert 'apscheduler.triggers.cron' in sys.modules\n"
        "assert 'apscheduler.schedulers' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True, timeout=30)


# ---------------------------------------------------------------------- intervals


def test_each_counts_from_start_to_start(bench):
    """The first run comes after one interval, and what a run takes does not shift the next."""

    def takes_three_seconds():
        bench.clock.wall += 3
        bench.clock.steady += 3

    bench.add(takes_three_seconds, each=10)
    bench.start()
    bench.clock.advance(35, step=1)
    assert bench.since_start == [10, 20, 30, 40]


def test_run_when_added_runs_at_the_start_too(bench):
    """Once at the start, then as if it had not; also with a trigger."""
    bench.add(each=10, run_when_added=True)
    bench.start()
    assert bench.since_start == [0]
    bench.clock.advance(20, step=1)
    assert bench.since_start == [0, 10, 20]


def test_run_when_added_goes_with_triggers(bench):
    """A daily task may run at the start as well."""
    bench.add(trigger="cron", hour=12, timezone=SHANGHAI, run_when_added=True)
    bench.start()
    bench.clock.advance(DAY, step=HOUR)
    assert bench.since_start == [0, 2 * HOUR]


def test_an_interval_with_more_options_is_the_triggers(bench):
    """end_date and jitter belong to APScheduler's trigger; it counts from the start."""
    end = dt.datetime.fromtimestamp(START + 35, dt.timezone.utc)
    bench.add(each=10, end_date=end)
    bench.start()
    bench.clock.advance(60, step=1)
    assert bench.since_start == [10, 20, 30]
    assert bench.schedule.tasks == []


def test_tasks_tells_the_next_runs(bench):
    """Unix times, for intervals and triggers; nothing is known before the start."""
    often = bench.add(each=60, sub_tag="often")
    daily = bench.add(trigger="cron", hour=12, timezone=SHANGHAI)
    assert bench.schedule.tasks == [(often, None), (daily, None)]
    bench.start()
    assert bench.schedule.tasks == [(often, START + 60), (daily, START + 2 * HOUR)]
    bench.clock.advance(61)
    assert bench.schedule.tasks[0][1] == pytest.approx(START + 121)


def test_it_waits_without_polling(bench):
    """It wakes at least every ten seconds, to notice a sleep, and never for nothing before."""
    bench.add(each=HOUR)
    bench.start()
    bench.clock.advance(HOUR, step=1)
    assert len(bench.runs) == 1
    assert len(bench.clock.waits) <= HOUR / TICK + 3
    assert max(bench.clock.waits) <= TICK


# ---------------------------------------------------------------------- triggers


def test_cron_follows_its_time_zone(bench):
    """8 o'clock in Shanghai is not 8 o'clock elsewhere."""
    bench.add(trigger="cron", hour=8, timezone="Asia/Shanghai")
    bench.add(trigger="cron", hour=8, timezone="UTC")
    bench.start()
    bench.clock.advance(DAY, step=HOUR)
    # The clock starts at 10 o'clock in Shanghai.
    assert bench.local(SHANGHAI) == ["2026-07-21T16:00:00+08:00", "2026-07-22T08:00:00+08:00"]


@pytest.mark.parametrize(
    ("begin", "days"),
    [
        ("2026-03-27T12:00:00", ["28T08:00:00+01:00", "29T08:00:00+02:00", "30T08:00:00+02:00"]),
        ("2026-10-23T12:00:00", ["24T08:00:00+02:00", "25T08:00:00+01:00", "26T08:00:00+01:00"]),
    ],
)
def test_daily_means_the_same_hour_when_the_clocks_change(benches, begin, days):
    """In spring and in autumn 8 o'clock stays 8 o'clock."""
    bench = benches(unix(begin, BERLIN))
    bench.add(trigger="cron", hour=8, timezone=BERLIN)
    bench.start()
    bench.clock.advance(3 * DAY, step=HOUR / 2)
    assert [run[8:] for run in bench.local(BERLIN)] == days


def test_the_hour_that_comes_twice_in_autumn_goes_on_evenly(benches):
    """Half-hourly stays half-hourly, and nothing spins (APScheduler issue 1021)."""
    bench = benches(unix("2026-10-25T01:15:00", BERLIN))
    bench.add(trigger="cron", minute="*/30", timezone=BERLIN)
    bench.start()
    bench.clock.advance(3 * HOUR, step=60)
    gaps = {later - run for run, later in zip(bench.runs, bench.runs[1:], strict=False)}
    assert len(bench.runs) == 6
    assert gaps == {1800}


def test_missed_runs_in_the_hour_that_comes_twice_are_one(benches):
    """A machine that sleeps into the second 1 o'clock of New York wakes to one run."""
    new_york = ZoneInfo("America/New_York")
    bench = benches(unix("2025-11-02T00:30:00", new_york))
    bench.add(trigger="cron", hour=1, minute=0, second=10, timezone=new_york)
    bench.start()
    bench.clock.jump(HOUR * 0.6)
    bench.clock.advance(6 * HOUR, step=60)
    first, second = bench.local(new_york)  # both 1 o'clocks are named by hour=1
    assert first.startswith("2025-11-02T01:06")
    assert second.startswith(("2025-11-02T01:00", "2025-11-02T01:01"))


def test_a_date_runs_once_and_is_gone(bench):
    """The task leaves the schedule after its only run."""
    bench.add(trigger="date", run_date="2026-07-21 10:05:00", timezone="Asia/Shanghai")
    bench.start()
    bench.clock.advance(DAY, step=HOUR / 12)
    assert bench.since_start == [300]
    assert bench.schedule.tasks == []


def test_a_date_that_has_passed_is_told_and_not_run(bench, caplog):
    """Neither a restart nor a late start repeats what lay before it."""
    bench.add(trigger="date", run_date="2026-07-21 09:59:00", timezone="Asia/Shanghai")
    bench.schedule.start()
    assert bench.schedule.tasks == []
    assert bench.runs == []
    (record,) = caplog.records
    assert record.levelno == logging.WARNING
    assert "never due" in record.getMessage()
    assert schedule_threads() == []


@pytest.mark.parametrize(
    ("trigger", "expected"),
    [
        (CronTrigger(minute=30, timezone=SHANGHAI), [0.5, 1.5, 2.5, 3.5]),
        (IntervalTrigger(hours=2, start_date="2026-07-21 09:00:00", timezone=SHANGHAI), [1, 3]),
        (DateTrigger("2026-07-21 11:00:00", SHANGHAI), [1]),
        (CalendarIntervalTrigger(days=1, hour=9, start_date="2020-01-01", timezone=SHANGHAI), []),
        (CalendarIntervalTrigger(days=1, hour=13, start_date="2020-01-01", timezone=SHANGHAI), [3]),
        (
            OrTrigger(
                [
                    CronTrigger(hour=11, timezone=SHANGHAI),
                    CronTrigger(hour=13, minute=30, timezone=SHANGHAI),
                ]
            ),
            [1, 3.5],
        ),
        (
            AndTrigger(
                [
                    CronTrigger(hour="11-13", timezone=SHANGHAI),
                    CronTrigger(day_of_week="tue", hour="*/2,13", timezone=SHANGHAI),
                ]
            ),
            [2, 3],
        ),
    ],
    ids=["cron", "interval", "date", "calendar-past", "calendar", "or", "and"],
)
def test_trigger_objects_are_taken_as_they_are(bench, trigger, expected):
    """Any trigger of APScheduler works, combined ones included."""
    bench.add(trigger=trigger)
    bench.start()
    bench.clock.advance(4 * HOUR, step=HOUR / 4)
    assert [run / HOUR for run in bench.since_start] == expected


class Broken:
    """A trigger of somebody's own."""

    def __init__(self, answers):
        self.answers = iter(answers)

    def get_next_fire_time(self, previous, now):
        answer = next(self.answers)
        if isinstance(answer, Exception):
            raise answer
        return now + dt.timedelta(seconds=answer)


def test_a_trigger_that_fails_is_reported_and_leaves(bench):
    """It takes only its own task along."""
    broken = bench.add(trigger=Broken([5, ValueError("no idea")]))
    bench.add(each=10)
    bench.start()
    bench.clock.advance(30, step=1)
    ((error, task),) = bench.errors
    assert str(error) == "no idea"
    assert task is broken
    assert bench.since_start == [5, 10, 20, 30]


def test_a_trigger_that_never_moves_on_is_no_endless_loop(bench):
    """Naming the same past time again and again is an error of the trigger."""

    class Stuck:
        def get_next_fire_time(self, previous, now):
            return dt.datetime.fromtimestamp(START + 5, dt.timezone.utc)

    bench.add(trigger=Stuck())
    bench.start()
    bench.clock.advance(10)
    assert len(bench.runs) == 1
    ((error, _),) = bench.errors
    assert "names no time after" in str(error)
    assert bench.schedule.tasks == []


# ---------------------------------------------------------------------- clocks that jump


@pytest.mark.parametrize(
    "options",
    [
        {"each": 60},
        {"trigger": "cron", "minute": "*", "timezone": SHANGHAI},
        {"trigger": "cron", "second": "*/2", "timezone": SHANGHAI},
        {"trigger": "interval", "minutes": 1, "jitter": 1},
    ],
    ids=["each", "minutely", "secondly", "interval"],
)
def test_what_was_missed_while_the_machine_slept_is_one_run(bench, options):
    """Waking after eight hours brings one run within ten seconds, then the usual rhythm."""
    bench.add(**options)
    bench.start()
    bench.clock.advance(30, step=1)
    before = len(bench.runs)
    bench.clock.jump(8 * HOUR)
    assert len(bench.runs) == before + 1
    seconds = 120
    bench.clock.advance(seconds, step=1)
    most = seconds / 2 if "second" in options else seconds / 60
    assert most - 2 <= len(bench.runs) - before - 1 <= most


def test_a_year_of_missed_runs_is_one_run(bench):
    """A machine that learns the date late does not count what lay between."""
    bench.add(trigger="cron", second="*", timezone=SHANGHAI)
    bench.start()
    before = len(bench.runs)
    bench.clock.jump(365 * DAY)
    assert len(bench.runs) == before + 1
    assert bench.schedule.tasks[0][1] - bench.clock.time() <= 1


@pytest.mark.parametrize("back", [HOUR / 2, HOUR, 6 * HOUR, 400 * DAY])
@pytest.mark.parametrize(
    "options",
    [
        {"each": 60},
        {"trigger": "cron", "minute": "*", "timezone": SHANGHAI},
        {"trigger": "interval", "minutes": 1, "jitter": 1},
    ],
    ids=["each", "cron", "interval"],
)
def test_setting_the_clock_back_brings_no_silence(bench, options, back):
    """A minutely task goes on minutely."""
    bench.add(**options)
    bench.start()
    bench.clock.advance(200, step=1)
    before = len(bench.runs)
    assert before >= 3
    bench.clock.jump(-back)
    bench.clock.advance(300, step=1)
    assert 4 <= len(bench.runs) - before <= 6


def test_a_daily_task_is_not_repeated_when_the_clock_is_set_back(bench):
    """What was done today is not done again because it is 12 o'clock again."""
    bench.add(trigger="cron", hour=12, timezone=SHANGHAI)
    bench.start()
    bench.clock.advance(2.5 * HOUR, step=300)
    assert len(bench.runs) == 1
    bench.clock.jump(-HOUR)
    bench.clock.advance(20 * HOUR, step=600)
    assert len(bench.runs) == 1
    bench.clock.advance(5 * HOUR, step=600)
    assert len(bench.runs) == 2


def test_a_wrong_date_put_right_does_not_silence_a_daily_task(bench):
    """A clock that was days ahead leaves no days of silence behind."""
    bench.add(trigger="cron", hour=12, timezone=SHANGHAI)
    bench.start()
    bench.clock.jump(5 * DAY)
    assert len(bench.runs) == 1
    bench.clock.jump(-5 * DAY)
    bench.clock.advance(2.5 * HOUR, step=300)
    assert len(bench.runs) == 2


def test_a_small_correction_repeats_nothing(bench):
    """A time server that steps back by a second after the hour does not repeat it."""
    bench.add(trigger="cron", minute=1, timezone=SHANGHAI)
    bench.start()
    bench.clock.advance(60, step=1)
    assert len(bench.runs) == 1
    bench.clock.wall -= 1
    bench.clock.advance(60, step=1)
    assert len(bench.runs) == 1


def test_a_pending_date_outlives_a_clock_that_is_set_back(bench):
    """The date is a date on the clock."""
    bench.add(trigger="date", run_date="2026-07-21 12:00:00", timezone=SHANGHAI)
    bench.start()
    bench.clock.jump(-HOUR)
    bench.clock.advance(2 * HOUR, step=60)
    assert bench.runs == []
    bench.clock.advance(HOUR, step=60)
    assert len(bench.runs) == 1


def test_misfire_grace_time_leaves_late_runs_out(bench, caplog):
    """Good morning is not said at two in the afternoon."""
    caplog.set_level(logging.INFO)
    bench.add(trigger="cron", hour=12, timezone=SHANGHAI, misfire_grace_time=60)
    bench.start()
    bench.clock.jump(4 * HOUR)
    assert bench.runs == []
    assert "left out" in caplog.text
    bench.clock.advance(DAY, step=HOUR)
    assert bench.local(SHANGHAI) != []


# ---------------------------------------------------------------------- errors


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(3), KeyboardInterrupt()])
def test_a_task_that_raises_is_reported_and_runs_again(bench, error):
    """Every error comes with its task; the schedule goes on."""

    def fail():
        raise error

    task = bench.add(fail, each=10)
    bench.start()
    bench.clock.advance(25, step=1)
    assert bench.errors == [(error, task), (error, task)]


def test_a_report_that_fails_is_logged(bench, expected_errors):
    """Not even the user's own error handling ends the schedule."""

    def fail():
        raise ValueError("boom")

    bench.schedule._on_error = lambda error, task: 1 / 0
    bench.add(fail, each=10)
    bench.start()
    bench.clock.advance(25, step=1)
    assert len(bench.runs) == 2
    assert len(expected_errors) == 2


@pytest.mark.expected_errors
def test_the_owner_learns_when_the_thread_dies(bench):
    """A bot must not live on without its schedule."""
    deaths = []
    bench.schedule._on_death = deaths.append

    def submit(job):
        raise RuntimeError("no more threads")

    bench.schedule._submit = submit
    bench.add(each=1, run_when_added=True)
    bench.schedule.start()
    eventually(lambda: deaths)
    assert str(deaths[0]) == "no more threads"


# ---------------------------------------------------------------------- adding and removing


def test_the_client_is_passed_to_who_wants_it(bench):
    """A task takes the client or nothing."""
    got = []
    bench.schedule.add(Task.of(got.append, each=10, run_when_added=True))
    bench.start()
    assert got == ["the client"]


def test_tasks_can_be_added_later_and_by_tasks(bench):
    """What is added counts from then on; a shorter interval shortens the wait."""

    def add_another():
        bench.schedule.remove("first")
        bench.add(each=1)

    bench.add(add_another, each=10, sub_tag="first")
    bench.start()
    bench.clock.advance(13, step=0.5)
    assert bench.since_start == [10, 11, 12, 13]
    bench.add(each=0.5, run_when_added=True)
    eventually(lambda: len(bench.runs) == 5)


def test_remove_takes_every_task_of_the_tag(bench):
    """And says how many there were."""
    bench.add(each=10, sub_tag="a")
    bench.add(trigger="cron", second="5/10", timezone=SHANGHAI, sub_tag="a")
    kept = bench.add(each=10, sub_tag="b")
    bench.start()
    assert bench.schedule.remove("a") == 2
    assert bench.schedule.remove("a") == 0
    assert [task for task, _ in bench.schedule.tasks] == [kept]
    bench.clock.advance(10, step=1)
    assert bench.since_start == [10]
    assert bench.schedule.remove(kept) == 1
    bench.clock.advance(30, step=1)
    assert bench.since_start == [10]


def test_a_task_that_is_there_is_not_taken_twice(bench):
    """It was reached by two ways, before or after the start."""
    task = bench.add(each=10)
    bench.schedule.add(task)
    bench.start()
    bench.schedule.add(task)
    bench.clock.advance(20, step=1)
    assert bench.since_start == [10, 20]


def test_a_task_may_remove_itself(bench):
    """The run under way ends by itself, there is no other."""
    bench.add(lambda: bench.schedule.remove("once"), each=10, sub_tag="once")
    bench.add(
        lambda: bench.schedule.remove("at start"), each=1, tag="at start", run_when_added=True
    )
    bench.start()
    bench.clock.advance(60, step=1)
    assert bench.since_start == [0, 10]
    assert bench.schedule.tasks == []


def test_a_removed_task_that_waits_for_a_worker_is_not_run(bench):
    """Removed is removed, although the pool has it already."""
    jobs = []
    bench.schedule._submit = lambda job: jobs.append(job) or True
    bench.add(each=10, sub_tag="x")
    bench.start()
    bench.clock.advance(10)
    assert len(jobs) == 1
    bench.schedule.remove("x")
    jobs[0]()
    assert bench.runs == []


def test_a_task_removed_before_the_start_never_runs(bench):
    """Nothing is left of it."""
    bench.add(each=1, sub_tag="x", run_when_added=True)
    assert bench.schedule.remove("x") == 1
    bench.schedule.start()
    assert bench.schedule.tasks == []
    assert schedule_threads() == []


def test_threads_may_add_and_remove_at_once(bench):
    """Nothing is lost, nothing stays."""
    bench.schedule.start()

    def churn(number):
        for turn in range(50):
            bench.add(each=1000, sub_tag=f"gone {number} {turn}")
            bench.add(each=1000, sub_tag=f"kept {number}")
            assert bench.schedule.remove(f"gone {number} {turn}") == 1

    threads = [threading.Thread(target=churn, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(LIMIT)
    assert len(bench.schedule.tasks) == 400
    assert {task.tag for task, _ in bench.schedule.tasks} == {f"kept {n}" for n in range(8)}
    assert len(schedule_threads()) == 1


# ---------------------------------------------------------------------- with a real pool


def test_a_task_never_runs_twice_at_once(pool, caplog):
    """Runs that come due meanwhile are left out, which is told once."""
    caplog.set_level(logging.INFO)
    clock = SteppedClock()
    go_on, running, most = threading.Semaphore(0), [], []

    def slow():
        running.append(1)
        most.append(len(running))
        go_on.acquire(timeout=LIMIT)
        running.pop()

    schedule = Schedule(clock, submit=lambda job: pool.submit(None, job), on_error=lambda *_: None)
    schedule.add(Task.of(slow, each=10))
    schedule.start()
    eventually(lambda: clock.rests)
    clock.advance(35, step=1)
    eventually(lambda: most)
    assert most == [1]
    go_on.release()
    eventually(lambda: not running)
    eventually(lambda: not next(iter(schedule._entries)).running)
    clock.advance(10, step=1)
    eventually(lambda: len(most) == 2)
    clock.advance(25, step=1)
    assert most == [1, 1]
    told = [one for one in caplog.records if "left out" in one.getMessage()]
    assert [one.levelno for one in told] == [logging.INFO]
    go_on.release()
    assert schedule.stop(within()) == []


def test_a_slow_task_holds_up_no_other(pool):
    """Tasks run on workers, not on the schedule's thread."""
    end, ran, names = threading.Event(), threading.Semaphore(0), set()

    def quick():
        names.add(threading.current_thread().name)
        ran.release()

    schedule = real_schedule(pool)
    schedule.add(Task.of(lambda: end.wait(LIMIT), each=100, run_when_added=True))
    schedule.add(Task.of(quick, each=0.01))
    schedule.start()
    assert all(ran.acquire(timeout=LIMIT) for _ in range(5))
    end.set()
    assert schedule.stop(within()) == []
    assert all(name.startswith("qqgroup-worker") for name in names)


def test_a_thousand_tasks_run_on_one_thread():
    """Each has its run at the start and goes on, intervals and triggers mixed."""
    pool = LanePool(Clock(), resting=4, working=8)
    pool.start()
    counts = [0] * 1000

    def count(number):
        counts[number] += 1

    schedule = real_schedule(pool)
    for number in range(1000):
        when = {"trigger": "cron", "second": "*"} if number % 4 == 0 else {"each": 0.2}
        task = Task.of(lambda number=number: count(number), **when, run_when_added=True)
        (early := number < 500) and schedule.add(task)
        if not early:
            if number == 500:
                schedule.start()
            schedule.add(task)
    eventually(lambda: min(counts) >= 2, within=20)
    assert len(schedule_threads()) == 1
    assert len(schedule.tasks) == 1000
    assert schedule.stop(within()) == []
    pool.close()
    assert pool.join(within()) == []


def test_a_full_pool_holds_the_schedule_back_and_loses_no_task(pool):
    """The schedule waits for room; what came due meanwhile runs once."""
    gate, ran, clock = threading.Event(), [], SteppedClock()
    schedule = Schedule(clock, submit=lambda job: pool.submit(None, job), on_error=lambda *_: None)
    schedule.add(Task.of(lambda: ran.append(1), each=1))
    schedule.start()
    eventually(lambda: clock.rests)
    fill(pool, gate)
    clock.wall += 1
    clock.steady += 1
    eventually(lambda: pool.paused)
    clock.wall += 60
    clock.steady += 60
    assert schedule.tasks[0][1] is not None  # nobody else is held back
    gate.set()
    eventually(lambda: clock.rests and len(ran) >= 1)
    assert len(ran) == 1
    clock.advance(1)
    eventually(lambda: len(ran) == 2)
    assert schedule.stop(within()) == []


# ---------------------------------------------------------------------- the end


def test_without_tasks_there_is_no_thread(bench):
    """It starts with the first task."""
    bench.schedule.start()
    assert schedule_threads() == []
    bench.add(each=10)
    assert len(schedule_threads()) == 1
    bench.schedule.remove("default_tag")
    eventually(lambda: bench.clock.rests)


def test_stop_before_the_start():
    """There is nothing to stop, and nothing starts any more."""
    schedule = Schedule(Clock(), submit=lambda job: True, on_error=lambda *_: None)
    schedule.add(Task.of(nothing, each=1))
    assert schedule.stop(within()) == []
    with pytest.raises(StateError, match="started before"):
        schedule.start()
    assert schedule_threads() == []


def test_a_schedule_starts_once(bench):
    """A thread of an earlier start can touch nothing of a later one."""
    bench.schedule.start()
    with pytest.raises(StateError, match="started before"):
        bench.schedule.start()


@pytest.mark.parametrize("options", [{"each": 1000}, {"trigger": "cron", "year": 2400}])
def test_stop_ends_a_long_wait_at_once(pool, options):
    """Milliseconds, whatever the next run is."""
    schedule = real_schedule(pool)
    schedule.add(Task.of(nothing, **options))
    schedule.start()
    begun = time.monotonic()
    assert schedule.stop(within()) == []
    assert time.monotonic() - begun < 0.5
    assert schedule.stop(within()) == []
    assert schedule.tasks == []
    schedule.add(Task.of(nothing, each=1))  # by a handler that still runs: not for this life
    assert schedule.tasks == []
    assert schedule_threads() == []


def test_stop_from_within_a_task(pool):
    """A task may stop the schedule; its own run ends by itself."""
    schedule, ended = real_schedule(pool), []
    schedule.add(
        Task.of(lambda: ended.append(schedule.stop(within())), each=10, run_when_added=True)
    )
    schedule.start()
    eventually(lambda: ended)
    assert ended == [[]]
    assert schedule_threads() == []


def test_stop_while_the_pool_is_full(pool):
    """Once the pool is closed, the schedule ends, however full the pool was."""
    gate = threading.Event()
    fill(pool, gate)
    schedule, ran = real_schedule(pool), []
    schedule.add(Task.of(lambda: ran.append(1), each=0.01, run_when_added=True))
    schedule.start()
    eventually(lambda: pool.paused)
    assert schedule.stop(within(0.05)) == ["qqgroup-schedule"]
    pool.close()
    assert schedule.stop(within()) == []
    gate.set()
    assert ran == []


def test_a_pool_that_takes_no_more_is_no_error(bench):
    """The run is dropped, the schedule does not spin."""
    bench.taking = False
    bench.add(each=10)
    bench.start()
    bench.clock.advance(30, step=1)
    assert bench.runs == []
    assert len(bench.clock.waits) < 12


def test_after_a_stop_a_new_schedule_takes_the_same_tasks(pool):
    """What a start after a stop does."""
    ran = threading.Event()
    task = Task.of(ran.set, trigger="cron", second="*", run_when_added=True)
    for _ in range(3):
        ran.clear()
        schedule = real_schedule(pool)
        schedule.add(task)
        schedule.start()
        assert ran.wait(LIMIT)
        assert schedule.stop(within()) == []


@pytest.mark.parametrize("_round", range(20))
def test_stop_at_any_moment(pool, _round):
    """Starting, adding, running and stopping at once leave no thread."""
    schedule = real_schedule(pool)
    for _ in range(20):
        schedule.add(Task.of(nothing, each=0.001, run_when_added=True))
    adding = threading.Thread(
        target=lambda: [schedule.add(Task.of(nothing, each=0.001)) for _ in range(50)]
    )
    schedule.start()
    adding.start()
    assert schedule.stop(within()) == []
    adding.join(LIMIT)
    assert schedule.tasks == []
    assert schedule_threads() == []


def test_apscheduler_says_nothing(bench, caplog):
    """Its loggers stay silent, its scheduler is not there."""
    caplog.set_level(logging.DEBUG)
    bench.add(trigger="cron", second="2/5", timezone=SHANGHAI)
    bench.start()
    bench.clock.advance(20, step=1)
    assert len(bench.runs) == 4
    assert [one.name for one in caplog.records if "apscheduler" in one.name] == []


# ---------------------------------------------------------------------- what is told of tasks


def test_a_date_that_has_run_is_not_told_at_the_next_start(bench, benches, caplog):
    """Stop and start again: the task did what it should."""
    task = bench.add(trigger="date", run_date="2026-07-21 10:05:00", timezone="Asia/Shanghai")
    bench.start()
    bench.clock.advance(HOUR, step=60)
    assert bench.since_start == [300]
    again = benches(bench.clock.wall)
    again.schedule.add(task)
    again.schedule.start()
    assert again.schedule.tasks == []
    assert "never due" not in caplog.text


@pytest.mark.parametrize(
    ("value", "shown"), [("hello", "str"), (5, "5 (int)"), (Chain().text("hi"), "Chain")]
)
def test_what_a_task_returns_is_dropped_with_one_warning(bench, caplog, value, shown):
    """Nobody asked it."""

    def news():
        return value

    bench.schedule.add(Task.of(news, each=60))
    bench.start()
    bench.clock.advance(180, step=60)
    (record,) = [one for one in caplog.records if "dropped" in one.getMessage()]
    assert f"news (test_schedule.py:{news.__code__.co_firstlineno})" in record.getMessage()
    assert f"returned {shown}, " in record.getMessage()


@pytest.mark.parametrize("value", [None, True, object()])
def test_what_a_task_cannot_mean_as_an_answer_is_not_told(bench, caplog, value):
    """Such as what sending returns, in a lambda."""
    bench.schedule.add(Task.of(lambda: value, each=60))
    bench.start()
    bench.clock.advance(60)
    assert "dropped" not in caplog.text
