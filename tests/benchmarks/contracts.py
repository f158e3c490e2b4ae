"""A contract imported and loaded beside schemathesis loading the same document, measured in one run.

    python tests/benchmarks/contracts.py ManagementService-v3.json

Prints the medians of CPU time in one process, whose imports are done before, and their ratios.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import schemathesis

from pytest_adyen_creds.contract.contract import load_contract
from pytest_adyen_creds.contract.importing import import_openapi, write_contract

IMPORTED_WITHIN, LOADED_WITHIN = 1.0, 0.3
"""Seconds, of 134 operations."""


def median(work: Callable[[], Any], rounds: int) -> float:
    """Return the median CPU time of ``work``, in seconds."""
    taken = []
    for _ in range(rounds):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return statistics.median(taken)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("document", type=Path, help="one of Adyen's OpenAPI documents")
    parser.add_argument("--rounds", type=int, default=9)
    given = parser.parse_args()
    text = given.document.read_text()

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)

        def importing() -> str:
            imported = import_openapi(json.loads(text), given.document.name)
            write_contract(imported, folder)
            return imported.name

        def loading() -> None:
            load_contract.cache_clear()
            load_contract(name, folder)

        def peer() -> None:
            schema = schemathesis.openapi.from_dict(json.loads(text))
            assert all(each.ok() for each in schema.get_all_operations())

        name = importing()
        theirs, imported, loaded = (median(work, given.rounds) for work in (peer, importing, loading))
    sys.stdout.write(f"schemathesis, the document and its operations  {theirs * 1000:8.1f} ms\n")
    for what, taken in (("imported and written", imported), ("loaded, each body compiled", loaded)):
        sys.stdout.write(f"{what:<45}  {taken * 1000:8.1f} ms  {theirs / taken:6.1f} times as fast\n")
    return 0 if imported < IMPORTED_WITHIN and loaded < LOADED_WITHIN else 1


if __name__ == "__main__":
    sys.exit(main())
