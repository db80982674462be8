"""The same as media_bare.py, written with qqgroup_sync.

python benchmarks/media_bot.py --api http://127.0.0.1:PORT [--started]
"""

import argparse
import contextlib
from pathlib import Path

import media_process
from media_samples import Pictures

from qqgroup_sync import Chain, Client

GROUP = f"{0xA0000:032X}"

parser = argparse.ArgumentParser()
parser.add_argument("--api", required=True)
parser.add_argument("--started", action="store_true")
options = parser.parse_args()
pictures = Pictures()
client = Client(
    "1024",
    "secret" * 5,
    api_base=options.api,
    token_url=f"{options.api}/app/getAppAccessToken",
    media="upload",
    language="en",
)


def sender():
    """Return a function that sends a new picture."""
    return lambda: client.send_group(GROUP, Chain().image(pictures.next()))


def upload(file, concurrency, digests):  # noqa: ARG001 - the platform allows the concurrency
    """Send a file; it goes in chunks."""
    client.send_group(GROUP, Chain().file(Path(file)))


with client if options.started else contextlib.nullcontext():
    if options.started:
        client.wait_ready()
    media_process.serve(sender, upload)
if not options.started:
    client.stop()
