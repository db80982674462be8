"""The same bot as bare.py, written with qqgroup_sync.

python benchmarks/bot.py --api http://127.0.0.1:PORT
"""

import argparse
import signal
import time

from qqgroup_sync import Client

SLEEP = 0.05  # seconds that the answer to "/sleep" takes
LIFE = 3600  # seconds after which the process ends by itself

parser = argparse.ArgumentParser()
parser.add_argument("--api", required=True)
api = parser.parse_args().api
client = Client(
    "1024", "secret" * 5, api_base=api, token_url=f"{api}/app/getAppAccessToken", language="en"
)


@client.on_group_message
def answer(message):
    if message.text.startswith("/sleep"):
        time.sleep(SLEEP)  # noqa: TID251 - stands for a handler that blocks
    return f"You said: {message.text}"


if hasattr(signal, "alarm"):
    signal.alarm(LIFE)
client.run()
