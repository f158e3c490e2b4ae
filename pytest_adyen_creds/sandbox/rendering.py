"""Credentials and origins as the documents that answers show. Secrets stay secrets until they are written out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from pytest_adyen_creds.sandbox.caller import Scope
from pytest_adyen_creds.sandbox.credentials import ASSOCIATED_SHOWN, OMITTED, WITHOUT_CLIENT_KEY
from pytest_adyen_creds.sandbox.keys import SHOWN_ONCE
from pytest_adyen_creds.sandbox.rules import RECORDED, REPORTED, SDKS, Rule, implements
from pytest_adyen_creds.sandbox.state import Credential, Origin

LINKS_NAME_CALLED: Final = Rule.observed(
    "links.name-what-was-called",
    "Links name the scheme, host and version that the caller used, whatever X-Forwarded headers say.",
    f"{RECORDED}; {REPORTED}: the version called; that X-Forwarded headers are not looked at is assumed",
)
ME_LINKS: Final = Rule.observed(
    "links.me", "GET /me links itself and its allowed origins, and nothing else.", f"{RECORDED}; {SDKS}"
)
COMPANY_NAME: Final = Rule.observed(
    "caller.company-name", "GET /me names the company as companyName.", f"{RECORDED}; {SDKS}"
)
ME_MERCHANTS: Final = Rule.observed(
    "caller.associated-merchants",
    "In platform answers GET /me has associatedMerchantAccounts, empty for access to the whole company.",
    f"{RECORDED}: a list in each GET /me; that it is empty for the whole company, as at company level, is assumed",
)


@lru_cache(maxsize=1024)  # the same few come again in every answer
def _encoded(segment: str) -> str:
    return quote(segment, safe="")


@implements(LINKS_NAME_CALLED)
@dataclass(frozen=True)
class Address:
    """Where links start: ``base`` is scheme, host and version, without a slash at the end."""

    base: str

    def of(self, *segments: str) -> str:
        """Return the address of a path; each segment is percent-encoded."""
        return "/".join((self.base, *map(_encoded, segments)))

    def credentials(self, scope: Scope, *rest: str) -> str:
        """Return the address of an account's credentials, or of what ``rest`` names below them."""
        return self.of(*scope.path, "apiCredentials", *rest)


@implements(ASSOCIATED_SHOWN)
def show_credential(credential: Credential, scope: Scope, address: Address) -> dict[str, Any]:
    """Return ``credential`` as the operations at ``scope`` show it: no API key, no password."""
    account = {"company" if scope.merchant is None else "merchant": {"href": address.of(*scope.path)}}
    below = {
        name: {"href": address.credentials(scope, credential.id, name)}
        for name in ("allowedOrigins", "generateApiKey", "generateClientKey")
    }
    links = {"self": {"href": address.credentials(scope, credential.id)}, **below, **account}
    document = _common(credential, address.credentials(scope, credential.id), links)
    if scope.merchant is None:
        document["associatedMerchantAccounts"] = list(credential.merchants)
    return document


@implements(SHOWN_ONCE)
def show_created(credential: Credential, scope: Scope, address: Address) -> dict[str, Any]:
    """Return a new credential as its create call shows it: with API key and password."""
    return {
        **show_credential(credential, scope, address),
        "apiKey": credential.api_keys[-1].secret,
        "password": credential.password,
    }


@implements(ME_LINKS, COMPANY_NAME, ME_MERCHANTS)
def show_me(credential: Credential, company: str, address: Address, *, names_merchants: bool) -> dict[str, Any]:
    """Return the caller's own credential as ``GET /me`` shows it; ``names_merchants``: with its merchant accounts."""
    links = {"self": {"href": address.of("me")}, "allowedOrigins": {"href": address.of("me", "allowedOrigins")}}
    merchants = {"associatedMerchantAccounts": list(credential.merchants)} if names_merchants else {}
    return {**_common(credential, address.of("me"), links), **merchants, "companyName": company}


def show_origin(origin: Origin, parent: str) -> dict[str, Any]:
    """Return one allowed origin; ``parent`` is the address of the credential it belongs to."""
    href = f"{parent}/allowedOrigins/{quote(origin.id, safe='')}"
    return {"id": origin.id, "domain": origin.domain, "_links": {"self": {"href": href}}}


@implements(OMITTED, WITHOUT_CLIENT_KEY)
def _common(credential: Credential, parent: str, links: Mapping[str, Any]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "_links": dict(links),
        "id": credential.id,
        "username": credential.username,
        "allowedIpAddresses": list(credential.allowed_ips),
        "roles": list(credential.roles),
        "active": credential.active,
    }
    if credential.client_keys:
        document["clientKey"] = credential.client_keys[-1].secret
    if credential.description:
        document["description"] = credential.description
    if credential.subject_dn:
        document["subjectDN"] = credential.subject_dn
    if credential.origins:
        document["allowedOrigins"] = [show_origin(origin, parent) for origin in credential.origins]
    return document
