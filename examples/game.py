"""A game for a whole group: guess the number. The scores outlive the program."""

import random

from qqgroup_sync import Client, Equal

client = Client()


@client.on_group_message(keywords=Equal("guess"))
def guess(message):
    secret, last = random.randint(1, 100), message
    say = "I think of a number from 1 to 100. Who finds it?"
    while item := message.wait_channel(say, max_time=60, data_filter=is_number):
        last, number = item.message, int(item.message.text)
        if number == secret:
            item.close_event()
            scores = client.storage.group(message.group_openid)
            wins = scores.increment(last.nickname or last.user_id)
            last.reply(f"{number} it is! {last.nickname} has won {wins} time(s).")
            return
        say = f"{number} is too {'low' if number < secret else 'high'}."
    last.reply(f"Nobody plays? It was {secret}.")  # the newest message can be answered longest


def is_number(message):
    return message.text.isdecimal()


@client.on_group_message(keywords=Equal("scores"))
def scores(message):
    won = sorted(client.storage.group(message.group_openid).items(), key=lambda one: -one[1])
    return "\n".join(f"{name}: {wins}" for name, wins in won) or "Nobody has won yet."


if __name__ == "__main__":
    client.run()
