"""Throws dice."""

import random

from qqgroup_sync import Router

router = Router()


@router.on_command("dice", aliases=["骰子"])
def dice(sides: int = 6):
    """Throw a die."""
    return f"{random.randint(1, sides)} of {sides}"
