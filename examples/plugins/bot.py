"""A larger bot: its handlers stand in a folder, one topic in each file."""

from pathlib import Path

from qqgroup_sync import Client

client = Client()
client.load_plugins(Path(__file__).parent / "plugins")


if __name__ == "__main__":
    client.run()  # python -m qqgroup_sync try bot.py --reload starts it again after each change
