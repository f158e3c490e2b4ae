"""What CONTRIBUTING says is so: which tests are slow, and why."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parent


def slow(path: Path) -> Iterator[tuple[str, str]]:
    """Yield why tests are slow, and which they are: ``file.py``, or ``file.py: test_a``."""
    name = path.relative_to(TESTS).as_posix()
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        match node:
            case ast.Assign([ast.Name("pytestmark")], value):
                marks, what = [value], name
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                marks, what = node.decorator_list, f"{name}: {node.name}"
            case _:
                continue
        for mark in marks:
            match mark:
                case ast.Call(ast.Attribute(attr="slow"), [ast.Constant(str(why))]):
                    yield why, what


def test_the_slow_tests_are_listed_with_their_reasons() -> None:
    reasons: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for why, what in slow(path):
            reasons[why].append(f"`{what}`")
    table = "\n".join(f"| {why} | {', '.join(reasons[why])} |" for why in sorted(reasons))
    assert len(reasons) > 5
    assert table in (TESTS.parent / "CONTRIBUTING.md").read_text(encoding="utf-8"), f"its table is:\n{table}"
