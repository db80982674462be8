"""What the two senders of the media benchmarks share: commands, threads, CPU time and memory."""

import json
import signal
import sys
import threading
import time
from pathlib import Path

import psutil

LIFE = 3600  # seconds after which the process ends by itself
LOOK = 0.005  # seconds between two looks at the memory where the system keeps no maximum


def serve(sender, upload):
    """Carry out commands until stdin ends.

    Args:
        sender: Returns a function that sends one picture, for one thread.
        upload: Uploads a file.
    """
    if hasattr(signal, "alarm"):
        signal.alarm(LIFE)

    def pictures(window, seconds):
        counts = [0] * window
        failures = []
        end = time.perf_counter() + seconds

        def work(number, send):
            try:
                while time.perf_counter() < end:
                    send()
                    counts[number] += 1
            except BaseException as error:
                failures.append(repr(error))
                raise

        threads = [
            threading.Thread(target=work, args=(number, sender())) for number in range(window)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        return {"pictures": sum(counts), "failures": failures}

    def whole_upload(**options):
        with Highest() as highest:
            upload(**options)
        return {"grown": highest.grown}

    doing = {"pictures": pictures, "upload": whole_upload}
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        command = json.loads(line)
        cpu, wall = time.process_time(), time.perf_counter()
        found = doing[command.pop("do")](**command)
        found["wall"] = time.perf_counter() - wall
        found["cpu"] = time.process_time() - cpu
        print(json.dumps(found), flush=True)


class Highest:
    """How much the resident memory of this process grew at most, in MiB.

    Linux keeps the maximum; elsewhere a thread looks again and again.
    """

    def __enter__(self):
        self._done = threading.Event()
        self._thread = None
        self._seen = 0
        self._process = psutil.Process()
        try:
            Path("/proc/self/clear_refs").write_text("5")  # forget the maximum so far
        except OSError:
            self._thread = threading.Thread(target=self._watch)
            self._thread.start()
        self._before = self._process.memory_info().rss
        return self

    def _watch(self):
        while not self._done.wait(LOOK):
            self._seen = max(self._seen, self._process.memory_info().rss)

    def __exit__(self, *_):
        if self._thread is None:
            status = Path("/proc/self/status").read_text()
            (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
            self._seen = int(line.split()[1]) * 1024
        else:
            self._done.set()
            self._thread.join()
        self.grown = (self._seen - self._before) / 2**20
