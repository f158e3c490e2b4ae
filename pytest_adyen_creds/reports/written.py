"""A last look at what a run wrote: a secret that a plugin has put in its file past the masking is masked there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import pytest

from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.files import write_bytes
from pytest_adyen_creds.secrets import SECRETS
from pytest_adyen_creds.text import counted

_OPTIONS: Final = (
    *("xmlpath", "htmlpath", "csvpath", "csv_path", "json_report_file", "report_log", "allure_report_dir"),
    *("log_file", "debug"),
)
"""Where pytest and its plugins have what ``--junitxml``, ``--html``, ``--csv``, ``--alluredir`` and others name."""

_BESIDE: Final = (".coverage*", "coverage.*", "htmlcov/**/*")
"""What is written to fixed places in the run's folder."""

_SNAPSHOTS: Final = "__snapshots__"
"""The folder beside test files in which snapshots are written."""

_NOT_LOOKED_AT: Final = frozenset({".git", ".hg", ".tox", ".nox", "__pycache__", "site-packages", "node_modules"})
_LARGEST: Final = 256 * 1024 * 1024


def mask_written(config: pytest.Config, since: float, *, everything: bool) -> list[str]:
    """Mask what the files that this run wrote still hold of secrets; return lines that say so.

    Looks at what the known options name, the cache, snapshots and coverage's files, each where it has changed ``since``
    (seconds since 1970); with ``everything``, at all files below the run's folder.
    """
    if not len(SECRETS):
        return []
    found: Counter[Path] = Counter()
    problems = []
    for path in _written(config, since, everything=everything):
        try:
            if number := _mask(path):
                found[path] = number
        except (OSError, FileRefused) as error:
            problems.append(f"adyen: {SECRETS.mask(str(path))} could not be looked through ({type(error).__name__})")
    if found:
        places = ", ".join(SECRETS.mask(f"{path.name} ({number})") for path, number in found.most_common(3))
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        problems.insert(
            0,
            f"adyen: {counted(found.total(), 'secret')} stood in {counted(len(found), 'file')} that this run wrote, "
            f"masked now: {places}{more}; what wrote them reads past the masking: please tell us which plugin it was",
        )
    return problems


def _written(config: pytest.Config, since: float, *, everything: bool) -> Iterator[Path]:
    seen = set()
    for place in _places(config, everything=everything):
        for path in [place] if place.is_file() else place.rglob("*") if place.is_dir() else ():
            with suppress(OSError):  # gone meanwhile
                status = path.stat(follow_symlinks=False)
                new = status.st_mtime >= since - 1 and path not in seen  # file systems round times
                if new and path.is_file() and not path.is_symlink() and _NOT_LOOKED_AT.isdisjoint(path.parts):
                    seen.add(path)
                    yield path


def _places(config: pytest.Config, *, everything: bool) -> Iterator[Path]:
    root = Path(config.rootpath)
    if everything:
        yield root
    for name in _OPTIONS:
        value = getattr(config.option, name, None)
        if isinstance(value, str) and value:
            yield Path(config.invocation_params.dir, value)
    with suppress(ValueError):  # -p no:cacheprovider
        yield root / config.getini("cache_dir")
    for folder in {root, Path(config.invocation_params.dir)}:
        for pattern in _BESIDE:
            yield from folder.glob(pattern)
    session = config.pluginmanager.get_plugin("session")
    for folder in {item.path.parent for item in getattr(session, "items", ())}:
        yield folder / _SNAPSHOTS


def _mask(path: Path) -> int:
    """Mask what ``path`` holds; return how many secrets there were."""
    if path.stat().st_size > _LARGEST:
        raise FileRefused(f"{path}: larger than {_LARGEST // 1024 // 1024} MiB")
    content = path.read_bytes()
    is_text = b"\0" not in content
    text = content.decode("utf-8" if is_text else "latin-1", "surrogateescape")
    spans = SECRETS.find(text)
    if not spans:
        return 0
    if is_text:
        write_bytes(path, SECRETS.mask(text).encode("utf-8", "surrogateescape"))
    else:  # a database, say, in which everything has its place
        masked = bytearray(content)
        for start, end, _ in spans:
            masked[start:end] = b"*" * (end - start)
        write_bytes(path, bytes(masked))
    return len({value for _, _, value in spans})
