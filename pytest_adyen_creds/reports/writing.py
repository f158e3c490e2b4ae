"""Writing reports: to the file that was asked for, whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_adyen_creds.errors import AdyenCredsError, FileRefused
from pytest_adyen_creds.files import write_text

if TYPE_CHECKING:
    from pytest_adyen_creds.checks.results import Results


def check_writable(path: Path) -> None:
    """Raise :class:`FileRefused` where a report could not be written to ``path``, as far as can be told before."""
    if os.path.isdir(path):  # noqa: PTH112 - Path's own raises for a name that is too long
        raise FileRefused(f"{path}: is a directory; name a file in it")
    folder = path.parent
    while not os.path.exists(folder) and folder != folder.parent:  # noqa: PTH110
        folder = folder.parent
    if not folder.is_dir() or not os.access(folder, os.W_OK | os.X_OK):
        raise FileRefused(f"{path}: cannot be written ({folder} is no folder that can be written to); name another")


def write_reports(results: Results, paths: Iterable[Path], now: datetime) -> list[str]:
    """Write the report of ``results`` to each of ``paths``; return what went wrong, one line each."""
    from pytest_adyen_creds.reports.page import page_of
    from pytest_adyen_creds.reports.report import report_of

    paths, problems = list(paths), []
    report = report_of(results, now) if paths else {}
    for path in paths:
        try:
            text = page_of(report) if path.suffix == ".html" else json.dumps(report, indent=2) + "\n"
            write_text(path, text)
            results.written.append(path)
        except AdyenCredsError as error:
            problems.append(str(error))
    return problems
