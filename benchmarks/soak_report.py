"""What a soak has found: figures with their aims, a table, and a file of results."""

import json
import os
import platform
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "soak_results.json"
REFEREE = HERE.parent / "tests" / "faults" / "referee.py"


@dataclass
class Figure:
    """One line of the table; ``reached`` is None where there is no aim."""

    name: str
    value: str
    aim: str = ""
    reached: bool | None = None


@dataclass
class Report:
    """What one mode has found."""

    mode: str
    command: str
    seed: int
    figures: list[Figure] = field(default_factory=list)
    raw: dict = field(default_factory=dict)

    def add(self, name, value, aim="", reached=None):
        """Note a figure and tell it at once."""
        self.figures.append(Figure(name, str(value), aim, reached))
        verdict = {None: "", True: " (reached)", False: " (MISSED)"}[reached]
        tell(f"{self.mode}: {name}: {value}{f', aim {aim}' if aim else ''}{verdict}")

    def add_verdict(self, bench, *, late=10.0):
        """Let the referee, in a process of its own, look at the records of a bench."""
        bench.records.flush()
        paths = [bench.records.sent_path, bench.records.shown_path]
        done = subprocess.run(
            [sys.executable, REFEREE, *paths, "--json", "--late", str(late)],
            stdout=subprocess.PIPE,
            check=False,
        )
        found = json.loads(done.stdout)
        self.add("messages", found["said"])
        for what in ("lost", "doubled", "disordered", "strange"):
            self.add(what, len(found[what]), "0", not found[what])
        pages = {}
        for loss in found["excused"]:
            pages[loss["page"]] = pages.get(loss["page"], 0) + 1
        self.add("excused by the documentation", len(found["excused"]))
        self.add("slowest answer", f"{found['slowest']:.1f} s")
        self.raw["excused"] = pages
        for what in ("lost", "doubled", "disordered", "strange"):
            self.raw[what] = found[what][:50]
        return found

    @property
    def reached(self):
        """Whether no figure misses its aim."""
        return all(figure.reached is not False for figure in self.figures)

    def save(self):
        """Put the report into the file of results, beside those of other modes."""
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        kept[self.mode] = {
            "when": f"{datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC",
            "machine": f"{os.cpu_count()} cores, {platform.system()}, "
            f"CPython {platform.python_version()}",
            "command": self.command,
            "seed": self.seed,
            "figures": [asdict(figure) for figure in self.figures],
            "raw": self.raw,
        }
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")

    def table(self):
        """Return the figures as Markdown."""
        words = {None: "", True: "yes", False: "**no**"}
        lines = [
            f"`{self.command}`",
            "",
            "| figure | measured | aim | reached |",
            "| --- | --- | --- | --- |",
            *(f"| {one.name} | {one.value} | {one.aim} | {words[one.reached]} |"
              for one in self.figures),
        ]  # fmt: skip
        return "\n".join(lines)


def tell(text):
    """Show progress."""
    print(f"{datetime.now(timezone.utc):%H:%M:%S} {text}", file=sys.stderr, flush=True)
