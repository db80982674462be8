"""A process in which the resource service serves files; it prints a line of JSON with their URLs.

    python benchmarks/media_serving.py FOLDER FILE ...

The end of stdin ends it.
"""

import json
import signal
import sys
from pathlib import Path

from qqgroup_sync import QQGroupChainBuilderOptions
from qqgroup_sync.media.resource_app import ROUTE
from qqgroup_sync.media.resource_server import acquire
from qqgroup_sync.runtime.clock import Clock, Deadline

LIFE = 3600  # seconds after which the process ends by itself


def main():
    if hasattr(signal, "alarm"):
        signal.alarm(LIFE)
    folder, *files = sys.argv[1:]
    clock = Clock()
    lease = acquire(QQGroupChainBuilderOptions("127.0.0.1", 0, folder), clock=clock)
    try:
        urls = {}
        for file in files:
            name = lease.publish(Path(file), suffix=".jpg", lifetime=LIFE)
            urls[file] = f"http://127.0.0.1:{lease.port}{ROUTE}/{name}"
        print(json.dumps(urls), flush=True)
        sys.stdin.read()
    finally:
        lease.release(Deadline(clock, 5.0))


if __name__ == "__main__":
    main()
