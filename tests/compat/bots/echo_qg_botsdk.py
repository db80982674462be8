"""An echo bot as the documentation of qg-botsdk shows it; with a fixed token if need be."""

import os

from qg_botsdk import BOT

bot = BOT(
    bot_id=os.environ["BOT_APPID"],
    bot_secret=os.environ.get("BOT_SECRET"),
    bot_token=os.environ.get("BOT_TOKEN"),
)


@bot.bind_group_msg()
def group_message(data):
    data.reply(f"echo: {data.content.strip()}")


@bot.bind_friend_msg()
def friend_message(data):
    data.reply(f"echo: {data.content}")


bot.start()
