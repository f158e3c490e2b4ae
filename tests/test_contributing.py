"""What tests/README.md says is so: which tests are slow, and why."""

from __future__ import annotations

from pathlib import Path

import pytest
import slow


@pytest.mark.slow("reads all tests")
def test_the_slow_tests_are_listed_with_their_reasons() -> None:
    assert len(slow.reasons()) > 5
    assert f"\n\n{slow.table()}\n" in slow.README.read_text(encoding="utf-8"), "run: python tests/slow.py"


@pytest.mark.slow("reads all tests")
def test_the_table_is_written_where_the_old_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n\n{slow.HEAD}| an old reason | `old.py` |\n\nafter\n\n| another | table |\n")
    monkeypatch.setattr(slow, "README", readme)
    slow.main()
    assert readme.read_text() == f"before\n\n{slow.table()}\nafter\n\n| another | table |\n"
