"""An echo bot as the documentation of nonebot and its QQ adapter shows it; configured by .env."""

import nonebot
from nonebot.adapters import Event
from nonebot.adapters.qq import Adapter

nonebot.init()
nonebot.get_driver().register_adapter(Adapter)
echo = nonebot.on_message()


@echo.handle()
async def answer(event: Event):
    await echo.finish(f"echo: {event.get_plaintext().strip()}")


nonebot.run()
