"""Which refusals are told to the person at the terminal."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from qqgroup_sync.cli.refusals import Refusal


def call(status, **body):
    """A request of the bot that was refused."""
    return SimpleNamespace(
        method="POST", path="/v2/groups/g/messages", status=status, response=body
    )


@pytest.mark.parametrize(
    "refused",
    [call(401, code=11244, message="token not exist"), call(400, code=1, err_code=50002)],
)
def test_what_is_tried_again_at_once_is_no_refusal(refused):
    """An expired token is renewed: nothing is wrong with appid and secret."""
    assert Refusal.of("api", refused) is None


def test_a_wrong_token_is_told_with_its_remedy():
    """That one cannot be renewed."""
    refusal = Refusal.of("api", call(401, code=11241, message="wrong appid or token"))
    assert refusal.code == 11241
    assert "client_secret" in refusal.remedy + refusal.cause
