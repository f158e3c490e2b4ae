"""Where cassettes lie on disk: beside the tests that they belong to, under names that stay in their folder."""

from __future__ import annotations

import codecs
import errno
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_adyen_creds.errors import CassetteError

if TYPE_CHECKING:
    import pytest

SUFFIXES: Final = (".yaml", ".yml")
"""What a cassette's name ends in, unless vcrpy was given another one."""

FOLDERS: Final = frozenset({"cassettes", "vcr_cassettes"})
"""What folders of cassettes are called: a YAML file in one is a cassette, and of others what begins like one."""

_OTHER_FOLDERS: Final = frozenset(
    {*(".git", ".hg", ".svn", ".tox", ".nox", ".venv"), *("node_modules", "__pycache__", "site-packages")}
)
"""Folders of other programs, in which no tests are; so is each that has the file :data:`_VENV`."""
_VENV: Final = "pyvenv.cfg"

_OTHER_SUFFIXES: Final = frozenset({".md", ".py", ".pyi", ".rst"})
"""What is no recording in a folder of them, though it may quote one."""

_HEAD: Final = 64 * 1024
_IN_YAML: Final = re.compile(rb"^(['\"]?)interactions\1[ \t]*:", re.MULTILINE)
_FIRST_NAME: Final = re.compile(rb"(?:[ \t]*+(?:(?:#|%|---)[^\n]*+)?\n)*+(['\"]?)[\w.-]++\1[ \t]*:")
"""How YAML begins that is a mapping: code and prose that only quotes a recording does not."""
_IN_JSON: Final = re.compile(rb"['\"]?interactions['\"]?\s*+:\s*+\[\s*+(?P<none>\])?")
_MESSAGE: Final = re.compile(rb"['\"]?(?:request|response)['\"]?\s*+:")
_PACT: Final = re.compile(rb"\"consumer\"\s*+:\s*+\{")
"""How the contracts of Pact begin, whose interactions have no ``uri``."""
_LONGEST: Final = 255


def cassette_path(test_file: Path, test_class: str | None, test_name: str) -> Path:
    """Return where the cassette of a test lies, in pytest-recording's layout.

    ``cassettes/MODULE/[CLASS.]TEST.yaml`` beside ``test_file``; what a file's name cannot hold becomes ``-``. Raises
    :class:`CassetteError` where a link leads out of that folder.
    """
    name = f"{test_class}.{test_name}" if test_class else test_name
    name = re.sub(r"[<>?%*:|\"'/\\\x00-\x1f]", "-", name)
    if len(os.fsencode(name)) + len(SUFFIXES[0]) > _LONGEST:
        digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
        room = _LONGEST - len(SUFFIXES[0]) - len(digest) - 3
        name = f"{os.fsencode(name)[:room].decode(errors='ignore')}...{digest}"
    folder = test_file.parent / "cassettes" / test_file.stem
    path = folder / (name if name.endswith(SUFFIXES) else name + SUFFIXES[0])
    try:
        os.stat(path)  # noqa: PTH116 - of Path's own methods, some pass over such links
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise CassetteError(f"{path}: is a link that leads in a circle; remove it") from None
    if not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise CassetteError(f"{path}: is a link that leads out of its folder; replace it by the file itself")
    return path


def cassette_of(item: pytest.Item) -> Path:
    """Return where the cassette of ``item`` lies, or would: beside its file, as pytest-recording lays it out.

    Where pytest-recording records the test as well, ``TEST.yaml`` is that tool's, and ``TEST.adyen.yaml`` is ours.
    """
    of_class = getattr(item, "cls", None)
    suffix = ".adyen" if is_recorded_elsewhere(item) else ""
    return cassette_path(item.path, of_class.__name__ if of_class else None, item.name + suffix)


def is_recorded_elsewhere(item: pytest.Item) -> bool:
    """Tell whether pytest-recording (or pytest-vcr) records ``item``."""
    return item.get_closest_marker("vcr") is not None


def find_cassettes(folder: Path, *, har: bool = False) -> Iterator[Path]:
    """Yield the cassettes under ``folder``, sorted; a file's own path yields itself.

    Every YAML file in one of :data:`FOLDERS` is one, and each file in there, JSON, YAML or without a suffix elsewhere,
    that begins like one, as vcrpy writes it: its serializers may be YAML or JSON, and its names without a suffix. With
    ``har`` every HAR file is one, too. Folders of other programs (``node_modules``, ``.git``, virtual environments)
    are left out.
    """
    if os.path.isfile(folder):  # noqa: PTH113 - Path's own raises for a name that is too long
        yield folder
        return
    if not os.path.isdir(folder):  # noqa: PTH112
        raise CassetteError(f"{folder}: does not exist; name a folder of cassettes")
    found = []
    for root, folders, names in os.walk(folder):
        here = Path(root)
        folders[:] = (each for each in folders if each not in _OTHER_FOLDERS and not (here / each / _VENV).exists())
        in_cassettes = _is_in_cassettes(here)
        for path in map(here.joinpath, names):
            if (har and path.suffix == ".har" and path.is_file()) or is_cassette(path, in_cassettes):
                found.append(path)
    yield from sorted(found)


def _is_in_cassettes(folder: Path) -> bool:
    return not FOLDERS.isdisjoint(Path(os.path.realpath(folder)).parts)


def is_cassette(path: Path, in_cassettes: bool | None = None) -> bool:
    """Tell whether the file at ``path`` is a cassette by where it is and how it begins: no more of it is read.

    ``in_cassettes``: whether it is in one of :data:`FOLDERS`, where that is known.
    """
    in_cassettes = _is_in_cassettes(path.parent) if in_cassettes is None else in_cassettes
    is_yaml = path.suffix in SUFFIXES
    may_be_one = path.suffix not in _OTHER_SUFFIXES if in_cassettes else is_yaml or path.suffix in ("", ".json")
    try:
        if not may_be_one or not path.is_file():  # a pipe would never end
            return False
        return (is_yaml and in_cassettes) or _begins_like_one(path, is_yaml=is_yaml)
    except OSError:
        return is_yaml or in_cassettes  # whoever reads it says why it cannot be read


def _begins_like_one(path: Path, *, is_yaml: bool) -> bool:
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        head = head.decode("utf-16", "ignore").encode("utf-8", "ignore")
    if b"interactions" not in head:
        return False
    head = head.removeprefix(codecs.BOM_UTF8).replace(b"\r", b"\n").lstrip()
    if not head.startswith(b"{"):
        return (is_yaml or _FIRST_NAME.match(head) is not None) and _IN_YAML.search(head) is not None
    found = _IN_JSON.search(head)
    if found is None or (_PACT.search(head) and b'"uri"' not in head):
        return False
    return found["none"] is not None or _MESSAGE.search(head, found.end()) is not None


def shown(path: Path) -> str:
    """Return ``path`` as a message shows it: from the current folder on, where it lies in that."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
