"""Measure what qqgroup_sync does with media against bare references, and write the tables.

python benchmarks/media.py [--quick] [--only NAME ...]
"""

import argparse
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import urllib.request
from pathlib import Path

from media_samples import RATE, speech, write_mp3, write_wav
from run import BARE, HERE, LONGEST, MIB, OURS, Measured, Row, describe, turns, write_readme

RESULTS = HERE / "media_results.json"
MARKS = ("<!-- media table begins -->", "<!-- media table ends -->")
STARTED, DIGESTS, NGINX = "qqgroup_sync, started", "bare, with digests", "nginx"
WINDOWS = (1, 16)
CONCURRENCY = (1, 4)
UPLOAD = 200_000_000  # bytes
SIZES = {"5 MB": 5_000_000, "200 KB": 200_000}
CLIENTS = 16
NGINX_CONFIG = """
daemon off; worker_processes 1; error_log stderr; pid {folder}/nginx.pid; {user}
events {{ worker_connections 256; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
    types {{ image/jpeg jpg; }}
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    server {{ listen 127.0.0.1:{port}; root {folder}; }}
}}
"""
VOICES = {  # name -> file, modules that count as missing
    "wav 24 kHz, silk-python": ("mono.wav", []),
    "wav 24 kHz, pilk": ("mono.wav", ["pysilk"]),
    "wav 44.1 kHz stereo, PyAV, silk-python": ("stereo.wav", []),
    "wav 44.1 kHz stereo, without PyAV, silk-python": ("stereo.wav", ["av"]),
    "mp3, PyAV, silk-python": ("voice.mp3", []),
}


class Process:
    """A process that takes commands as lines of JSON and answers with such lines.

    Args:
        script: File beside this one, and its arguments.
        home: Where it may write files.
    """

    def __init__(self, *script, home):
        self.name = script[0]
        environment = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("QQ_") and not name.lower().endswith("_proxy")
        }
        places = ("HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")
        environment.update(dict.fromkeys(places, home))
        self.log = Path(home) / f"{Path(self.name).stem}-{id(self)}.txt"
        with self.log.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(HERE / script[0]), *map(str, script[1:])],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                cwd=home,
                env=environment,
                text=True,
            )

    def tell(self, **command):
        """Send a command and return its answer."""
        self.process.stdin.write(json.dumps(command) + "\n")
        self.process.stdin.flush()
        return self.answer()

    def answer(self):
        """Return the next answer."""
        timer = threading.Timer(LONGEST, self.process.kill)
        timer.start()
        line = self.process.stdout.readline()
        timer.cancel()
        if not line:
            raise SystemExit(f"{self.name}: no answer\n{self.log.read_text()[-2000:]}")
        return json.loads(line)

    def close(self):
        """Let it end; kill it when it does not."""
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Sender:
    """A process that sends, and a platform of its own."""

    def __init__(self, stack, home, *script):
        self.platform = Process("media_platform.py", home=home)
        stack.callback(self.platform.close)
        api = self.platform.answer()["api"]
        self.process = Process(script[0], "--api", api, *script[1:], home=home)
        stack.callback(self.process.close)
        self.process.answer()

    def pictures(self, **load):
        """Let it send pictures; return what came of that."""
        self.platform.tell(do="count")
        told = self.process.tell(do="pictures", **load)
        count = self.platform.tell(do="count")
        sent = told["pictures"]
        seen = {count["uploads"], count["messages"], count["contents"]}
        told["wrong"] = len(told["failures"]) + count["wrong"] + (seen != {sent})
        if told["wrong"]:
            print(f"    {self.process.name}: {told['failures'][:2]} {count}", flush=True)
        told["platform_share"] = count["cpu"] / told["wall"]
        return told

    def upload(self, file, concurrency, *, digests=False):
        """Let it upload a file; return what came of that."""
        self.platform.tell(do="chunks", concurrency=concurrency)
        self.platform.tell(do="count")
        told = self.process.tell(
            do="upload", file=str(file), concurrency=concurrency, digests=digests
        )
        count = self.platform.tell(do="count")
        told["wrong"] = int(count["part_bytes"] != file.stat().st_size or count["uploads"] != 1)
        told["platform_share"] = count["cpu"] / told["wall"]
        return told


