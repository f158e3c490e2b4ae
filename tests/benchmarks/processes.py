"""A contestant in a process of its own: how long it took, and the most memory it held."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Ran", "run", "show"]

_KIBIBYTE = 1 if sys.platform != "darwin" else 1024
"""What ``ru_maxrss`` counts in: KiB, or bytes on macOS."""


@dataclass(frozen=True)
class Ran:
    """What came of a process: wall time in seconds, peak resident memory in MiB with its children's, exit status."""

    seconds: float
    peak: float
    status: int
    output: str


def run(command: Sequence[str | Path], folder: Path | str | None = None, env: Mapping[str, str] | None = None) -> Ran:
    """Run ``command`` to its end; standard error goes with standard output."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as output:
        started = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)), cwd=folder, env=env, stdout=output, stderr=subprocess.STDOUT
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        return Ran(seconds, usage.ru_maxrss / _KIBIBYTE / 1024, process.returncode, output.read())


def show(line: str = "") -> None:
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
