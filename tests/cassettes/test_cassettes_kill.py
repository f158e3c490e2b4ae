"""Killed while recording, at a hundred random points: the old cassette or the new one, whole, and never a secret."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from threading import Timer
from typing import IO

import pytest

from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.model import Cassette

pytestmark = pytest.mark.slow("kills processes")

SECRET = "AQE" + "n0t-0n-d1sk" * 6
KILLS = 100
SCRUBBING, WRITING = 0.04, 0.004
"""Seconds within which a kill falls: after a recording began, or after its temporary file appeared."""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="SIGKILL is what is tested")
def test_a_recording_killed_at_any_point_leaves_a_whole_cassette_and_no_secret(tmp_path: Path) -> None:
    path = tmp_path / "life.yaml"
    chance = random.Random(20261122)
    whole = torn = 0
    arguments = [sys.executable, "-I", str(Path(__file__).with_name("cassettes_recorder.py")), str(tmp_path), SECRET]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as recorder:
        watchdog = Timer(120, recorder.kill)
        watchdog.start()
        assert recorder.stdin is not None
        assert recorder.stdout is not None
        for _ in range(KILLS):
            record_and_kill(tmp_path, recorder.stdin, recorder.stdout, chance)
            torn += any(tmp_path.glob(".*.tmp"))
            for left in tmp_path.iterdir():
                assert b"n0t-0n-d1sk" not in left.read_bytes()
            if path.exists():
                whole += 1
                recorded = serializer.read(path).interactions
                assert len(recorded) == 20
                assert len({interaction.uri.partition("&")[0] for interaction in recorded}) == 1
        recorder.stdin.close()
        recorder.wait()
        watchdog.cancel()

    assert whole > KILLS // 2
    assert torn, "no kill fell between the first byte of a file and its renaming"
    serializer.write(path, Cassette(()))
    assert [left.name for left in tmp_path.iterdir()] == ["life.yaml"]


def record_and_kill(folder: Path, orders: IO[str], lines: IO[str], chance: random.Random) -> None:
    """Have a process begin a few recordings, and kill it somewhere within the last of them."""
    orders.write("record\n")
    orders.flush()
    pid = int(lines.readline().removeprefix("pid "))
    for _ in range(chance.randint(1, 2)):
        assert lines.readline().startswith("recording"), "the recorder ended by itself"
    longest = SCRUBBING
    if chance.random() < 0.5:
        longest, deadline = WRITING, time.monotonic() + 5
        while not any(folder.glob(f".{pid}-*.tmp")) and time.monotonic() < deadline:
            pass
    time.sleep(chance.uniform(0, longest))  # the random point is what is tested
    os.kill(pid, signal.SIGKILL)
    while lines.readline() != "dead\n":
        pass
