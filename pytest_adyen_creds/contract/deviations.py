"""Known deviations: what the platform is known to answer otherwise than the contract says, with the evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_adyen_creds.contract.baseline import Baseline, Entry, read_baseline

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract

FILE: Final = "known-deviations.toml"
"""The file's name, beside the folders of a contract's versions."""


def known_deviations(contract: Contract, bundled: Callable[[], Contract | None]) -> Baseline:
    """Return the known deviations of ``contract``; see :attr:`.Contract.known_deviations`.

    ``bundled`` returns the bundled contract of the same version, None where there is none; it is asked where
    ``contract`` brings no file of its own.
    """
    own = _file_of(contract.source)
    if own.is_file():
        return _of_version(read_baseline(own, evidence=True), contract.version)
    shipped = bundled()
    if shipped is None:
        return Baseline()
    labels = tuple(shipped.operations)
    found = _of_version(read_baseline(_file_of(shipped.source), evidence=True), contract.version)
    return Baseline(tuple(_limited(entry, labels) for entry in found.entries))


def _file_of(source: Path) -> Path:
    return source.parent.parent / FILE


def _of_version(found: Baseline, version: str) -> Baseline:
    return Baseline(tuple(each for each in found.entries if each.versions is None or version in each.versions))


def _limited(entry: Entry, labels: tuple[str, ...]) -> Entry:
    return entry if entry.operations is not None else replace(entry, operations=labels)