# ---------------------------------------------------------------------- what is measured


def pictures(measured, options, home):
    """Pictures of 100 KB: per second, and CPU of the sender for each."""
    with contextlib.ExitStack() as stack:
        senders = {
            BARE: Sender(stack, home, "media_bare.py"),
            OURS: Sender(stack, home, "media_bot.py"),
            STARTED: Sender(stack, home, "media_bot.py", "--started"),
        }
        for sender in senders.values():
            sender.pictures(window=max(WINDOWS), seconds=0.5)  # threads and connections come up
        for window in WINDOWS:
            for turn in turns(senders, options.rounds):
                for kind in turn:
                    told = senders[kind].pictures(window=window, seconds=options.seconds)
                    name = f"pictures, window {window}"
                    measured.add(f"{name}: per second", kind, told["pictures"] / told["wall"])
                    measured.add(f"{name}: cpu", kind, told["cpu"] / max(1, told["pictures"]))
                    measured.add(f"{name}: platform_share", kind, told["platform_share"])
                    measured.add("pictures: wrong", kind, told["wrong"])
            tell(measured, f"pictures, window {window}: per second")
            tell(measured, f"pictures, window {window}: cpu")


def uploads(measured, options, home):
    """200 MB in chunks: MB per second, and growth of the resident memory."""
    file = Path(home) / "large.bin"
    block = os.urandom(1_000_000)
    with contextlib.ExitStack() as stack:
        with file.open("wb") as target:
            for _ in range(UPLOAD // len(block)):
                target.write(block)
        stack.callback(file.unlink)
        senders = {
            BARE: Sender(stack, home, "media_bare.py"),
            OURS: Sender(stack, home, "media_bot.py"),
        }
        for sender in senders.values():
            sender.pictures(window=1, seconds=0.3)  # what media need at all is loaded
        kinds = {BARE: (BARE, False), DIGESTS: (BARE, True), OURS: (OURS, True)}
        for concurrency in CONCURRENCY:
            for turn in turns(kinds, options.rounds):
                for kind in turn:
                    with file.open("r+b") as target:
                        target.write(os.urandom(16))  # else it is known and not sent again
                    sender, digests = kinds[kind]
                    told = senders[sender].upload(file, concurrency, digests=digests)
                    name = f"upload, {concurrency} at once"
                    measured.add(f"{name}: MB/s", kind, UPLOAD / 1e6 / told["wall"])
                    measured.add(f"{name}: cpu", kind, told["cpu"])
                    measured.add(f"{name}: grown", kind, told["grown"])
                    measured.add(f"{name}: platform_share", kind, told["platform_share"])
                    measured.add("uploads: wrong", kind, told["wrong"])
            tell(measured, f"upload, {concurrency} at once: MB/s")
            tell(measured, f"upload, {concurrency} at once: grown")


def voices(measured, options, home):
    """SILK: how fast, and how long another thread has to wait."""
    sound = speech(options.voice, 44_100)
    write_wav(Path(home) / "stereo.wav", sound, 44_100, 2)
    sound = speech(options.voice, RATE)
    write_wav(Path(home) / "mono.wav", sound, RATE, 1)
    write_mp3(Path(home) / "voice.mp3", sound, RATE)
    for turn in turns(VOICES, options.rounds):
        for name in turn:
            file, missing = VOICES[name]
            process = Process("media_voice.py", file, "--without", *missing, home=home)
            try:
                told = process.answer()
            finally:
                process.close()
            for when in ("first", "again"):
                measured.add(
                    f"voice, {name}: speed, {when}", OURS, told["seconds"] / told[when]["took"]
                )
            for when in ("first", "again", "nothing", "beside a process"):
                measured.add(f"voice, {name}: stall", when, told[when]["stall"])
    for name in VOICES:
        tell(measured, f"voice, {name}: speed, again")
        tell(measured, f"voice, {name}: stall")


def downloads(measured, options, home):
    """The resource service against nginx: MB per second with 16 clients."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
    if nginx is None or shutil.which("wrk") is None:
        print("  left out: nginx and wrk are needed", flush=True)
        return
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        files = {}
        for name, size in SIZES.items():
            files[name] = folder / f"{size}.jpg"
            files[name].write_bytes(os.urandom(size))
        service = Process("media_serving.py", folder / "ours", *files.values(), home=home)
        stack.callback(service.close)
        ours = service.answer()
        theirs = start_nginx(stack, nginx, folder)
        for name, size in SIZES.items():
            path = files[name]
            urls = {NGINX: f"{theirs}/{path.name}", OURS: ours[str(path)]}
            for kind, url in urls.items():
                with urllib.request.urlopen(url) as answer:
                    right = answer.read() == path.read_bytes()
                measured.add("downloads: wrong", kind, int(not right))
            for turn in turns(urls, options.rounds):
                for kind in turn:
                    rate, wrong = wrk(urls[kind], options.wrk)
                    measured.add(f"download, {name}: MB/s", kind, rate * size / 1e6)
                    measured.add("downloads: wrong", kind, wrong)
            tell(measured, f"download, {name}: MB/s")


def start_nginx(stack, nginx, folder):
    """Start an nginx of our own on a free port; return its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = "user root;" if hasattr(os, "geteuid") and os.geteuid() == 0 else ""
    config = folder / "nginx.conf"
    config.write_text(NGINX_CONFIG.format(folder=folder, port=port, user=user))
    process = subprocess.Popen([nginx, "-c", str(config), "-p", str(folder)])
    stack.callback(end, process)
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1.0):
            return f"http://127.0.0.1:{port}"
        threading.Event().wait(0.05)
    raise SystemExit("nginx does not listen")


