"""What stands in the way of a live run, and how to mend it: the preflight of every run, and ``adyen-creds doctor``."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from pytest_adyen_creds import clock
from pytest_adyen_creds.client import ManagementClient, tag
from pytest_adyen_creds.client.errors import explained
from pytest_adyen_creds.client.parsing import parse, repeated_key
from pytest_adyen_creds.client.retry import http_date
from pytest_adyen_creds.client.tag import SKEW
from pytest_adyen_creds.contract.roles import holds
from pytest_adyen_creds.credentials import ledger
from pytest_adyen_creds.credentials.backend import LOOKS, Backend, open_backend
from pytest_adyen_creds.credentials.claims import ObservedState, is_free
from pytest_adyen_creds.credentials.credential import UserKind, parse_username, texts
from pytest_adyen_creds.credentials.recovery import Recovery
from pytest_adyen_creds.credentials.roles import API_CREDENTIALS, classify
from pytest_adyen_creds.errors import AdyenCredsError, ApiError, CredentialError
from pytest_adyen_creds.settings import Settings


def preflight(client: ManagementClient, company: str, merchant: str | None = None) -> tuple[str, tuple[str, ...]]:
    """Return the username and the roles of who signs in with the provisioning key, which the environment gave.

    ``company`` and ``merchant`` are the accounts the run was given. Raises :class:`CredentialError` that says what is
    wrong and how to mend it: no answer, a key that does not work, one of another kind of user, of another company, or
    without the role; a merchant account that it cannot read; a clock that is off. A live key is refused by the client
    itself.
    """
    given = "ADYEN_MANAGEMENT_API_KEY"
    given += "_FILE" if os.environ.get(f"{given}_FILE", "").strip() else ""
    with explained(f"no answer from {client.base_url}"):
        response = client.send("GET", "/me", retries=LOOKS)
    host = response.request.url.host
    if response.status_code == 401:
        raise CredentialError(
            f"{host} does not accept the key in {given} (401); check that it is the key of an active credential of the "
            "test environment, generated some minutes ago, and set it anew"
        )
    if response.status_code == 403:
        raise CredentialError(
            f"the credential of {given} may not ask who it is (403), so it has no role of the Management API; give it "
            f"'{API_CREDENTIALS}' in the Customer Area"
        )
    body = parse(response.content) if repeated_key(response.content) is None else None
    if response.status_code != 200 or not isinstance(body, dict) or not isinstance(body.get("username"), str):
        raise CredentialError(
            f"GET /me at {host} answered {response.status_code} without saying who signs in; check that "
            f"{client.base_url} is the Management API"
        )
    username = body["username"]
    user = parse_username(username)
    if user is not None and user.kind is not UserKind.COMPANY:
        raise CredentialError(
            f"the key in {given} is that of {username}, a {user.kind} user, which cannot make credentials; use the key "
            "of a company user (ws@Company...)"
        )
    named = body.get("companyName") if isinstance(body.get("companyName"), str) else user and user.account
    if named and named != company:
        raise CredentialError(
            f"the key in {given} is that of {username} of company {named}, but the run is about {company}; "
            f"set ADYEN_COMPANY_ACCOUNT to {named}, or use a key of {company}"
        )
    roles = texts(body.get("roles"))
    if not holds(roles, API_CREDENTIALS):
        raise CredentialError(
            f"{username} lacks the role '{API_CREDENTIALS}', which makes credentials; add it to {username} in the "
            "Customer Area"
        )
    now, theirs = clock.now(), http_date(response.headers.get("date", ""))
    if theirs is not None and abs(now - theirs) > SKEW:
        raise CredentialError(
            f"this machine's clock is {abs(now - theirs).total_seconds() / 60:.0f} minutes away from that of {host}, "
            "and by the clock it is decided which throwaways are over; set the clock"
        )
    if merchant is not None:
        check_merchant(client, merchant, company)
    return username, roles


def check_merchant(client: ManagementClient, merchant: str, company: str) -> None:
    """Raise :class:`CredentialError` where the run cannot use ``merchant``; one read."""
    try:
        client.merchant(merchant).list(page_size=1)
    except ApiError as error:
        if error.status is None or error.status == 429 or error.status >= 500:
            raise CredentialError(f"merchant account {merchant} cannot be read: {error}") from error
        raise CredentialError(
            f"merchant account {merchant} cannot be read ({error.status}); "
            f"set ADYEN_MERCHANT_ACCOUNT to a merchant account of {company}"
        ) from error


@dataclass(frozen=True)
class Diagnosis:
    """One thing that was looked at, and what is to be known about it."""

    subject: str
    state: Literal["ok", "wrong", "unknown"]
    text: str


def examine(settings: Settings, folder: Path) -> Iterator[Diagnosis]:
    """Yield what is found, in the order in which a live run would meet it; ``folder`` is that of the ledgers.

    Nothing is changed: only GET requests are sent.
    """
    yield Diagnosis("endpoint", "ok", f"{settings.base_url} is a server that may be called")
    try:
        ledger.check_writable(folder)
        yield Diagnosis("ledger", "ok", f"{folder} can be written")
    except AdyenCredsError as error:
        yield Diagnosis("ledger", "wrong", str(error))
    note = ledger.last_problem(folder)
    if note is not None:
        kind, text, when = note
        yield Diagnosis("last run", "unknown", f"a run at {when} got no throwaway ({kind}): {text}")
    try:
        backend = open_backend(settings)
    except AdyenCredsError as error:
        yield Diagnosis("key and account", "wrong", str(error))
        return
    with backend.recovery_client() as client:
        yield from _account(settings, backend, client, folder)


def _account(settings: Settings, backend: Backend, client: ManagementClient, folder: Path) -> Iterator[Diagnosis]:
    try:
        username, roles = preflight(client, backend.company)
    except AdyenCredsError as error:
        yield Diagnosis("key", "wrong", str(error))
        return
    yield Diagnosis(
        "key", "ok", f"signs in as {username} of {backend.company}, with {len(roles)} roles to give ({classify(roles)})"
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
            check_merchant(client, backend.merchant, backend.company)
            yield Diagnosis("merchant", "ok", f"{backend.merchant} can be read")
        except CredentialError as error:
            named = replace(backend, merchant=None)
            yield Diagnosis("merchant", "wrong", str(error))
    yield from _throwaways(settings, Recovery.of(client, named), folder)


def _throwaways(settings: Settings, recovery: Recovery, folder: Path) -> Iterator[Diagnosis]:
    try:
        left = recovery.run(folder, dry_run=True)
        bodies = list(recovery.resources[0].iterate())
    except AdyenCredsError as error:
        yield Diagnosis("company", "wrong", str(error))
        return
    ours = [ObservedState.of(body) for body in bodies]
    tagged = sum(tag.parse(state.description) is not None for state in ours)
    free = sum(is_free(state, recovery.client.clock.now()) for state in ours)
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
