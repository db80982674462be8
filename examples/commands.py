"""Commands: what stands after /name comes as arguments; /help is written for you."""

import datetime as dt
from typing import Literal

from qqgroup_sync import Attachment, Client, Member

client = Client()


@client.on_command("weather", aliases=["天气"])
def weather(city: str, *, days: int = 1, unit: Literal["c", "f"] = "c"):
    """Tell the weather: /weather Beijing --days 3, /天气 北京 days=3."""
    return f"{city}: sunny for {days} day(s), {25 if unit == 'c' else 77} °{unit.upper()}"


@client.on_command("remind")
def remind(wait: dt.timedelta, what: str):
    """Remind you: /remind 10m tea, /remind 1小时30分 散步."""
    return f"in {wait}: {what}"  # what is the whole rest of the line


@client.on_command("thank")
def thank(message, person: Member, *words: str):
    """Thank somebody: /thank @Ming for the cake."""
    return f"{message.author.username or 'Somebody'} thanks you {' '.join(words)}"


@client.on_command("size", cooldown=5)
def size(picture: Attachment):
    """Tell how large a picture is; send it together with the command."""
    return f"{picture.width} x {picture.height}"


if __name__ == "__main__":
    client.run()
