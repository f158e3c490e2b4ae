"""The bundled contract suite in replay, start-up included: wall time, and how many bare pytest runs that is.

    python tests/benchmarks/suite.py [--quick]

Exits 1 where a run by itself takes 6 seconds or more on 2 idle cores, or where a recorded pair is not judged.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time

LONGEST = 6.0
"""Seconds."""

PAIRS = 165
"""The documented (operation, status) pairs of each version."""


def timed(folder: str, *options: str) -> tuple[float, str]:
    """Return the wall time of one pytest run in seconds, and what it printed."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("ADYEN_", "PYTEST_"))}
    started = time.perf_counter()
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    ran = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, check=False)
    return time.perf_counter() - started, ran.stdout


def show(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> int:
    """Measure, print, and return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one run of each, not three")
    rounds = 1 if parser.parse_args().quick else 3
    slow = False
    with tempfile.TemporaryDirectory() as folder:
        bare = min(timed(folder)[0] for _ in range(rounds))
        show(f"a bare pytest run{bare:33.2f} s")
        for options in (["--adyen-api-version=v3"], ["--adyen-api-version=v1"], ["-n", "2"]):
            runs = [timed(folder, "--adyen-contracts", *options) for _ in range(rounds)]
            wall, text = min(runs)
            judged = re.search(r"(\d+) exchanges judged; (\d+) of", text)
            whole = judged is not None and int(judged[2]) == PAIRS
            exchanges = judged[1] if judged else "no"
            bares = f"{wall / bare:4.1f} bare runs"
            show(f"--adyen-contracts {' '.join(options):24}{wall:8.2f} s, {bares}, {exchanges} exchanges")
            # two workers start up twice on the same two cores: they have to work, not to be quicker
            if not whole or (wall >= LONGEST and "-n" not in options):
                show(f"  misses its target: under {LONGEST:.0f} s, with all {PAIRS} pairs judged")
                slow = True
    return int(slow)


if __name__ == "__main__":
    sys.exit(main())
