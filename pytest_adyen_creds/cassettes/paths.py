"""Where cassettes lie on disk: beside the tests that they belong to, under names that stay in their folder."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pytest_adyen_creds.errors import CassetteError

SUFFIXES: Final = (".yaml", ".yml")
"""What a cassette's name ends in."""

_HEAD: Final = 64 * 1024
_BEGINNING: Final = re.compile(
    rb'^(?:interactions|[ \t]*"interactions"|\{[^{}]{0,200}"interactions")[ \t]*:', re.MULTILINE
)
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


def find_cassettes(folder: Path, suffixes: tuple[str, ...] = SUFFIXES) -> Iterator[Path]:
    """Yield the cassettes under ``folder`` whose names end in ``suffixes``, sorted; a file's own path yields itself.

    Every HAR file is one, and every YAML file in a folder called ``cassettes``; of others, and of JSON files, those
    that begin like one: projects have more of them.
    """
    if os.path.isfile(folder):  # noqa: PTH113 - Path's own raises for a name that is too long
        yield folder
        return
    if not os.path.isdir(folder):  # noqa: PTH112
        raise CassetteError(f"{folder}: does not exist; name a folder of cassettes")
    for path in sorted(path for path in folder.rglob("*") if path.suffix in suffixes and path.is_file()):
        named = path.suffix in SUFFIXES and "cassettes" in path.resolve().parent.parts
        if named or path.suffix == ".har" or _begins_like_one(path):
            yield path


def _begins_like_one(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return _BEGINNING.search(file.read(_HEAD)) is not None
    except OSError:
        return True  # whoever reads it says why it cannot be read


def shown(path: Path) -> str:
    """Return ``path`` as a message shows it: from the current folder on, where it lies in that."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)
