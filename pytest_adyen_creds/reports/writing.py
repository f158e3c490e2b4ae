"""Writing reports: to the file that was asked for, whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from pytest_adyen_creds.errors import AdyenCredsError, FileRefused

if TYPE_CHECKING:
    from pytest_adyen_creds.run import Run


def check_writable(path: Path) -> None:
    """Raise :class:`FileRefused` where a report could not be written to ``path``, as far as can be told before."""
    if path.is_dir():
        raise FileRefused(f"{path}: is a directory; name a file in it")
    folder = path.parent
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise FileRefused(f"{path}: cannot be written ({folder} is no folder that can be written to); name another")


def write_reports(run: Run, paths: Iterable[Path], now: datetime) -> list[str]:
    """Write the report of ``run`` to each of ``paths``; return what went wrong, one line each."""
    from pytest_adyen_creds.reports.page import page_of
    from pytest_adyen_creds.reports.report import report_of

    paths, problems = list(paths), []
    report = report_of(run, now) if paths else {}
    for path in paths:
        try:
            text = page_of(report) if path.suffix == ".html" else json.dumps(report, indent=2) + "\n"
            write(path, text)
            run.written.append(path)
        except AdyenCredsError as error:
            problems.append(str(error))
    return problems


def write(path: Path, text: str) -> None:
    """Write ``text`` to ``path``: there is the old file or the new one, never half of one.

    Folders that are missing are made. Raises :class:`FileRefused` where it cannot be written.
    """
    temporary = path.with_name(f".{path.name[:100]}.{os.getpid()}-{token_hex(4)}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except (OSError, ValueError) as error:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)
        reason = getattr(error, "strerror", None) or type(error).__name__
        raise FileRefused(f"{path}: cannot be written ({reason}); check the folder and its rights") from None
