"""What an installed and unused plugin costs a pytest run, beside pytest-recording, measured in one run.

    python tests/benchmarks/startup.py

Runs ``pytest -q`` on one empty test with and without each plugin, alternating, and prints medians and differences.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
from pathlib import Path

from processes import Ran, run, show

TARGET = 0.015
"""Seconds."""

NOISE = 0.005
"""Seconds by which two equal runs are found to differ."""

VARIANTS = {
    "neither": ("-p", "no:adyen_creds", "-p", "no:recording"),
    "pytest-adyen-creds": ("-p", "no:recording"),
    "pytest-recording": ("-p", "no:adyen_creds"),
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    rounds = parser.parse_args().rounds
    ran: dict[str, list[Ran]] = {name: [] for name in VARIANTS}
    # compiled once, as what pip installs is: otherwise it is Python's compiler that is measured
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_empty.py").write_text("def test_empty(): pass\n")
        for number in range(rounds + 1):
            for name in sorted(VARIANTS, key=lambda name: (list(VARIANTS).index(name) + number) % len(VARIANTS)):
                command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *VARIANTS[name]]
                one = run(command, folder, environ)
                assert one.status == 0, one.output
                if number:  # the first round fills the caches
                    ran[name].append(one)
    show(f"{'':20}     median            fastest              MiB")
    for name, runs in ran.items():
        cells = []
        for middle in (statistics.median, min):
            seconds = middle(one.seconds for one in runs)
            more = seconds - middle(one.seconds for one in ran["neither"])
            cells.append(f"{seconds * 1000:7.1f} ms {more * 1000:+6.1f} ms")
        show(f"{name:20} {'  '.join(cells)}  {statistics.median(one.peak for one in runs):7.1f}")
    cost, peer = (added(ran[name], ran["neither"]) for name in ("pytest-adyen-creds", "pytest-recording"))
    show(f"an idle plugin costs {cost * 1000:+.1f} ms, pytest-recording {peer * 1000:+.1f} ms")
    return 0 if cost < TARGET and cost <= peer + NOISE else 1


def added(runs: list[Ran], without: list[Ran]) -> float:
    """Return what the fastest quarter of ``runs`` takes more: what is least disturbed by the rest of the machine."""
    return quickest(runs) - quickest(without)


def quickest(runs: list[Ran]) -> float:
    """Return the mean time of the fastest quarter, in seconds."""
    return statistics.mean(sorted(one.seconds for one in runs)[: max(1, len(runs) // 4)])


if __name__ == "__main__":
    sys.exit(main())
