"""An echo bot as the documentation of qq-botpy shows it."""

import os

import botpy


class Echo(botpy.Client):
    async def on_group_at_message_create(self, message):
        await message.reply(content=f"echo: {message.content.strip()}")

    async def on_c2c_message_create(self, message):
        await message.reply(content=f"echo: {message.content}")


sandbox = bool(os.environ.get("BOT_SANDBOX"))
Echo(intents=botpy.Intents(public_messages=True), is_sandbox=sandbox).run(
    appid=os.environ["BOT_APPID"], secret=os.environ["BOT_SECRET"]
)
