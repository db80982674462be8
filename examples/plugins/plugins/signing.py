"""Counts the days on which somebody signed in, and keeps the count."""

from qqgroup_sync import Router

router = Router()


@router.on_command("sign", aliases=["签到"])
def sign(message):
    """Sign in."""
    return f"day {message.session.increment('days')}"  # outlives the process
