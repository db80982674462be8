"""Asks questions in the middle of a handler, as input() does in a script."""

from qqgroup_sync import Client, WaitTimeout

client = Client()


def portions(answer):
    number = answer.text_digits  # 三 becomes 3
    return (number.isdecimal() and 0 < int(number) < 10) or "A number from 1 to 9, please."


@client.on_message(keywords="order")
def order(message):
    try:
        dish = message.choose("What would you like?", ["noodles", "rice", "soup"])  # buttons
        count = message.ask("How many?", check=portions).text_digits
        if not message.confirm(f"{count} x {dish}?", timeout=30):
            return "Then not."
    except WaitTimeout:
        return "Come back when you are hungry."
    return f"{count} x {dish}, coming up!"


@client.on_message(keywords="feedback")
def feedback(message):
    answer = message.wait("I am listening.", max_time=120)  # None when nobody says anything
    if answer is not None:
        answer.reply(f"Thank you for {len(answer.text)} letters and {len(answer.images)} pictures.")


if __name__ == "__main__":
    client.run()
