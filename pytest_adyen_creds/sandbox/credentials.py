"""Credentials: created, found, listed, updated, switched on and off; never deleted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from pytest_adyen_creds.sandbox import origins, roles
from pytest_adyen_creds.sandbox.answers import AnswerStyle
from pytest_adyen_creds.sandbox.caller import Scope
from pytest_adyen_creds.sandbox.keys import KeyService
from pytest_adyen_creds.sandbox.outcomes import InvalidFields, Kind, Refused
from pytest_adyen_creds.sandbox.rules import RECORDED, REPORTED, SDKS, SPECIFICATION, Rule, implements
from pytest_adyen_creds.sandbox.state import Credential, State

LONGEST_DESCRIPTION: Final = 50
"""The longest description, in characters."""

CREATED: Final = Rule.documented(
    "credentials.created",
    "Creating a credential answers all of it, with its API key, client key, username and password.",
    f"{SPECIFICATION}, POST …/apiCredentials",
)
CREATED_ACTIVE: Final = Rule.assumed(
    "credentials.created-active",
    "A new credential is active.",
    "the specification's examples of new credentials are",
)
SHOWN: Final = Rule.documented(
    "credentials.shown",
    "A credential is shown by its id, without its API key and password.",
    f"{SPECIFICATION}, GET …/apiCredentials/{{apiCredentialId}}",
)
LISTED: Final = Rule.documented(
    "credentials.listed",
    "Credentials are listed in pages, with the totals of items and pages.",
    f"{SPECIFICATION}, GET …/apiCredentials",
)
LIST_ORDER: Final = Rule.assumed(
    "credentials.list-order",
    "Lists are in the order of creation, inactive credentials included.",
    "no order is published; this one keeps earlier pages as they are while credentials are added",
)
NOTHING_LISTED: Final = Rule.assumed(
    "credentials.merchant-list-empty",
    "The list of a merchant account without credentials of its own is answered with 204.",
    f"{SPECIFICATION} lists 204 for merchant-level operations and does not say when",
)
UNKNOWN: Final = Rule.assumed(
    "credentials.unknown",
    "An unknown credential id, or one of another account, is answered with 422.",
    f"{SPECIFICATION} has no 404 for these operations",
)
UPDATED: Final = Rule.documented(
    "credentials.updated",
    "An update changes the properties it has, lists as a whole, and answers the full updated credential.",
    f"{SPECIFICATION}, PATCH …/apiCredentials/{{apiCredentialId}}",
)
EMPTY_UPDATE: Final = Rule.assumed(
    "credentials.empty-update",
    "An update without any property changes nothing and is answered like another.",
    f"{SPECIFICATION} requires no property of the update messages",
)
ACTIVE: Final = Rule.documented(
    "credentials.active",
    "A credential cannot be deleted; active false switches it off, active true on again.",
    f"{SPECIFICATION}, property active of the update messages; docs.adyen.com, on deactivating a credential",
)
DESCRIPTION: Final = Rule.documented(
    "credentials.description",
    "A description has 50 characters at most; a longer one is refused with 422.",
    f"{SPECIFICATION}, maxLength in the answers; that the request is refused, not cut, is assumed",
)
SUBJECT_DN: Final = Rule.documented(
    "credentials.subject-dn",
    "subjectDN can be set by an update and is shown from then on.",
    f"{SPECIFICATION} since 2026-05-01, in the update messages and the answers; any text is taken",
)
OMITTED: Final = Rule.observed(
    "credentials.omitted",
    "description, subjectDN and allowedOrigins are left out of answers where there is nothing in them.",
    f"{SDKS}, a GET /me with none of the three; {RECORDED}, with and without",
)
ASSOCIATED_SHOWN: Final = Rule.documented(
    "credentials.associated-merchants-shown",
    "Company-level answers have associatedMerchantAccounts, empty for access to the whole company.",
    f"{SPECIFICATION}, CreateCompanyApiCredentialResponse and the examples",
)
MERCHANT_HOME: Final = Rule.assumed(
    "credentials.merchant-home",
    "A credential made at a merchant account is limited to it; changing that is refused with 422.",
    f"{SPECIFICATION} has no associatedMerchantAccounts in the merchant-level messages",
)
WITHIN_COMPANY: Final = Rule.assumed(
    "merchants.within-company",
    "associatedMerchantAccounts can only name merchant accounts of the company; others are refused with 422.",
    f"{SPECIFICATION} says which accounts the property is about, not how a foreign one is refused",
)
PROVISIONING_KEPT: Final = Rule.assumed(
    "credentials.provisioning-kept",
    "Roles, merchant accounts and active of ws@Company.<company> cannot be changed through the API: 403.",
    "not published; whoever changed them would lock themselves out of the sandbox",
)
USERNAME: Final = Rule.documented(
    "credentials.username",
    "Usernames are ws_<digits>@Company.<company>, at both levels.",
    "docs.adyen.com, API credentials for your balance platform, on what a credential consists of",
)
WITHOUT_CLIENT_KEY: Final = Rule.observed(
    "credentials.without-client-key",
    "A credential may have no client key, and is shown without clientKey then; here, a company user made by hand.",
    f"{REPORTED}; {SDKS}: one GET /me, and 4 of 10 items of a list",
)


@dataclass(frozen=True)
class CredentialRepository:
    """Creates and changes credentials in ``state``, for answers in ``style``. Callers hold the state's lock."""

    state: State
    key_service: KeyService
    provisioning_id: str
    style: AnswerStyle

    @implements(CREATED_ACTIVE, USERNAME)
    def create(self, scope: Scope, body: Mapping[str, Any], now: datetime) -> Credential:
        """Store and return a new credential at ``scope``; raises :class:`Refused` with each invalid field named."""
        home, ids = scope.merchant, self.key_service.ids
        wanted = {"merchants": (home,) if home else (), **self._changes({"roles": None, **body}, None)}
        new = self.key_service.new_credential(f"ws_{ids.user_number()}@Company.{self.state.company}", now)
        credential = replace(new, home=home, **wanted)
        return self.state.put(self._with_origins(credential, body), now)

    def find(self, scope: Scope, id: str) -> Credential:
        """Return the credential with ``id`` at ``scope``; raises :class:`Refused` for an unknown one."""
        credential = self.state.get(id)
        if credential is None or not scope.has(credential):
            raise Refused(UNKNOWN, Kind.UNKNOWN_CREDENTIAL, "The account has no API credential with this id.")
        return credential

    @implements(LIST_ORDER)
    def all(self, scope: Scope) -> list[Credential]:
        """Return every credential at ``scope``, in the order of creation."""
        return [credential for credential in self.state if scope.has(credential)]

    @implements(SUBJECT_DN)
    def update(self, credential: Credential, body: Mapping[str, Any], now: datetime) -> Credential:
        """Store and return ``credential`` changed as ``body`` says; raises :class:`Refused` for what it may not say."""
        touched = body.keys() & {"roles", "active", "associatedMerchantAccounts"}
        if credential.id == self.provisioning_id and touched:
            raise Refused(PROVISIONING_KEPT, Kind.FORBIDDEN, "This credential's access cannot be changed.")
        changed = replace(credential, **self._changes(body, credential.home))
        return self.state.put(self._with_origins(changed, body), now)

    def _changes(self, body: Mapping[str, Any], home: str | None) -> dict[str, Any]:
        """Return what ``body`` has, allowed origins aside, as a :class:`Credential` has it.

        Raises :class:`Refused` with each invalid field named, those among the origins included.
        """
        invalid = InvalidFields()
        changes: dict[str, Any] = {}
        if "roles" in body:
            changes["roles"] = roles.granted(body["roles"], self._grantable(), invalid)
        if "description" in body:
            changes["description"] = body["description"] or None
            if len(body["description"]) > LONGEST_DESCRIPTION:
                message = f"A description has at most {LONGEST_DESCRIPTION} characters."
                invalid.add(DESCRIPTION, "description", body["description"], message)
        if "active" in body:
            changes["active"] = body["active"]
        if "subjectDN" in body:
            changes["subject_dn"] = body["subjectDN"] or None
        origins.check_origins(body.get("allowedOrigins", ()), "allowedOrigins", invalid)
        name = "associatedMerchantAccounts"
        if name in body:
            changes["merchants"] = tuple(dict.fromkeys(body[name]))
            for merchant in body[name]:
                if merchant not in self.state.merchants:
                    invalid.add(WITHIN_COMPANY, name, merchant, "The company has no such merchant account.")
            if home and set(body[name]) != {home}:
                message = "A merchant-level credential stays with its merchant account."
                invalid.add(MERCHANT_HOME, name, ",".join(body[name]), message)
        invalid.raise_any()
        return changes

    def _with_origins(self, credential: Credential, body: Mapping[str, Any]) -> Credential:
        if "allowedOrigins" not in body:
            return credential
        listed = origins.replaced(credential.origins, body["allowedOrigins"], self.key_service.ids)
        return replace(credential, origins=listed)

    def _grantable(self) -> tuple[str, ...]:
        provisioning = self.state.get(self.provisioning_id)
        return provisioning.roles if provisioning else ()
