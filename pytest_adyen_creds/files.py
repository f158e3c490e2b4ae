"""The files that people name: read within bounds, or refused in one line; and written whole."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import Final

from pytest_adyen_creds import clock
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.text import plain

LARGEST: Final = 20 * 1024 * 1024
"""The largest file that is read, in bytes."""

FILL: Final = "name a file with content"
"""What to do about an empty file."""

_LEFTOVER: Final = re.compile(r"\.(\d+)-[\w-]+\.adyen-creds\.tmp")
_DAY: Final = 24 * 60 * 60.0


def read_bytes(path: Path | str, *, largest: int = LARGEST, wanted: str = "an existing file") -> bytes:
    """Return the bytes of the file at ``path`` (``-``: standard input); ``wanted`` is what to name instead of a folder.

    Raises :class:`FileRefused` for what is missing, not a regular file, unreadable, or over ``largest`` bytes.
    """
    name = name_of(path)
    try:
        if str(path) == "-":
            data = sys.stdin.buffer.read(largest + 1)
        elif not Path(path).is_file():
            raise FileRefused(f"{name}: {_why_not_a_file(Path(path), wanted)}")
        else:
            with Path(path).open("rb") as file:
                data = file.read(largest + 1)
    except (OSError, ValueError) as error:
        raise FileRefused(
            f"{name}: cannot be read ({error.__class__.__name__}); check the path and its rights"
        ) from None
    if len(data) > largest:
        limit = f"{largest // 1024 // 1024} MiB" if largest >= 1024 * 1024 else f"{largest // 1024} KiB"
        raise FileRefused(f"{name}: larger than {limit}; name a smaller file")
    return data


def read_text(path: Path | str, *, largest: int = LARGEST, empty: str | None = FILL) -> str:
    """Return the text of the file at ``path`` (``-``: standard input); ``empty`` is what to do about an empty one.

    None: that is a text as well.
    Raises :class:`FileRefused` like :func:`read_bytes`, and for what is empty or not UTF-8.
    """
    data = read_bytes(path, largest=largest)
    if empty is not None and not data.strip():
        raise FileRefused(f"{name_of(path)}: is empty; {empty}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused(f"{name_of(path)}: is not UTF-8 (byte {error.start}); convert it to UTF-8") from None


def name_of(path: Path | str) -> str:
    """Return what a message calls the file at ``path``."""
    return "standard input" if str(path) == "-" else plain(str(path))


def write_text(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, as UTF-8, like :func:`write_bytes`."""
    write_bytes(path, text.encode("utf-8", "backslashreplace"))


def write_bytes(path: Path, content: bytes) -> None:
    """Write ``content`` to ``path``: there is the old file or the new one, never half of one.

    Folders that are missing are made, a file's rights are kept, and what killed processes left beside it is removed.
    Raises :class:`FileRefused` where it cannot be written.
    """
    temporary = path.parent / f".{os.getpid()}-{os.urandom(8).hex()}.adyen-creds.tmp"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _remove_leftovers(path.parent)
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with suppress(OSError):
            temporary.chmod(path.stat().st_mode & 0o777)
        temporary.replace(path)
        sync_folder(path.parent)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise FileRefused(
            f"{plain(str(path))}: cannot be written ({reason}); check the folder and its rights"
        ) from None
    finally:
        with suppress(OSError, ValueError):
            temporary.unlink(missing_ok=True)


def check_writable(path: Path) -> None:
    """Raise :class:`FileRefused` where no file could be written to ``path``, as far as can be told before."""
    if os.path.isdir(path):  # noqa: PTH112 - Path's own raises for a name that is too long
        raise FileRefused(f"{plain(str(path))}: is a directory; name a file in it")
    folder = path.parent
    while not os.path.exists(folder) and folder != folder.parent:  # noqa: PTH110
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise FileRefused(
            f"{plain(str(path))}: cannot be written ({plain(str(folder))} is no folder that can be written to); "
            "name another"
        )


def _remove_leftovers(folder: Path) -> None:
    for path in folder.glob(".*.adyen-creds.tmp"):
        match = _LEFTOVER.fullmatch(path.name)
        if match and not _is_in_use(path, int(match[1])):
            path.unlink(missing_ok=True)


def _is_in_use(path: Path, pid: int) -> bool:
    if os.name == "nt":  # where signal 0 is not a question but an interruption
        return path.stat().st_mtime > clock.now().timestamp() - _DAY
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True


def sync_folder(folder: Path) -> None:
    """Have the names in ``folder`` on the disk before going on."""
    if os.name == "nt":  # a folder cannot be opened there
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _why_not_a_file(path: Path, wanted: str) -> str:
    if path.is_dir():
        return f"is a directory; name {wanted}"
    return f"is not a regular file; name {wanted}" if path.exists() else "does not exist; name an existing file"
