"""What makes a fuzzing test of a function that takes dice."""

from __future__ import annotations

import inspect

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import conftest
from tests.fuzz.dice import Dice

# Hypothesis takes about a millisecond for whatever it draws, so one draw makes several inputs.
EACH = 96  # bytes for one of them
BYTES = st.binary(min_size=EACH * conftest.AT_ONCE, max_size=EACH * conftest.AT_ONCE)


def check_told(error, words=""):
    """Fail unless an error of ours can be shown to people."""
    assert words in str(error)
    assert str(error)
    assert repr(error)


def fuzzed(check):
    """Return a test that runs ``check(dice, *fixtures)`` with the examples of the profile."""
    name = check.__name__
    fixtures = list(inspect.signature(check).parameters)[1:]
    seen = set()

    def test(data, **values):
        arguments = [values[one] for one in fixtures]
        for start in range(0, len(data), EACH):
            dice = Dice(data[start : start + EACH])
            conftest.ran[name] += 1
            check(dice, *arguments)
            seen.add(dice.trace)
        conftest.distinct[name] = len(seen)

    kinds = inspect.Parameter.KEYWORD_ONLY
    test.__signature__ = inspect.Signature(
        [inspect.Parameter(one, kinds) for one in ("data", *fixtures)]
    )
    test.__name__ = test.__qualname__ = name
    test.__doc__ = check.__doc__
    test.__module__ = check.__module__
    long = settings.get_current_profile_name() == "long"
    profile = settings.get_profile("long" if long else "short")
    return settings(profile)(given(data=BYTES)(test))
