"""The ini options of a project, for the commands that run without pytest."""

from __future__ import annotations

import configparser
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from pytest_adyen_creds.errors import SettingsError
from pytest_adyen_creds.settings import OPTIONS

_FILES: Final = (
    ("pytest.toml", "pytest"),
    (".pytest.toml", "pytest"),
    ("pytest.ini", "pytest"),
    (".pytest.ini", "pytest"),
    ("pyproject.toml", ""),
    ("tox.ini", "pytest"),
    ("setup.cfg", "tool:pytest"),
)
_NAMES: Final = frozenset(option.ini for option in OPTIONS if option.ini)


def ini_options(folder: Path) -> tuple[dict[str, str], Path]:
    """Return this plugin's ini options and the folder they are from: that of the first pytest configuration found.

    Looked for in ``folder`` and its parents, in pytest's order of files; without one: no options, and ``folder``.
    Raises :class:`SettingsError` for a file that cannot be read.
    """
    for place in (folder, *folder.parents):
        for name, section in _FILES:
            values = _section(place / name, section)
            if values is not None:
                return {key: _text(value) for key, value in values.items() if key in _NAMES}, place
    return {}, folder


def _section(path: Path, section: str) -> Mapping[str, Any] | None:
    if not path.is_file():
        return None
    try:
        if path.suffix == ".toml":
            document = tomllib.loads(path.read_text(encoding="utf-8"))
            if section:  # a file for pytest alone, which pytest 9 reads
                return _table(document, section) or {}
            pytest_table = _table(_table(document, "tool") or {}, "pytest")
            return None if pytest_table is None else {**pytest_table, **(_table(pytest_table, "ini_options") or {})}
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        parser.read_string(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, configparser.Error) as error:
        raise SettingsError(f"{path}: cannot be read ({type(error).__name__}); mend it, or run elsewhere") from None
    if section in parser:
        return parser[section]
    return {} if path.name.endswith("pytest.ini") else None


def _table(parent: Mapping[str, Any], name: str) -> Mapping[str, Any] | None:
    table = parent.get(name)
    if table is not None and not isinstance(table, dict):
        raise ValueError(f"{name} is no table")
    return table


def _text(value: Any) -> str:
    return "\n".join(map(str, value)) if isinstance(value, list) else str(value)
