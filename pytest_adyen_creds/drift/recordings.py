"""Recorded answers: read from cassettes, ours or plain vcrpy's, and held against the contract."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pytest_adyen_creds.cassettes import paths, serializer
from pytest_adyen_creds.cassettes.body import unpacked_if_known
from pytest_adyen_creds.cassettes.model import Interaction, origin_of
from pytest_adyen_creds.cassettes.redact.fields import loopback_origin, path_of_uri
from pytest_adyen_creds.drift.collector import Collector
from pytest_adyen_creds.errors import CassetteError, FileRefused

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract
    from pytest_adyen_creds.contract.apis import Match

_HOST: Final = re.compile(r"management-(?:test|live)\.adyen\.com")
_VERSION: Final = re.compile(r"/(v\d+)/")


class Survey(Collector):
    """What a look through recordings shows of drift, and how many there were."""

    cassettes = 0
    passed_over = 0
    """How many answers are of other hosts, other operations, or packed in a way that nothing here unpacks."""


def survey(
    folder: Path,
    contract_of: Callable[[str | None], Contract | None],
    match: Callable[[str, str], Match | None] = lambda method, url: None,
) -> Survey:
    """Hold every answer in the cassettes under ``folder`` (or in the file of that name) against its contract.

    An address names its API and version; ``contract_of`` and ``match`` are as a :class:`Collector` has them. Raises
    :class:`FileRefused` for a folder without cassettes, and :class:`CassetteError` for files that are none, or have an
    answer that was cut short, or that cannot be judged: it says what is wrong with the first, and names the others.
    """
    found = Survey(contract_of, match)
    broken: dict[Path, str] = {}
    for path in paths.find_cassettes(folder):
        found.cassettes += 1
        try:
            _hold(path, found, contract_of)
        except (CassetteError, FileRefused) as error:
            broken[path] = str(error)
    if broken:
        first, *others = broken
        more = f"; broken, too: {', '.join(map(str, others))}" if others else ""
        raise CassetteError(f"{broken[first]}{more}")
    if not found.cassettes:
        raise FileRefused(f"{folder}: holds no cassettes; name a folder of recordings")
    return found


def _hold(path: Path, found: Survey, contract_of: Callable[[str | None], Contract | None]) -> None:
    cassette = serializer.read(path)
    found.test = str(path)
    origin = origin_of(cassette.provenance)
    for number, interaction in enumerate(cassette.interactions, 1):
        try:
            url = urlsplit(interaction.uri)
            body = unpacked_if_known(interaction.response_body, interaction.response_headers)
        except ValueError as error:
            raise CassetteError(f"{path}: interaction {number}: {error}; {serializer.AGAIN}") from None
        except CassetteError as error:
            raise CassetteError(f"{path}: interaction {number}: {error}") from None
        before, headers = found.found.answers, dict(interaction.response_headers)
        if body is not None:
            is_management = _HOST.fullmatch(url.hostname or "") or _stands_for_it(interaction, contract_of)
            address = url.path if is_management else interaction.uri
            found.answer(interaction.method, address, interaction.status, headers, body, origin)
        if found.problems:
            raise CassetteError(f"{path}: interaction {number}: {found.problems.pop()}; {serializer.AGAIN}")
        found.passed_over += found.found.answers == before


def _stands_for_it(interaction: Interaction, contract_of: Callable[[str | None], Contract | None]) -> bool:
    """Tell whether a server on this machine answered a request that the Management API has: the sandbox, say."""
    path = path_of_uri(interaction.uri)
    version = _VERSION.match(path) if loopback_origin(interaction.uri) else None
    contract = contract_of(version[1]) if version else None
    return contract is not None and contract.match(interaction.method, path) is not None
