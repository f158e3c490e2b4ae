"""Which tests are slow, and why: ``python tests/slow.py`` writes the table of tests/README.md anew."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Final

TESTS: Final = Path(__file__).resolve().parent
README: Final = TESTS / "README.md"
HEAD: Final = "| why it is slow | tests |\n| --- | --- |\n"


def marked(path: Path) -> Iterator[tuple[str, str]]:
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


def reasons() -> dict[str, list[str]]:
    """Return the slow tests by the reason that each gives."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        for why, what in marked(path):
            found[why].append(what)
    return found


def table() -> str:
    """Return the table, with a row for each reason."""
    rows = (f"| {why} | {', '.join(f'`{each}`' for each in which)} |\n" for why, which in sorted(reasons().items()))
    return HEAD + "".join(rows)


def main() -> None:
    """Write the table where the old one is."""
    before, head, rest = README.read_text(encoding="utf-8").partition(HEAD)
    assert head, f"{README} has no line {HEAD.splitlines()[0]!r}"
    after = rest.partition("\n\n")[2]
    README.write_text(f"{before}{table()}\n{after}", encoding="utf-8")


if __name__ == "__main__":
    main()
