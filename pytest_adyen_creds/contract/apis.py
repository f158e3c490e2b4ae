"""The contracts of a run: the one of the credentials, and those of other APIs that the user's folder has.

Which API a request is of is data: host and base path of the servers that a contract names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from pytest_adyen_creds.contract.contract import (
    MANAGEMENT,
    VERSIONS,
    Contract,
    bundled,
    contracts_in,
    load_contract,
    openapi_of,
)
from pytest_adyen_creds.contract.operations import Operation
from pytest_adyen_creds.errors import ContractError

_ADYENS: Final = (".adyen.com", ".adyenpayments.com")
_VERSION: Final = re.compile(r"/v[0-9]+/")


class Match(NamedTuple):
    """The operation that a request is of, in whose contract, and its decoded path parameters."""

    contract: Contract
    operation: Operation
    parameters: Mapping[str, str]


class Apis:
    """The contracts of ``folder``, and the bundled one where the folder has none of the Management API's.

    Each is loaded when it is asked for.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all contracts, as :meth:`contract` takes them."""
        return tuple(contracts_in(self.folder)) if self.folder else ()

    def management(self, version: str) -> Contract:
        """Return the contract of ``version`` (``v3``) that the credentials are held to: the folder's own, else ours.

        One of the folder's that lacks operations of credentials stands beside ours. Raises :class:`ContractError` where
        there is none, and where the folder has one of credentials of another version only.
        """
        if self.folder is None:
            return load_contract(version)
        if openapi_of(self.folder, version) is not None:
            return load_contract(version, self.folder)
        is_bundled = openapi_of(bundled("contracts"), version) is not None
        if openapi_of(self.folder, f"{MANAGEMENT}/{version}") is not None:
            own = load_contract(f"{MANAGEMENT}/{version}", self.folder)
            if not is_bundled or own.operations.keys() >= load_contract(version).operations.keys():
                return own
        if is_bundled and self.names and all("/" in name for name in self.names):
            return load_contract(version)
        return load_contract(version, self.folder)  # which says what there is

    @cached_property
    def management_versions(self) -> tuple[str, ...]:
        """The versions that :meth:`management` has."""
        others_only = all("/" in name for name in self.names)
        own = {name.removeprefix(f"{MANAGEMENT}/") for name in self.names}
        return tuple(version for version in VERSIONS if others_only or version in own)

    @cached_property
    def all_own(self) -> tuple[Contract, ...]:
        """Every contract of the folder."""
        return tuple(load_contract(name, self.folder) for name in self.names)

    @cached_property
    def _servers(self) -> list[tuple[str, str, Contract]]:
        found = [
            (parts.hostname or "", parts.path.rstrip("/"), contract)
            for contract in self.all_own
            for parts in map(urlsplit, contract.servers)
        ]
        return sorted(found, key=lambda each: -len(each[1]))

    def of_url(self, url: str, *, any_version: bool = False) -> Contract | None:
        """Return the folder's contract that ``url`` lies in: by host and base path, elsewhere by base path alone.

        ``any_version``: one of another version of the API will do, where there is none of the version that is asked.
        """
        parts = urlsplit(url)
        host, path = parts.hostname or "", parts.path
        there = [each for each in self._servers if host == each[0] or not host.endswith(_ADYENS)]
        for server, base, contract in there:
            if (base or host == server) and (path == base or path.startswith(f"{base}/")):
                return contract
        bases = ((_VERSION.sub("/v0/", f"{base}/"), contract) for _, base, contract in there)
        asked = _VERSION.sub("/v0/", path)
        return next((contract for base, contract in bases if any_version and asked.startswith(base)), None)

    def match(self, method: str, url: str, *, any_version: bool = False) -> Match | None:
        """Return the operation that a request to ``url`` is of; None where no contract of the folder has it."""
        contract, path = self.of_url(url, any_version=any_version), urlsplit(url).path
        if contract is None:
            return None
        if (version := _VERSION.search(path)) and any_version:
            path = f"{path[: version.start()]}/{contract.version}/{path[version.end() :]}"
        found = contract.match(method, path)
        return Match(contract, *found) if found else None

    @cached_property
    def labels(self) -> frozenset[str]:
        """The labels of all operations of the folder's contracts."""
        return frozenset(label for contract in self.all_own for label in contract.operations)

    def labelled(self, label: str) -> list[tuple[Contract, Operation]]:
        """Return each operation of the folder's contracts that is called ``label``."""
        return [(each, each.operations[label]) for each in self.all_own if label in each.operations]


@lru_cache(maxsize=8)
def apis_in(folder: Path | None) -> Apis:
    """Return the contracts of ``folder``, each folder's once."""
    return Apis(folder)


def chosen(api: str | None, version: str | None, folder: Path | None) -> str:
    """Return the name of the one contract that ``--api`` and ``--api-version`` mean; see :func:`load_contract`.

    Of several versions of one API it is the newest, but v3 of the Management API's bundled ones.

    Raises :class:`ContractError` where several could be meant, or none.
    """
    names = contracts_in(folder) if folder else []
    if api is not None:
        wanted = f"{api}/{version}" if version else api
        if wanted in names:
            return wanted
        if folder is None and wanted.partition("/")[0] == MANAGEMENT:
            return wanted.partition("/")[2] or "v3"
        found = [name for name in names if name.startswith(f"{api}/") and version in (None, name.rpartition("/")[2])]
        newest = sorted(found, key=lambda name: (len(name), name))[-1:]
        return _only(newest, f"no contract of {wanted!r}", names, folder)
    default = version or "v3"
    if folder is None or default in names or f"{MANAGEMENT}/{default}" in names:
        return default if folder is None or default in names else f"{MANAGEMENT}/{default}"
    found = [name for name in names if version in (None, name.rpartition("/")[2])]
    return _only(found, f"no contract {default!r}", names, folder)


def _only(found: list[str], otherwise: str, names: Iterable[str], folder: Path | None) -> str:
    if len(found) == 1:
        return found[0]
    there = ", ".join(names) or "none"
    if found:
        raise ContractError(f"{folder}: {', '.join(found)} could be meant; name one with --api")
    raise ContractError(f"{folder or 'the bundled contracts'}: {otherwise} (contracts there: {there}); correct --api")
