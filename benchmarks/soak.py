"""Do faults to a real bot for minutes and let a referee judge.

python benchmarks/soak.py MODE [options]       MODE: kills, mixed, hours, burst, outage, sleep,
                                               state, all
python benchmarks/soak.py kills --count 100 --rate 200
python benchmarks/soak.py mixed --count 200
python benchmarks/soak.py hours --hours 8
python benchmarks/soak.py burst --messages 10000
python benchmarks/soak.py outage --count 18
python benchmarks/soak.py sleep --seconds 120
python benchmarks/soak.py state --rounds 12
python benchmarks/soak.py all

Progress goes to stderr, a table to stdout, everything into soak_results.json. The exit code is 1
when a figure misses its aim. What is random follows from --seed, which is printed; when processes
get their turns does not.
"""

import argparse
import random
import shutil
import signal
import sys
import tempfile
from pathlib import Path

import soak_faults
import soak_load
from soak_report import Report, tell

MODES = {
    "kills": soak_faults.kills,
    "mixed": soak_faults.mixed,
    "hours": soak_load.hours,
    "burst": soak_load.burst,
    "outage": soak_faults.outage,
    "sleep": soak_faults.sleep,
    "state": soak_load.throughput,
}
DEFAULTS = {
    "kills": {"count": 100, "rate": 200.0},
    "mixed": {"count": 200, "rate": 50.0},
    "hours": {"hours": 8.0, "rate": 20.0},
    "burst": {"messages": 10_000},
    "outage": {"count": 18},
    "sleep": {"seconds": 120.0, "rate": 20.0},
    "state": {"rounds": 12},
    "all": {},
}


def parse(arguments):
    """Return the options."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    modes = parser.add_subparsers(dest="mode", required=True)
    for name, defaults in DEFAULTS.items():
        mode = modes.add_parser(name)
        mode.add_argument("--seed", type=int, default=None)
        for option, default in defaults.items():
            mode.add_argument(f"--{option}", type=type(default), default=default)
    options = parser.parse_args(arguments)
    if options.seed is None:
        options.seed = random.SystemRandom().randrange(10**6)
    return options


def run(mode, options):
    """Run one mode; return its report."""
    given = " ".join(f"--{name} {getattr(options, name):g}" for name in DEFAULTS[mode])
    command = f"python benchmarks/soak.py {mode} {given} --seed {options.seed}"
    tell(command)
    report = Report(mode, command, options.seed)
    home = Path(tempfile.mkdtemp(prefix=f"soak-{mode}-"))
    try:
        MODES[mode](options, report, home)
    except AssertionError as error:  # the bot did not come back, or did not answer
        report.add("came to its end", str(error)[:2000], "yes", reached=False)
    if report.reached:
        shutil.rmtree(home, ignore_errors=True)
    else:
        tell(f"{mode}: records and logs are kept in {home}")
    report.save()
    return report


def main():
    options = parse(sys.argv[1:])
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    reports = []
    for mode in MODES if options.mode == "all" else [options.mode]:
        wanted = options
        if options.mode == "all":
            wanted = argparse.Namespace(seed=options.seed, **DEFAULTS[mode])
        reports.append(run(mode, wanted))
        print(reports[-1].table(), flush=True)
    sys.exit(not all(report.reached for report in reports))


if __name__ == "__main__":
    main()
