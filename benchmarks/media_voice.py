"""A process that turns one sound file into SILK while another thread ticks; prints a line of JSON.

    python benchmarks/media_voice.py FILE [--without pysilk av ...] [--trace]

The first voice of a process loads the libraries, the second one does not. Between them the same
thread ticks for as long with nothing else going on, and beside another process that computes: what
the machine itself does to a thread.
"""

import argparse
import json
import signal
import subprocess
import sys
import threading
import time
import traceback

LIFE = 600  # seconds after which the process ends by itself
TICK = 0.001  # seconds
BUSY = "import sys, time\nend = time.monotonic() + float(sys.argv[1])\n"
BUSY += "while time.monotonic() < end: sum(range(100))"


class Ticker:
    """A thread that wakes every millisecond and notes how long it did not."""

    def __init__(self, trace):
        self.longest = 0.0
        self.where = ""
        self._trace = trace
        self._watched = threading.get_ident()
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._tick)

    def _tick(self):
        before = time.perf_counter()
        while not self._done.is_set():
            time.sleep(TICK)  # noqa: TID251 - what is measured
            now = time.perf_counter()
            if now - before > self.longest:
                self.longest = now - before
                if self._trace:
                    frame = sys._current_frames()[self._watched]  # noqa: SLF001
                    self.where = "".join(traceback.format_stack(frame)[-3:])
                    now = time.perf_counter()
            before = now

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._done.set()
        self._thread.join()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--without", nargs="*", default=[], help="modules that count as missing")
    parser.add_argument("--trace", action="store_true", help="tell where it stalled, on stderr")
    options = parser.parse_args()
    if hasattr(signal, "alarm"):
        signal.alarm(LIFE)
    sys.modules.update(dict.fromkeys(options.without))
    from qqgroup_sync.media.voice import seconds, to_silk

    found = {}

    def watch(name, do):
        with Ticker(options.trace) as ticker:
            began = time.perf_counter()
            result = do()
            took = time.perf_counter() - began
        found[name] = {"took": took, "stall": ticker.longest}
        if options.trace:
            print(f"{name}: {took:.2f} s, {ticker.longest:.4f} s\n{ticker.where}", file=sys.stderr)
        return result

    voice = watch("first", lambda: to_silk(options.file))
    length = found["first"]["took"]
    watch("nothing", lambda: threading.Event().wait(length))
    busy = subprocess.Popen([sys.executable, "-S", "-c", BUSY, str(length + 0.2)])
    threading.Event().wait(0.2)  # it starts
    watch("beside a process", lambda: threading.Event().wait(length))
    busy.wait()
    watch("again", lambda: to_silk(options.file))
    print(json.dumps({"seconds": seconds(voice), **found}))


if __name__ == "__main__":
    main()
