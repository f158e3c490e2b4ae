"""Known deviations: what the platform is known to answer otherwise than the contract says, with the evidence."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pytest_adyen_creds.contract.baseline import Baseline, Entry, read_baseline

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract

FILE: Final = "known-deviations.toml"
"""The file's name, beside the folders of a contract's versions."""


def known_deviations(contract: Contract) -> Baseline:
    """Return the known deviations of ``contract``; see :attr:`.Contract.known_deviations`."""
    from pytest_adyen_creds.contract.contract import bundled, load_contract

    own = _file_of(contract.source)
    if own.is_file():
        return _of_version(read_baseline(own, evidence=True), contract.version)
    shipped = bundled("contracts") / contract.version / "openapi.yaml"
    if not shipped.is_file():
        return Baseline()
    labels = tuple(load_contract(contract.version).operations)
    found = _of_version(read_baseline(_file_of(shipped), evidence=True), contract.version)
    return Baseline(tuple(_limited(entry, labels) for entry in found.entries))


def _file_of(source: Path) -> Path:
    return source.parent.parent / FILE


def _of_version(found: Baseline, version: str) -> Baseline:
    return Baseline(tuple(each for each in found.entries if each.versions is None or version in each.versions))


def _limited(entry: Entry, labels: tuple[str, ...]) -> Entry:
    return entry if entry.operations is not None else replace(entry, operations=labels)
