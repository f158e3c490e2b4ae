"""What an installed and unused plugin costs a pytest run, beside pytest-recording, measured in one run.

    python tests/benchmarks/startup.py

Runs ``pytest -q`` on one empty test with and without each plugin, alternating, and prints medians and differences.
"""

from __future__ import annotations

import argparse
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
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "test_empty.py").write_text("def test_empty(): pass\n")
        for number in range(rounds + 1):
            for name, options in VARIANTS.items():
                one = run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options], folder)
                assert one.status == 0, one.output
                if number:  # the first round fills the caches
                    ran[name].append(one)
    times = {name: statistics.median(one.seconds for one in found) for name, found in ran.items()}
    peaks = {name: statistics.median(one.peak for one in found) for name, found in ran.items()}
    for name in VARIANTS:
        more, bigger = (times[name] - times["neither"]) * 1000, peaks[name] - peaks["neither"]
        show(f"{name:20} {times[name] * 1000:7.1f} ms {more:+6.1f} ms   {peaks[name]:6.1f} MiB {bigger:+5.1f} MiB")
    cost, peer = (added(ran[name], ran["neither"]) for name in ("pytest-adyen-creds", "pytest-recording"))
    show(f"an idle plugin costs {cost * 1000:+.1f} ms, pytest-recording {peer * 1000:+.1f} ms")
    return 0 if cost < TARGET and cost <= peer + NOISE else 1


def added(runs: list[Ran], without: list[Ran]) -> float:
    """Return the median of the differences, round by round: a machine that slows down meanwhile is no cost."""
    return statistics.median(one.seconds - none.seconds for one, none in zip(runs, without, strict=True))


if __name__ == "__main__":
    sys.exit(main())