def end(process):
    """End a process that we started."""
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def wrk(url, seconds):
    """Load a URL; return requests per second, and how many lines told of errors."""
    command = ["wrk", "-t1", f"-c{CLIENTS}", f"-d{seconds}s", url]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, timeout=LONGEST)
    wrong = [line for line in done.stdout.splitlines() if "Non-2xx" in line or "Socket err" in line]
    if wrong:
        print(f"    {url}: {wrong}", flush=True)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("Requests/sec"))
    return float(line.split(":")[1]), len(wrong)


def tell(measured, figure):
    """Print the medians of a figure."""
    medians = {
        kind: round(statistics.median(values), 5)
        for kind, values in measured.figures[figure].items()
    }
    print(f"  {figure}: {medians}", flush=True)


# ---------------------------------------------------------------------- the tables


PER_SECOND, MBS = ("{:.0f}", 1), ("{:.0f} MB/s", 1)
SECONDS = ("{:.2f} s", 1)


class Rest(Row):
    """A line whose column of ours is another kind than :data:`OURS`."""

    def __init__(self, *told, ours=OURS, reference=BARE):
        super().__init__(*told, reference=reference)
        self.ours = ours

    def line(self, figures):
        values = figures.get(self.figure, {})
        if self.ours not in values:
            return None
        return super().line({self.figure: {**values, OURS: values[self.ours]}})


def rows():
    """Yield the lines of the first table in order."""
    ways = {"client not started": OURS, "client started": STARTED}
    for window in WINDOWS:
        for way, kind in ways.items():
            text = f"pictures of 100 KB per second, window {window}, {way}"
            yield Rest(text, f"pictures, window {window}: per second", PER_SECOND, ours=kind)
    for window in WINDOWS:
        for way, kind in ways.items():
            yield Rest(
                f"CPU of the sender per picture, window {window}, {way}",
                f"pictures, window {window}: cpu",
                ("{:.2f} ms", 1000),
                "ratio <= 1.5",
                lambda _b, _o, r: r <= 1.5,
                ours=kind,
            )
    for concurrency in CONCURRENCY:
        for reference, told in ((BARE, "PUTs alone"), (DIGESTS, "PUTs and the demanded digests")):
            yield Rest(
                f"upload of 200 MB, {concurrency} at once (reference: {told})",
                f"upload, {concurrency} at once: MB/s",
                MBS,
                reference=reference,
            )
        yield Rest(
            f"CPU of an upload of 200 MB, {concurrency} at once (reference: with digests)",
            f"upload, {concurrency} at once: cpu",
            SECONDS,
            reference=DIGESTS,
        )
        yield Rest(
            f"resident memory that it takes more, {concurrency} at once",
            f"upload, {concurrency} at once: grown",
            MIB,
            "<= 20 MB",
            lambda _b, o, _r: o * 2**20 <= 20e6,
        )
    for name in SIZES:
        yield Rest(
            f"downloads of {name}, 16 clients (reference: nginx)",
            f"download, {name}: MB/s",
            MBS,
            "ratio >= 0.5",
            lambda _b, _o, r: r >= 0.5,
            reference=NGINX,
        )


