"""The doctor: what stands in the way of a live run, and how to mend it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pytest_adyen_creds.client import ManagementClient, Ownership, tag
from pytest_adyen_creds.credentials import ledger
from pytest_adyen_creds.credentials.backend import open_backend
from pytest_adyen_creds.credentials.claiming import Register, is_free
from pytest_adyen_creds.credentials.preflight import check_merchant, preflight
from pytest_adyen_creds.credentials.recovery import Recovery
from pytest_adyen_creds.credentials.roles import classify
from pytest_adyen_creds.errors import AdyenCredsError, CredentialError

if TYPE_CHECKING:
    from pytest_adyen_creds.credentials.backend import Backend
    from pytest_adyen_creds.settings import Settings


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at, and what is to be said about it."""

    subject: str
    state: Literal["ok", "wrong", "unknown"]
    text: str


def examine(settings: Settings, folder: Path) -> Iterator[Diagnosis]:
    """Yield what is found, in the order in which a live run would meet it; ``folder`` is that of the ledgers.

    Nothing is changed: only GET requests are sent.
    """
    yield Diagnosis("endpoint", "ok", f"{settings.base_url} is a server that may be called")
    yield _written(folder)
    note = ledger.last_problem(folder)
    if note is not None:
        kind, text, when = note
        yield Diagnosis("last run", "unknown", f"a run at {when} got no throwaway ({kind}): {text}")
    try:
        backend = open_backend(settings)
    except AdyenCredsError as error:
        yield Diagnosis("key and account", "wrong", str(error))
        return
    with backend.management(Ownership(0, provisioning=[backend.key])) as client:
        yield from _account(settings, backend, client, folder)


def _written(folder: Path) -> Diagnosis:
    try:
        ledger.check_writable(folder)
    except AdyenCredsError as error:
        return Diagnosis("ledger", "wrong", str(error))
    return Diagnosis("ledger", "ok", f"{folder} can be written")


def _account(settings: Settings, backend: Backend, client: ManagementClient, folder: Path) -> Iterator[Diagnosis]:
    try:
        who = preflight(client, backend.company)
    except AdyenCredsError as error:
        yield Diagnosis("key", "wrong", str(error))
        return
    kind = classify(who.roles)
    yield Diagnosis(
        "key", "ok", f"signs in as {who.username} of {who.company}, with {len(who.roles)} roles to give ({kind})"
    )
    named = backend
    if backend.merchant is None:
        yield Diagnosis(
            "merchant",
            "unknown",
            "no merchant account is named, so no merchant-level credential can be made; "
            "set ADYEN_MERCHANT_ACCOUNT if you need one",
        )
    else:
        try:
            check_merchant(client, backend.merchant, who.company)
            yield Diagnosis("merchant", "ok", f"{backend.merchant} can be read")
        except CredentialError as error:
            named = replace(backend, merchant=None)
            yield Diagnosis("merchant", "wrong", str(error))
    yield from _throwaways(settings, Recovery.of(client, named), folder)


def _throwaways(settings: Settings, recovery: Recovery, folder: Path) -> Iterator[Diagnosis]:
    company = recovery.resources[0].account
    try:
        left = recovery.run(folder, company, dry_run=True)
        bodies = list(recovery.resources[0].iterate())
    except AdyenCredsError as error:
        yield Diagnosis("company", "wrong", str(error))
        return
    ours = [Register.of(body) for body in bodies]
    tagged = sum(tag.parse(register.description) is not None for register in ours)
    free = sum(is_free(register, recovery.clock.now()) for register in ours)
    yield Diagnosis("company", "ok", f"{len(bodies)} credentials, {tagged} of them throwaways, {free} to recycle")
    if settings.max_created == 0 and not free:
        yield Diagnosis(
            "budget", "wrong", "no credential may be created and none can be recycled; raise --adyen-max-created"
        )
    else:
        yield Diagnosis("budget", "ok", f"a run may create {settings.max_created}, and recycle {free}")
    if left:
        yield Diagnosis(
            "left behind", "wrong", f"{len(left)} throwaways are active without a run; run adyen-creds sweep"
        )
