"""Bodies: what the typed operations take and give; secrets in answers are :class:`Secret` objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

from pytest_adyen_creds.client.parsing import SECRET_PROPERTIES
from pytest_adyen_creds.secrets import Secret


class OriginBody(TypedDict, total=False):
    """An allowed origin."""

    id: str
    domain: str
    _links: dict[str, Any]


class CredentialBody(TypedDict, total=False):
    """A credential as the API answers it; ``apiKey`` and ``password`` only when it was just created."""

    id: str
    username: str
    description: str
    active: bool
    roles: list[str]
    allowedIpAddresses: list[str]
    allowedOrigins: list[OriginBody]
    associatedMerchantAccounts: list[str]
    companyName: str
    subjectDN: str
    clientKey: Secret
    apiKey: Secret
    password: Secret
    _links: dict[str, Any]


class NewCredential(TypedDict, total=False):
    """The body of a creation; ``associatedMerchantAccounts`` at company level only."""

    description: str
    roles: list[str]
    allowedOrigins: list[str]
    associatedMerchantAccounts: list[str]


class CredentialChanges(NewCredential, total=False):
    """The body of an update: what is left out stays as it is."""

    active: bool
    subjectDN: str


@dataclass(frozen=True)
class Page:
    """One page of credentials; ``next_page``: the number of the page that follows, or None; ``size`` is in bytes."""

    items: tuple[CredentialBody, ...]
    next_page: int | None
    size: int


def with_secrets(value: Any) -> Any:
    """Return a copy of a JSON value in which every secret property holds a :class:`Secret`."""
    if isinstance(value, dict):
        return {
            key: Secret(item) if key in SECRET_PROPERTIES and isinstance(item, str) else with_secrets(item)
            for key, item in value.items()
        }
    return [with_secrets(item) for item in value] if isinstance(value, list) else value
