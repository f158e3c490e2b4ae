"""``adyen-creds drift spec`` beside ``optic diff`` on the same pair of documents, measured in one run.

    python tests/benchmarks/drift_spec.py DOCUMENT --optic node_modules/.bin/optic

Optic comes from npm (``@useoptic/optic``). Prints the ratio of the medians of whole commands, start-up included.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from processes import run, show

from pytest_adyen_creds import load_contract

TARGET = 5.0


def without_links(document: Any) -> Any:
    """Return ``document`` without the links of its responses: optic takes their request bodies for a fault."""
    if isinstance(document, dict):
        return {name: without_links(value) for name, value in document.items() if name != "links"}
    return [without_links(item) for item in document] if isinstance(document, list) else document


def measured(command: list[str], rounds: int) -> tuple[float, float]:
    """Return the median wall time of ``command`` in seconds, and of its peak memory in MiB."""
    ran = [run(command) for _ in range(rounds)]
    assert not any(one.status for one in ran), ran[0].output[:500]
    return statistics.median(one.seconds for one in ran), statistics.median(one.peak for one in ran)


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
            Path(document).write_text(json.dumps(without_links(load_contract("v3").to_openapi())))
        ours = [str(Path(sys.executable).with_name("adyen-creds")), "drift", "spec", document]
        optic, optic_peak = measured([options.optic, "diff", document, document], options.rounds)
        show(f"optic diff            {optic:7.3f} s {optic_peak:6.0f} MiB")
        slowest = 0.0
        for name, command in (("drift spec", ours), ("drift spec --against", [*ours, "--against", document])):
            seconds, peak = measured(command, options.rounds)
            slowest = max(slowest, seconds)
            show(f"{name:21} {seconds:7.3f} s {peak:6.0f} MiB  {optic / seconds:6.1f} times faster")
    return 0 if optic / slowest >= TARGET else 1


if __name__ == "__main__":
    sys.exit(main())
