"""The preflight: one ``GET /me`` that says whether a live run can work, before it does anything."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

import httpx

from pytest_adyen_creds import clock
from pytest_adyen_creds.client import ManagementClient, Retries
from pytest_adyen_creds.client.parsing import parse
from pytest_adyen_creds.client.tag import SKEW
from pytest_adyen_creds.credentials.credential import texts
from pytest_adyen_creds.credentials.roles import API_CREDENTIALS, holds
from pytest_adyen_creds.credentials.username import UserKind, parse_username
from pytest_adyen_creds.errors import ApiError, CredentialError

_RETRIES: Final = Retries(tries=3, total_wait=10.0)


@dataclass(frozen=True)
class Preflight:
    """Who signs in, and what it may give to others."""

    username: str
    company: str
    roles: tuple[str, ...]


def preflight(
    client: ManagementClient,
    company: str,
    merchant: str | None = None,
    *,
    now: datetime | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Preflight:
    """Return who signs in with the provisioning key, which one of the variables in ``environ`` gave.

    ``company`` and ``merchant`` are the accounts the run was given, ``now`` this machine's time. Raises
    :class:`CredentialError` that says what is wrong and how to mend it: no answer, a key that does not work, one of
    another kind of user, of another company, or without the role; a merchant account that it cannot read; a clock that
    is off. A live key is refused by the client itself.
    """
    given = _variable(environ)
    try:
        response = client.send("GET", "/me", retries=_RETRIES)
    except ApiError as error:
        raise CredentialError(f"no answer from {client.base_url}: {error}") from error
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
    body = parse(response.content)
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
    _check_clock(response, now or clock.now())
    if merchant is not None:
        check_merchant(client, merchant, company)
    return Preflight(username, company, roles)


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


def _variable(environ: Mapping[str, str]) -> str:
    name = "ADYEN_MANAGEMENT_API_KEY"
    return f"{name}_FILE" if environ.get(f"{name}_FILE", "").strip() else name


def _check_clock(response: httpx.Response, now: datetime) -> None:
    try:
        theirs = parsedate_to_datetime(response.headers.get("date", ""))
    except (ValueError, TypeError):
        return
    theirs = theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC)
    if abs(now - theirs) > SKEW:
        raise CredentialError(
            f"this machine's clock is {abs(now - theirs).total_seconds() / 60:.0f} minutes away from that of "
            f"{response.request.url.host}, and by the clock it is decided which throwaways are over; set the clock"
        )
