"""Recorded answers: read from cassettes, ours or plain vcrpy's, and held against the contract."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pytest_adyen_creds.cassettes import paths, serializer
from pytest_adyen_creds.cassettes.body import unpacked_if_known
from pytest_adyen_creds.cassettes.model import find_header, is_adyens, origin_of
from pytest_adyen_creds.contract.judge import judge
from pytest_adyen_creds.drift.collector import Aggregate
from pytest_adyen_creds.errors import CassetteError, FileRefused

if TYPE_CHECKING:
    from pytest_adyen_creds.contract import Contract

SUFFIXES: Final = (*paths.SUFFIXES, ".json")
"""What a recording's name ends in: vcrpy's two serializers."""

_HOST: Final = re.compile(r"management-(?:test|live)\.adyen\.com")
_VERSION: Final = re.compile(r"/(v\d+)/")


@dataclass(slots=True)
class Survey:
    """What a look through recordings showed."""

    aggregate: Aggregate = field(default_factory=Aggregate)
    answered: set[tuple[str, int]] = field(default_factory=set)
    """Operation and status of each answer that can say something about Adyen: none that the sandbox gave."""
    versions: set[str] = field(default_factory=set)
    """The API versions that answers were judged by."""
    cassettes: int = 0
    passed_over: int = 0
    """How many answers are of other hosts, other operations, or packed in a way that nothing here unpacks."""


def survey(folder: Path, contract: Contract, load: Callable[[str], Contract | None]) -> Survey:
    """Hold every answer in the cassettes under ``folder`` (or in the file of that name) against the contract.

    An address names its version; ``load`` returns that version's contract, or ``None`` where there is none. Raises
    :class:`FileRefused` for a folder without cassettes, and :class:`CassetteError` for a file that is no cassette, or
    an answer that was cut short.
    """
    found = Survey()
    for path in paths.find_cassettes(folder, SUFFIXES):
        found.cassettes += 1
        cassette = serializer.read(path)
        origin = origin_of(cassette.provenance)
        for number, interaction in enumerate(cassette.interactions, 1):
            try:
                url = urlsplit(interaction.uri)
                body = unpacked_if_known(interaction.response_body, interaction.response_headers)
            except ValueError as error:
                raise CassetteError(f"{path}: interaction {number}: {error}; {serializer.AGAIN}") from None
            except CassetteError as error:
                raise CassetteError(f"{path}: interaction {number}: {error}") from None
            version = _VERSION.match(url.path)
            whose = contract if not version or version[1] == contract.version else load(version[1])
            is_management = _HOST.fullmatch(url.hostname or "")
            matched = whose.match(interaction.method, url.path) if whose and is_management else None
            if whose is None or matched is None or body is None:
                found.passed_over += 1
                continue
            found.versions.add(whose.version)
            headers, status = dict(interaction.response_headers), interaction.status
            media = find_header(interaction.response_headers, "content-type") or ""
            found.aggregate.add(judge(whose, matched[0], status, media, body, headers))
            if is_adyens(origin):
                found.answered.add((matched[0].label, status))
    if not found.cassettes:
        raise FileRefused(f"{folder}: holds no cassettes ({', '.join(SUFFIXES)}); name a folder of recordings")
    return found