VOICE_HEAD = (
    "| voice to SILK | speed, first | speed, again | longest stall: nothing runs | beside a process"
    " | again | first | again / floor | <= 2 |"
)


def voice_line(name, figures):
    """Return a line of the second table, or None when it was not measured."""
    stalls = figures.get(f"voice, {name}: stall")
    if not stalls:
        return None
    speeds = [
        statistics.median(figures[f"voice, {name}: speed, {when}"][OURS])
        for when in ("first", "again")
    ]
    floors = [max(pair) for pair in zip(stalls["nothing"], stalls["beside a process"], strict=True)]
    ratios = [a / b for a, b in zip(stalls["again"], floors, strict=True)]
    ratio = statistics.median(ratios)
    shown = [
        f"{statistics.median(stalls[when]) * 1000:.1f} ms"
        for when in ("nothing", "beside a process", "again", "first")
    ]
    verdict = "yes" if ratio <= 2 else "**no**"
    told = [name, *(f"{speed:.0f} x" for speed in speeds), *shown, f"{ratio:.2f}", verdict]
    return "| " + " | ".join(told) + " |"


def table(figures, notes):
    """Return the tables as Markdown."""
    lines = [
        *(
            f"{' / '.join(name for name in notes if notes[name] == note)}: {note}."
            for note in sorted(set(notes.values()))
        ),
        "",
        "| figure | reference | qqgroup_sync | ratio | aim | reached |",
        "| --- | --- | --- | --- | --- | --- |",
        *(line for row in rows() if (line := row.line(figures))),
        "",
        VOICE_HEAD,
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(line for name in VOICES if (line := voice_line(name, figures))),
        "",
        *remarks(figures),
    ]
    return "\n".join(lines)


def remarks(figures):
    """Yield what is no figure: what went wrong, the platform's own share."""
    wrong = sum(
        sum(values)
        for figure, kinds in figures.items()
        if figure.endswith(": wrong")
        for values in kinds.values()
    )
    yield f"- Loads in which something was lost, doubled, or not what was sent: {wrong}."
    names = [f"pictures, window {window}" for window in WINDOWS]
    names += [f"upload, {concurrency} at once" for concurrency in CONCURRENCY]
    shares = [
        f"{name} {statistics.median(values):.0%}"
        for name in names
        for values in [figures.get(f"{name}: platform_share", {}).get(BARE)]
        if values
    ]
    if shares:
        yield f"- Share of a core that the platform itself took beside bare: {', '.join(shares)}."


PARTS = {"pictures": pictures, "uploads": uploads, "voices": voices, "downloads": downloads}
FEWER = {"uploads": 2, "voices": 2}  # rounds of a quick run


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=list(PARTS))
    options = parser.parse_args()
    options.seconds, options.wrk, options.voice = (0.7, 1, 20) if options.quick else (2.0, 3, 60)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    measured, made = Measured(), {}
    for name in options.only:
        print(name, flush=True)
        options.rounds = FEWER.get(name, 3) if options.quick else 5
        made[name] = describe(options)
        with tempfile.TemporaryDirectory() as home:
            PARTS[name](measured, options, home)
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    figures = {**kept.get("figures", {}), **measured.figures}
    notes = {**kept.get("notes", {}), **made}
    RESULTS.write_text(json.dumps({"notes": notes, "figures": figures}, indent=1) + "\n")
    text = table(figures, notes)
    write_readme(text, MARKS)
    print(text)


if __name__ == "__main__":
    main()
