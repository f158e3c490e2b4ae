"""Staleness and orphans: recordings that are too old, made with another contract, or that no test asks for."""

from __future__ import annotations

import ast
import glob
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from pytest_adyen_creds.cassettes.document import AGAIN
from pytest_adyen_creds.cassettes.interaction import Cassette
from pytest_adyen_creds.cassettes.problem import Problem
from pytest_adyen_creds.errors import AdyenCredsError, CassetteError
from pytest_adyen_creds.files import read_json, read_text

IN_USE: Final = Path(".adyen-creds") / "cassettes-in-use.json"
"""Where a full run leaves which cassettes its tests own, under the folder that pytest was started in."""

_HEAD: Final = 4096
_PLAIN_BASES: Final = frozenset({"object", "TestCase", "IsolatedAsyncioTestCase", "Protocol", "NamedTuple", "Enum"})


def find_staleness(
    cassette: Cassette, path: Path, *, now: datetime, max_age: float | None, digests: Mapping[str, str]
) -> Iterator[Problem]:
    """Yield why ``cassette`` is stale: older than ``max_age`` days (``None``: any age will do), or another contract.

    ``now`` is aware; ``digests`` holds the contracts' current digests by version. A cassette of another tool says
    neither when nor with what it was made, so it is never stale.
    """
    provenance = cassette.provenance
    if provenance is None:
        return
    try:
        recorded_at = datetime.fromisoformat(provenance.recorded_at)
    except ValueError:
        yield Problem(path, "stale", "", f"its date of recording is no date ({provenance.recorded_at!r}); {AGAIN}")
        return
    age = (now - recorded_at.replace(tzinfo=recorded_at.tzinfo or UTC)).total_seconds() / 86_400
    if max_age is not None and age > max_age:
        yield Problem(path, "stale", "", f"it was recorded {age:.0f} days ago, {max_age:g} are allowed; {AGAIN}")
    current = digests.get(provenance.contract)
    if current is not None and current != provenance.contract_digest:
        yield Problem(
            path, "stale", "", f"it was recorded with another version of contract {provenance.contract}; {AGAIN}"
        )


def find_orphans(paths: Iterable[Path], owned: Iterable[Path]) -> Iterator[Problem]:
    """Yield each of ``paths`` that is none of ``owned``, the cassettes that the tests of a full run ask for."""
    known = {path.resolve() for path in owned}
    for path in paths:
        if path.resolve() not in known:
            # another tool's may be opened by its path, which no list knows
            next_step = "remove it" if _is_ours(path) else "remove it where no code opens it by its name"
            yield Problem(path, "orphan", "", f"no test that was collected asks for it; {next_step}")


def find_homeless(paths: Iterable[Path]) -> Iterator[Problem]:
    """Yield each per-test cassette whose test module or test function is gone; found without running anything.

    Only what this package recorded is named after its test, so nothing is said of others. A test may also come from
    elsewhere: where its module imports names, or its classes have bases, that could bring it, nothing is said.
    """
    functions: dict[Path, frozenset[str] | None] = {}
    for path in paths:
        if path.parent.parent.name != "cassettes" or not _is_ours(path):
            continue
        folder = path.parent.parent.parent
        module = folder / f"{path.parent.name}.py"
        if module not in functions:
            functions[module] = _functions_of(module)
        names = functions[module]
        if names is None:
            if not any(folder.glob(f"{glob.escape(path.parent.name)}.*")):
                yield _homeless(path, f"its test module {module} does not exist")
        elif names and (name := _function_of(path)) not in names:
            yield _homeless(path, f"{module} has no test {name}")


def save_in_use(root: Path, owned: Iterable[Path]) -> None:
    """Note under ``root`` which cassettes the tests of a full run own; :func:`load_in_use` reads it."""
    path = root / IN_USE
    path.parent.mkdir(parents=True, exist_ok=True)
    (path.parent / ".gitignore").write_text("*\n", encoding="utf-8")
    names = sorted(os.path.relpath(item, root) for item in owned)
    # each worker of a run writes the same, and none is to read half of it
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    temporary.write_text(json.dumps({"cassettes": names}, indent=2) + "\n", encoding="utf-8")
    temporary.replace(path)


def load_in_use(root: Path) -> list[Path]:
    """Return what :func:`save_in_use` noted under ``root``; raises :class:`CassetteError` where no run did."""
    path = root / IN_USE
    if not path.is_file():
        raise CassetteError(f"{path}: does not exist; run pytest here first, without selecting tests")
    value = read_json(path)
    names = value.get("cassettes") if isinstance(value, dict) else None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CassetteError(f"{path}: holds no list of cassettes; run pytest here again, without selecting tests")
    return [root / name for name in names]


def _functions_of(module: Path) -> frozenset[str] | None:
    """Return the functions in ``module``: none where it may hold any test, ``None`` where there is no such file."""
    if not module.is_file():
        return None
    try:
        nodes = list(ast.walk(ast.parse(read_text(module))))
    except (AdyenCredsError, SyntaxError, ValueError, RecursionError):
        return frozenset()
    classes = [node for node in nodes if isinstance(node, ast.ClassDef)]
    known = {node.name for node in classes} | _PLAIN_BASES
    if any(_name_of(base) not in known for node in classes for base in node.bases):
        return frozenset()
    names = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    names |= {alias.asname or alias.name for node in nodes if isinstance(node, ast.ImportFrom) for alias in node.names}
    return frozenset() if "*" in names else frozenset(names)


def _name_of(base: ast.expr) -> str:
    return base.attr if isinstance(base, ast.Attribute) else base.id if isinstance(base, ast.Name) else ""


def _function_of(path: Path) -> str:
    # [CLASS.]TEST[PARAMETERS], and .adyen beside another tool's: neither class nor function holds a dot
    return path.stem.removesuffix(".adyen").partition("[")[0].rpartition(".")[2]


def _is_ours(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return re.search(rb"^provenance:", file.read(_HEAD), re.MULTILINE) is not None
    except OSError:
        return False


def _homeless(path: Path, why: str) -> Problem:
    return Problem(path, "orphan", "", f"{why}; remove it, or run pytest and check with --unused to be sure")
