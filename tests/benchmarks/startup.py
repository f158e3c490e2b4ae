"""What an installed and unused plugin costs a pytest run, beside pytest-recording, measured in one run.

    python tests/benchmarks/startup.py

Runs ``pytest -q`` on one empty test with and without each plugin, alternating, and prints medians and differences.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TARGET = 0.015
"""Seconds."""

VARIANTS = {
    "neither": ("-p", "no:adyen_creds", "-p", "no:recording"),
    "pytest-adyen-creds": ("-p", "no:recording"),
    "pytest-recording": ("-p", "no:adyen_creds"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    times: dict[str, list[float]] = {name: [] for name in VARIANTS}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_empty.py").write_text("def test_empty(): pass\n")
        for number in range(rounds + 1):
            for name, options in VARIANTS.items():
                start = time.perf_counter()
                command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
                subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=60)
                if number:  # the first round fills the caches
                    times[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(found) for name, found in times.items()}
    base = medians["neither"]
    for name, median in medians.items():
        sys.stdout.write(f"{name:20} {median * 1000:7.1f} ms  {(median - base) * 1000:+6.1f} ms\n")
    cost, peer = medians["pytest-adyen-creds"] - base, medians["pytest-recording"] - base
    sys.stdout.write(f"an idle plugin costs {cost * 1000:.1f} ms; pytest-recording {peer * 1000:.1f} ms\n")
    return 0 if cost < TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
