"""Preprovisioned credentials: balance-platform and LEM users, which no API creates and a person made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pytest_adyen_creds.credentials.credential import HOSTS, HandmadeCredential, UserKind, require_kind
from pytest_adyen_creds.endpoints import check_endpoint, is_loopback
from pytest_adyen_creds.errors import CredentialError, EndpointRefused, SettingsError
from pytest_adyen_creds.secrets import Secret
from pytest_adyen_creds.settings import LIVE_PREFIX, read_key

if TYPE_CHECKING:
    from pytest_adyen_creds.sandbox import Sandbox

PREFIXES: Final = {UserKind.BALANCE_PLATFORM: "ADYEN_BALANCE_PLATFORM", UserKind.LEM: "ADYEN_LEM"}
"""How the environment variables of each kind start: ``_USERNAME``, ``_API_KEY`` or ``_API_KEY_FILE``, ``_BASE_URL``."""


class NotProvided(CredentialError):
    """The environment names no credential of this kind."""


def from_environment(kind: UserKind, environ: Mapping[str, str]) -> HandmadeCredential:
    """Return the credential of ``kind`` that the environment names; its link ``self`` is the URL that it is for.

    Raises :class:`NotProvided` where there is none, :class:`CredentialError` for a username of another kind, a live or
    malformed key, or a URL of another API, and :class:`EndpointRefused` for a URL that is not of the test platform.
    """
    prefix = PREFIXES[kind]
    name = environ.get(f"{prefix}_USERNAME", "").strip()
    try:
        key, source = read_key(environ, f"{prefix}_API_KEY")
    except SettingsError as error:
        raise CredentialError(str(error)) from None
    if not name and not key:
        raise NotProvided(
            f"no {kind} credential is given, and no API creates one: make it by hand in the Customer Area, and set "
            f"{prefix}_USERNAME and {prefix}_API_KEY (or {prefix}_API_KEY_FILE)"
        )
    if not name or not key:
        missing = f"{prefix}_API_KEY" if name else f"{prefix}_USERNAME"
        raise CredentialError(f"a {kind} credential needs a username and a key; set {missing} too")
    username = require_kind(name, kind, f"environment {prefix}_USERNAME")
    if key.startswith(LIVE_PREFIX) or not re.fullmatch(r"[!-~]+", key):
        raise CredentialError(f"{source} does not hold an API key of the test environment; set one")
    url = _url(kind, environ.get(f"{prefix}_BASE_URL", "").strip(), f"environment {prefix}_BASE_URL")
    links = {"self": url}
    return HandmadeCredential("company", username.account, "", username.text, links=links, api_key=Secret(key))


def from_sandbox(kind: UserKind, sandbox: Sandbox) -> HandmadeCredential:
    """Return a credential of ``kind`` made by hand in the embedded sandbox's customer area."""
    area = sandbox.customer_area
    made = area.create_balance_platform_user() if kind is UserKind.BALANCE_PLATFORM else area.create_legal_entity_user()
    username = require_kind(made.username, kind, "the sandbox")
    return HandmadeCredential(
        "company",
        username.account,
        made.id,
        made.username,
        roles=area.credential(made.id).roles,
        links={"self": f"https://{HOSTS[kind]}"},
        api_key=made.api_key,
        password=made.password,
        client_key=made.client_key,
    )


def _url(kind: UserKind, url: str, source: str) -> str:
    if not url:
        return f"https://{HOSTS[kind]}"
    try:
        check_endpoint(url)
    except EndpointRefused as error:
        raise EndpointRefused(f"{source}: {error}") from None
    if not is_loopback(url) and urlsplit(url).hostname != HOSTS[kind]:
        raise CredentialError(
            f"{source} names {urlsplit(url).hostname}, where a {kind} user cannot sign in; use https://{HOSTS[kind]}"
        )
    return url
