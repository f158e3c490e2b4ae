"""Orphans: recordings of tests that are gone, told from the test files that they lie beside; no test is run.

A cassette is named after its test: ``cassettes/MODULE/[CLASS.]FUNCTION[PARAMETERS].yaml`` beside ``MODULE.py``. It is
an orphan where that file is gone, or has no such class or function. What cannot be read off a file is called no orphan:
parameters, names that are imported or made while the module runs, and tests that a conftest.py makes.
"""

from __future__ import annotations

import ast
import glob
import re
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from pytest_adyen_creds.cassettes.lint import Issue
from pytest_adyen_creds.cassettes.paths import shown
from pytest_adyen_creds.errors import FileRefused

LARGEST: Final = 2 * 1024 * 1024
"""The largest test file that is looked at, in bytes."""

_HEAD: Final = 4096
_PROVENANCE: Final = re.compile(rb"^provenance:", re.MULTILINE)
_SUITE: Final = re.compile(r"v\d+")
"""A folder of the contract suite's own cassettes, which belong to no test function."""
_COLLECTING: Final = frozenset({"pytest_collect_file", "pytest_pycollect_makeitem", "pytest_pycollect_makemodule"})
"""Hooks by which a conftest.py makes tests that no file shows."""
_MAKING: Final = frozenset({"*", "exec", "globals", "locals", "scenarios", "setattr", "vars"})
"""By what a module gets names that it does not spell out; ``scenarios`` is pytest-bdd's."""
_PLAIN_BASES: Final = frozenset({"object", "TestCase", "IsolatedAsyncioTestCase", "Protocol", "NamedTuple", "Enum"})


def find_orphans(paths: Iterable[Path]) -> tuple[list[Issue], list[str]]:
    """Return which of the cassettes at ``paths`` are orphans, and a line for each test file that cannot be read.

    Only what this package recorded is named after its test, so nothing is said of others.
    """
    issues: list[Issue] = []
    unread: dict[str, None] = {}
    read = cache(_read)
    for path in paths:
        folder = path.absolute().parent
        owner, _, function = path.stem.removesuffix(".adyen").partition("[")[0].rpartition(".")
        # other names are no function's: the contract suite's, one that was cut short, a doctest's
        is_named = function.isidentifier() and owner != folder.name and (not owner or owner.isidentifier())
        if folder.parent.name != "cassettes" or not is_named or _SUITE.fullmatch(folder.name) or not _is_ours(path):
            continue
        try:
            reason = _why_gone(folder.parent.parent / f"{folder.name}.py", owner, function, read)
        except FileRefused as error:
            unread[f"{error}; until then nothing tells whether its cassettes are orphans"] = None
            continue
        if reason:
            issues.append(Issue(path, "orphan", "", f"{reason}; remove it, or rename it as its test was"))
    return issues, list(unread)


@dataclass
class _Scope:
    """What a module says at its own level, or a class at its; of a module, its classes too, also those in classes."""

    names: set[str] = field(default_factory=set)
    """Of functions, of what is imported, and of all that is mentioned: any of them may be a test."""
    stems: set[str] = field(default_factory=set)
    """Of functions and classes that a decorator may have copied under longer names, as ``parameterized`` does."""
    bases: set[str] = field(default_factory=set)
    classes: dict[str, _Scope] = field(default_factory=dict)
    is_open: bool = False
    """Whether it may have any name."""

    def may_have(self, name: str) -> bool:
        return self.is_open or name in self.names or any(name.startswith(f"{stem}_") for stem in self.stems)


def _why_gone(module: Path, owner: str, function: str, read: Callable[[Path], _Scope]) -> str:
    """Return why ``module``, or its class ``owner``, cannot have the test ``function``; empty where it may.

    ``read`` is :func:`_read`, which raises :class:`FileRefused` where the file, or a conftest.py, cannot be read.
    """
    conftests = (folder / "conftest.py" for folder in module.parents)
    if any(_COLLECTING & read(path).names for path in conftests if path.is_file()):
        return ""
    if not module.is_file():
        has_other = any(module.parent.glob(f"{glob.escape(module.stem)}.*"))  # such as a .feature file
        return "" if has_other else f"its test file {shown(module)} does not exist"
    there = read(module)
    if there.may_have(owner or function) or (owner in there.classes and _may_inherit(there, owner, function)):
        return ""
    return f"{shown(module)} has no test {owner and f'{owner}.'}{function}"


def _may_inherit(module: _Scope, owner: str, function: str) -> bool:
    """Tell whether the class ``owner`` of ``module``, or one that it inherits from, may have ``function``."""
    lineage = [owner]
    for name in lineage:
        if name not in module.classes or module.classes[name].may_have(function):
            return True
        lineage += module.classes[name].bases - _PLAIN_BASES - set(lineage)
    return False


def _read(path: Path) -> _Scope:
    """Return what the Python file at ``path`` has; raises :class:`FileRefused` for one that cannot be read."""
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"larger than {LARGEST // 1024 // 1024} MiB")
        with warnings.catch_warnings(action="ignore"):
            tree = ast.parse(path.read_bytes())
        return _scope_of(tree)
    except SyntaxError as error:
        raise FileRefused(f"{shown(path)}: is not Python (line {error.lineno}: {error.msg}); mend it") from None
    except (OSError, ValueError, RecursionError, MemoryError) as error:
        why = str(error) if type(error) is ValueError else type(error).__name__
        raise FileRefused(f"{shown(path)}: cannot be read ({why}); mend it") from None


def _scope_of(tree: ast.Module) -> _Scope:
    module = _Scope()
    for owner in ast.walk(tree):
        scope = module
        if isinstance(owner, ast.ClassDef):
            scope = module.classes.setdefault(owner.name, _Scope())
            scope.bases.update(map(_name_of, owner.bases))
            scope.is_open |= bool(owner.keywords or _copied(owner))  # a metaclass or a decorator may add to it
            module.stems |= _copied(owner)
        elif not isinstance(owner, ast.Module):
            continue
        for node in _inside(owner):
            match node:
                case ast.FunctionDef() | ast.AsyncFunctionDef():
                    scope.names.add(node.name)
                    scope.stems |= _copied(node)
                case ast.Import() | ast.ImportFrom():
                    scope.names |= {alias.asname or alias.name for alias in node.names}
                case ast.Name(id=name) | ast.Attribute(attr="scenarios" as name):
                    scope.names.add(name)
            module.is_open |= not _MAKING.isdisjoint(scope.names)
    return module


def _inside(owner: ast.AST) -> Iterator[ast.AST]:
    """Yield all that stands in ``owner``, and nothing that stands in its classes."""
    pending = list(ast.iter_child_nodes(owner))
    for node in pending:
        yield node
        if not isinstance(node, ast.ClassDef):
            pending += ast.iter_child_nodes(node)


def _copied(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> set[str]:
    is_plain = all(ast.unparse(each).partition(".")[0] == "pytest" for each in node.decorator_list)
    return set() if is_plain else {node.name}


def _name_of(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _is_ours(path: Path) -> bool:
    try:
        if not path.is_file():  # a pipe, say, from which nothing may ever come
            return False
        with path.open("rb") as file:
            return _PROVENANCE.search(file.read(_HEAD)) is not None
    except OSError:
        return False
