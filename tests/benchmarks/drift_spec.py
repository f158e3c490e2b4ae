"""``adyen-creds drift spec`` beside ``optic diff`` on the same pair of documents, measured in one run.

    python tests/benchmarks/drift_spec.py DOCUMENT --optic node_modules/.bin/optic

Optic comes from npm (``@useoptic/optic``). Prints the ratio of the medians of whole commands, start-up included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from pytest_adyen_creds import load_contract

TARGET = 5.0


def seconds(command: list[str], rounds: int) -> float:
    """Return the median time of ``command``, in seconds of wall clock."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("document", nargs="?", help="an OpenAPI document  [default: the bundled contract's]")
    parser.add_argument("--optic", default="optic", help="the optic command")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        document = options.document
        if document is None:
            document = str(Path(folder) / "management.json")
            Path(document).write_text(json.dumps(load_contract("v3").to_openapi()))
        ours = [str(Path(sys.executable).with_name("adyen-creds")), "drift", "spec", document]
        against = seconds([*ours, "--against", document], options.rounds)
        contract = seconds(ours, options.rounds)
        optic = seconds([options.optic, "diff", document, document], options.rounds)
    sys.stdout.write(f"optic diff               {optic:7.3f} s\n")
    sys.stdout.write(f"drift spec               {contract:7.3f} s  {optic / contract:6.1f} times faster\n")
    sys.stdout.write(f"drift spec --against     {against:7.3f} s  {optic / against:6.1f} times faster\n")
    return 0 if optic / max(contract, against) >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
