"""Credentials in recordings: what a test was lent is kept beside its interactions, and lent again in replay."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from pytest_adyen_creds.cassettes.serializer import AGAIN
from pytest_adyen_creds.client import tag
from pytest_adyen_creds.credentials.credential import (
    Credential,
    HandmadeCredential,
    ShownCredential,
    from_body,
    to_body,
)
from pytest_adyen_creds.credentials.leases import LeaseClient
from pytest_adyen_creds.credentials.provisioning import Report, ignore
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.errors import CassetteError, CredentialError

C = TypeVar("C", Credential, HandmadeCredential)

LENT: Final = "credentials"
"""The context's list of what the test leased, in order."""

BY_HAND: Final = "made_by_hand"
"""The context's mapping of kind to credential, for those that no API creates."""

PROVISIONING: Final = "provisioning"
"""The context's mapping with the key (``apiKey``) of the provisioning client, where the test used it."""

_ACCOUNT: Final = {"company": "companyName", "merchant": "merchantAccount"}


def to_context(credential: ShownCredential) -> dict[str, Any]:
    """Return ``credential`` as a context holds it, in the API's own words; its secrets are still in it."""
    where = {"level": credential.level, _ACCOUNT[credential.level]: credential.account}
    body: dict[str, Any] = where | to_body(credential)
    return {name: value for name, value in body.items() if value not in (None, [], {})}


def from_context(kind: type[C], value: Any, path: Path) -> C:
    """Return the credential of class ``kind`` that :func:`to_context` wrote to the cassette at ``path``."""
    try:
        level = value["level"]
        return kind.of(from_body(level, value[_ACCOUNT[level]], value))
    except (KeyError, TypeError, CredentialError):
        raise CassetteError(f"{path}: holds a credential that is incomplete; {AGAIN}") from None


def names_in(context: Mapping[str, Any]) -> tuple[set[str], set[str]]:
    """Return the accounts of the credentials in ``context``, and what these sign in with: key, or ``user:password``."""
    entries, by_hand = context.get(LENT), context.get(BY_HAND)
    held: list[Any] = list(by_hand.values()) if isinstance(by_hand, dict) else []
    if isinstance(entries, list):
        held += [entry.get("credential") for entry in entries if isinstance(entry, dict)]
    bodies = [body for body in held if isinstance(body, dict)]
    accounts = {str(body[name]) for body in bodies for name in _ACCOUNT.values() if name in body}
    keys = {str(body["apiKey"]) for body in bodies if "apiKey" in body}
    passwords = {f"{body.get('username')}:{body['password']}" for body in bodies if "password" in body}
    return accounts, keys | passwords


@dataclass(frozen=True)
class LeaseNotes:
    """Notes each credential that a test is lent in the ``context`` of its recording."""

    context: dict[str, Any]

    def lend(self, credential: Credential, spec: Spec | None = None) -> Credential:
        """Note ``credential`` where the test has asked for one as ``spec`` says, and return it."""
        if spec is not None:
            entry = {"asked": _question(spec), "credential": to_context(credential)}
            self.context.setdefault(LENT, []).append(entry)
        return credential


class RecordedLeases:
    """Lends what a recorded test was lent: for each question, in the order of the recording. Thread-safe.

    ``miss`` is told what is wanting, and returns what to say.
    """

    def __init__(self, context: Mapping[str, Any], path: Path, miss: Callable[[str], str]) -> None:
        self._path = path
        self._miss = miss
        entries = context.get(LENT, [])
        self._entries = list(entries) if isinstance(entries, list) else []
        self._count = len(self._entries)
        self._lock = threading.Lock()

    def lease(self, spec: Spec, holder: str = "main", report: Report = ignore) -> Credential:
        """Return the next credential that the recording holds for ``spec``; raises :class:`CassetteError`."""
        question = _question(spec)
        with self._lock:
            for entry in self._entries:
                if isinstance(entry, dict) and entry.get("asked") == question:
                    self._entries.remove(entry)
                    return from_context(Credential, entry.get("credential"), self._path)
        further = "further " if self._count else ""
        words = ", ".join(f"{name}={value!r}" for name, value in question.items() if value not in ([], False, 0))
        raise CassetteError(
            self._miss(
                f"{self._path}: holds no {further}credential like the one that this test asks for ({words}); {AGAIN}"
            )
        )

    def give_back(self, credential_id: str, holder: str = "main", credential: Credential | None = None) -> None:
        """Take one back: nothing is to be done."""


class RecordedLeaseClient(LeaseClient):
    """Throwaways out of a recording: not on any server, so nothing tags them and nothing resets them."""

    def lease(self, spec: Spec, report: Report = ignore) -> Credential:
        """Return a recorded credential."""
        credential = self._lender.lease(spec)
        self.ownership.lease(credential.id, tag.make(self.run, self.backend.clock.now()), api_key=credential.api_key)
        return credential


def _question(spec: Spec) -> dict[str, Any]:
    # how many accounts, not which: in a recording they have other names
    return {**spec.to_json(), "merchants": len(spec.merchants)}
