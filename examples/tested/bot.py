"""A bot with a question and a reminder; test_bot.py beside it tests both without QQ."""

from pathlib import Path

from qqgroup_sync import Chain, Client, WaitTimeout

MEAL = Path(__file__).parents[1] / "assets" / "cat.png"
client = Client()


@client.on_group_message(keywords="hello")
def hello(message):
    return f"hi, {message.author.username or 'friend'}!"


@client.on_group_message(keywords="order")
def order(message):
    try:
        dish = message.ask("What would you like?", timeout=60)
    except WaitTimeout:
        return "The kitchen has closed."
    return Chain().text(f"One {dish.text}, coming up!").image(MEAL)


if __name__ == "__main__":
    client.run()
