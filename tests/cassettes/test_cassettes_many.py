"""Recordings of many secrets: what the check takes for them is no square of their number."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_adyen_creds.cassettes import lint
from pytest_adyen_creds.cli import main


@pytest.mark.parametrize("form", ["- AQE{}\n", "- live_{}\n", "- Basic dXNlcjpwYXNzd29yZA=={}\n"])
def test_each_secret_of_many_is_named_with_its_line(
    form: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    searches: list[int] = []
    find = lint.re.finditer
    monkeypatch.setattr(lint.re, "finditer", lambda pattern, text: searches.append(1) or find(pattern, text))
    lines = "".join(form.format("" if "Basic" in form else f"{number:030}") for number in range(300))
    path = tmp_path / "a.yaml"
    path.write_text(f"version: 1\ninteractions: []\nnotes:\n{lines}")
    assert main(["cassettes", "check", str(path)]) == 1
    found = [line.partition(",")[2].partition(":")[0] for line in capsys.readouterr().out.splitlines()[:-1]]
    assert found == [f" line {number}" for number in range(4, 304)]
    assert searches == [1]  # the lines of a file are looked for once
