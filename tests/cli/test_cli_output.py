"""Where the output goes: a device that is full, an encoding that lacks a character."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from pytest_adyen_creds.cli import main

FULL = Path("/dev/full")


@pytest.mark.skipif(not FULL.exists(), reason="needs a device that is always full")
@pytest.mark.parametrize("is_unbuffered", ["", "1"])
def test_an_output_that_cannot_be_written_is_one_line_and_status_2(is_unbuffered: str) -> None:
    environ = os.environ | {"PYTHONUNBUFFERED": is_unbuffered}
    with FULL.open("w") as full:
        command = [sys.executable, "-m", "pytest_adyen_creds.cli", "contract", "list"]
        ran = subprocess.run(
            command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=environ
        )
    assert ran.returncode == 2
    assert ran.stderr == "adyen-creds: the output: No space left on device; let it go where it can be written\n"


def test_names_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, says in (
        (["check", "--cassettes", str(tmp_path / "nope")], "no such folder; name the one that holds VERSION/*.yaml"),
        (["contract", "validate", "MeApiCredental", "-"], "did you mean MeApiCredential"),
        (
            ["contract", "export", "--format", "json-schema", "--name", "Qqqq"],
            "no structure or webhook 'Qqqq' in v3",
        ),
        (["cassettes", "check", str(tmp_path)], "no cassettes were found there"),
        (["cassettes", "scrub", str(tmp_path)], "no cassettes were found there"),
    ):
        assert main(arguments) == 2
        assert says in capsys.readouterr().err


def test_what_the_encoding_lacks_is_written_as_an_escape(monkeypatch: pytest.MonkeyPatch) -> None:
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="latin-1"))
    assert main(["sandbox", "behaviours"]) == 0
    sys.stdout.flush()
    text = written.getvalue().decode("latin-1")
    assert "\\u" in text
    assert "documented" in text
