"""Run a bot whose SDK has QQ's hosts built in against a simulator; nothing installed is changed.

    python on_simulator.py http://127.0.0.1:PORT bot.py

Requests of aiohttp to QQ's hosts, old and new, production and sandbox, go to the simulator, in the
memory of this process only. The gateway's address comes from the simulator's own answer.
"""

import runpy
import sys

import aiohttp
from yarl import URL

HOSTS = {"api.bot.qq.com", "api.sgroup.qq.com", "sandbox.api.sgroup.qq.com", "bots.qq.com"}


def redirect(simulator):
    """Make aiohttp reach the simulator under QQ's names, by plain HTTP."""
    request = aiohttp.ClientSession._request

    async def redirected(self, method, url, **options):
        wanted = URL(url)
        if wanted.host in HOSTS:
            wanted = simulator.join(wanted.relative())
        return await request(self, method, wanted, **options)

    aiohttp.ClientSession._request = redirected


if __name__ == "__main__":
    redirect(URL(sys.argv[1]))
    runpy.run_path(sys.argv[2], run_name="__main__")
