"""The house: imports point one way, an idle plugin is light, no module outgrows its noun."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "pytest_adyen_creds"

LAYERS = [
    {"plugin", "cli"},
    {"fixtures"},
    {"state"},
    {"reports", "rehearsal", "pages", "pause", "init"},
    {"drift", "checks"},
    {"roles"},
    {"cassettes"},
    {"intercept"},
    {"credentials"},
    {"sandbox"},
    {"client"},
    {"contract"},
    {"settings"},
    {"endpoints", "options", "formats"},
    {"files", "sarif"},
    {"secrets"},
    {"compat"},
    {"text", "stash", "streams", "message"},
    {"errors", "clock", "project"},
]
"""Who may import whom: a room imports from the layers below its own, and within its own layer without a circle.

An import that types alone need counts like any other: what a module must know to be read, it depends on.

``compat`` knows other projects and nothing of this one, so it stands below the masking of pytest's reports.
"""

LEVEL = {room: level for level, rooms in enumerate(LAYERS) for room in rooms}

MODULES = {
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in PACKAGE.rglob("*.py")
}


def room_of(module: str) -> str:
    return module.split(".")[1]


def imports(module: str) -> set[str]:
    """Return the modules of the package that ``module`` imports, when it runs or for its types."""
    found = set()
    for node in nodes(MODULES[module]):
        if isinstance(node, ast.ImportFrom):
            named = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {name if name in MODULES else node.module for name in named}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return (found & MODULES.keys()) - {PACKAGE.name}


@cache
def nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text())))


@cache
def every_import() -> dict[str, set[str]]:
    return {module: imports(module) for module in MODULES if module != PACKAGE.name}


def test_every_module_is_in_a_layer() -> None:
    there = {path.name.removesuffix(".py") for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert there - {"__init__", "__pycache__", "py.typed", "contracts"} == set(LEVEL)


def test_imports_point_one_way() -> None:
    up = {
        f"{source} imports {target}"
        for source, targets in every_import().items()
        for target in targets
        if LEVEL[room_of(target)] < LEVEL[room_of(source)]
    }
    assert up == set()


def test_no_rooms_import_each_other() -> None:
    rooms: dict[str, set[str]] = {}
    for module, targets in every_import().items():
        rooms.setdefault(room_of(module), set()).update(set(map(room_of, targets)) - {room_of(module)})
    TopologicalSorter(rooms).prepare()  # raises CycleError, which names the circle


def test_no_modules_import_each_other() -> None:
    TopologicalSorter(every_import()).prepare()


@pytest.mark.parametrize(
    "module",
    ["httpx", "vcr", "schemathesis", "jsonschema", "jsonschema_rs", "werkzeug", "rich", "click", "yaml", "tomllib"]
    + [f"pytest_adyen_creds.{room}" for room in ("settings", "secrets", "endpoints", "state")],
)
def test_an_idle_plugin_imports_nothing_heavy(module: str) -> None:
    assert module not in imported_by_an_idle_plugin()


@cache
def imported_by_an_idle_plugin() -> frozenset[str]:
    code = "import pytest_adyen_creds.plugin, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    return frozenset(done.stdout.split())


def test_no_module_is_longer_than_500_lines() -> None:
    long = {str(path): len(path.read_text().splitlines()) for path in PACKAGE.rglob("*.py")}
    assert {path: lines for path, lines in long.items() if lines > 500} == {}


def test_private_parts_of_others_are_used_in_compat_only() -> None:
    files = {path.relative_to(PACKAGE).as_posix(): nodes(path) for path in PACKAGE.rglob("*.py")}
    ours = {name for found in files.values() for name in defined(found)}
    uses = {
        path: used
        for path, found in files.items()
        if not path.startswith("compat/") and (used := list(private_uses(found, ours)))
    }
    assert uses == {}, "move these into compat/"


def defined(found: list[ast.AST]) -> Iterator[str]:
    """Yield every name that a file gives to something: functions, classes, variables, attributes."""
    for node in found:
        match node:
            case ast.FunctionDef(name) | ast.AsyncFunctionDef(name) | ast.ClassDef(name):
                yield name
            case ast.Name(name, ast.Store()) | ast.Attribute(ast.Name("self"), name, ast.Store()):
                yield name


# What this does not see: a private name of others that a file of ours defines, too; names put together at run time;
# methods of ours that replace a private one of a base class; and what has no underscore, but is in no documentation
# either. Those take a reader.
def private_uses(found: list[ast.AST], ours: set[str]) -> Iterator[str]:
    """Yield each use of an attribute with an underscore that is not in ``ours``, and each import of another's."""
    for node in found:
        match node:
            case ast.Attribute(attr=name):
                names = {name} - ours
            case ast.Call(ast.Name("getattr" | "hasattr" | "setattr" | "delattr"), [_, ast.Constant(str(name)), *_]):
                names = {name} - ours
            case ast.Import(aliases):
                names = {part for alias in aliases for part in alias.name.split(".")}
            case ast.ImportFrom(str(module), aliases) if not module.startswith("pytest_adyen_creds"):
                names = {*module.split("."), *(alias.name for alias in aliases)}
            case _:
                continue
        if any(name.startswith("_") and not name.startswith("__") for name in names):
            yield f"line {node.lineno}: {ast.unparse(node)}"
