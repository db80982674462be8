"""The same bot as bare.py, written with qqgroup_sync.

python benchmarks/bot.py --api http://127.0.0.1:PORT [--no-state] [--handlers 100]
"""

import argparse
import signal
import time

from qqgroup_sync import Client

SLEEP = 0.05  # seconds that the answer to "/sleep" takes
LIFE = 3600  # seconds after which the process ends by itself

parser = argparse.ArgumentParser()
parser.add_argument("--api", required=True)
parser.add_argument("--no-state", action="store_true")
parser.add_argument("--handlers", type=int, default=0, help="more of them, for other keywords")
options = parser.parse_args()
api = options.api
client = Client(
    "1024",
    "secret" * 5,
    api_base=api,
    token_url=f"{api}/app/getAppAccessToken",
    language="en",
    **({"state": None} if options.no_state else {}),
)

for number in range(options.handlers):

    @client.on_group_message(keywords=f"topic {number:04d}")
    def other(message):
        return f"You asked for {message.text}"


@client.on_group_message
def answer(message):
    if message.text.startswith("/sleep"):
        time.sleep(SLEEP)  # noqa: TID251 - stands for a handler that blocks
    return f"You said: {message.text}"


if hasattr(signal, "alarm"):
    signal.alarm(LIFE)
client.run()
