"""The profile of a long run, and the table at its end.

``pytest tests/fuzz --hypothesis-profile=long`` runs a million examples, or as many as
``FUZZ_EXAMPLES`` says; without it each target gets a few hundred. An example is one input; some
come twice, so a few more are run, and those that are different are counted.
"""

from __future__ import annotations

import os
import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, Phase, settings

TARGETS = 17
AT_ONCE = 8  # inputs that are made of one draw of hypothesis
SHORT = 250  # inputs of each target
LONG = int(os.environ.get("FUZZ_EXAMPLES", "1000000")) * 115 // 100 // TARGETS

for name, examples in (("short", SHORT), ("long", LONG)):
    settings.register_profile(
        name,
        max_examples=examples // AT_ONCE + 1,
        deadline=None,
        database=None,
        phases=(Phase.explicit, Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )

ran: Counter[str] = Counter()
distinct: dict[str, int] = {}
seconds: dict[str, float] = {}
busy_seconds: dict[str, float] = {}  # of this process, for other programs may run beside it


def is_long(config):
    """Tell whether the long profile was asked for."""
    return config.getoption("--hypothesis-profile") == "long"


def pytest_collection_modifyitems(config, items):
    """Lift the limit of the suite for a run that takes its time."""
    for item in items:
        if is_long(config) and "fuzz" in item.nodeid:
            item.add_marker(pytest.mark.timeout(0))


@pytest.fixture(autouse=True)
def _timed(request):
    """Note how long each target took."""
    began, busy = time.perf_counter(), time.process_time()
    yield
    seconds[request.node.name] = time.perf_counter() - began
    busy_seconds[request.node.name] = time.process_time() - busy


def pytest_terminal_summary(terminalreporter, config):
    """Say how many examples there really were."""
    if not is_long(config) or not ran:
        return
    terminalreporter.section("examples")
    for name, count in ran.items():
        took, busy = seconds.get(name, 0.0), busy_seconds.get(name, 0.0)
        terminalreporter.write_line(
            f"{name:26} {count:9,} examples, {distinct[name]:9,} different,"
            f" {took:7.1f} s, {busy:7.1f} s of CPU, {count / max(busy, 0.001):6.0f}/s"
        )
    total, different = sum(ran.values()), sum(distinct.values())
    took, busy = sum(seconds.values()), sum(busy_seconds.values())
    terminalreporter.write_line(
        f"{'all':26} {total:9,} examples, {different:9,} different,"
        f" {took:7.1f} s, {busy:7.1f} s of CPU, {total / max(busy, 0.001):6.0f}/s"
    )
