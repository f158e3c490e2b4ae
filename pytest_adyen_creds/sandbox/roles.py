"""Roles: which there are, how their spellings compare, and who may give them to whom."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from pytest_adyen_creds.sandbox.outcomes import InvalidFields
from pytest_adyen_creds.sandbox.rules import RECORDED, SDKS, SPECIFICATION, Rule, implements
from pytest_adyen_creds.text import normalised

API_CREDENTIALS_ROLE: Final = "Management API - API credentials read and write"
"""The role that every operation on API credentials asks for, in the spelling that answers use."""

DEFAULT_ROLE: Final = "Checkout webservice role"
"""What a credential gets that is created without roles."""

_SUBJECTS: Final = ("Accounts", "Android files", "Stores", "Terminal actions", "Terminal settings", "Users", "Webhooks")

CATALOGUE: Final[tuple[str, ...]] = (
    API_CREDENTIALS_ROLE,
    *(f"Management API - {s} {level}" for s in _SUBJECTS for level in ("read", "read and write")),
    "Management API \N{EM DASH} Payment methods read",
    "Management API - Payment methods read and write",
    "Management API - Payout Account Settings Read",
    "Management API - Payout Account Settings Read And Write",
    "API Authorise Referred Payments",
    "API Clientside Encryption Payments role",
    "API PCI Payments role",
    "API Payment RefundWithData",
    "API Supply MPI data with Payments",
    "API surcharge cost estimation and regulatory information",
    "API to retrieve authentication data",
    "API tokenise payment details",
    "Allow SDK download for POS developers",
    "CSC Tokenization Webservice role",
    "Checkout encrypted cardholder data",
    DEFAULT_ROLE,
    "Cloud Device API role",
    "Data Protection API",
    "General API Payments role",
    "Manage LegalEntities via API",
    "Manage associated partner accounts via API",
    "Mastercard inControl service",
    "Merchant PAL Charity role",
    "Merchant PAL Donation role",
    "Merchant PAL Webservice role",
    "Merchant Payout role",
    "Merchant Recurring role",
    "Merchant Report Download role",
    "Merchant Rss feed role",
    "Merchant iDeal-API Webservice role",
    "PSP Pos initial configuration",
    "Store payout detail",
    "Store payout detail and submit payout - withdrawal",
    "ThreeDSecure WebService Role",
    "Trigger webhook notifications",
)
"""The roles that the provisioning credential holds unless told otherwise: see the rule ``roles.catalogue``."""

NAMES: Final = Rule.observed(
    "roles.catalogue",
    "ws@Company.<company> holds every role that was seen on a credential, each as it was spelled there.",
    f"{RECORDED}; {SDKS}; roles on Android files, terminals, and payment methods read and write are in the "
    f"{SPECIFICATION}",
)

GRANTABLE: Final = Rule.documented(
    "roles.grantable",
    "Only roles that ws@Company.<company> holds can be given to other credentials; others are refused with 422.",
    f"{SPECIFICATION}, property roles of the create and update messages",
)
AT_LEAST_ONE: Final = Rule.documented(
    "roles.at-least-one",
    "A credential has at least one role: an empty list is refused with 422.",
    "docs.adyen.com, API credentials for your balance platform, on managing permissions",
)
SPELLING: Final = Rule.observed(
    "roles.spelling",
    "Role names are the same whatever dashes and spaces they are written with, in capitals or not.",
    f"{RECORDED}, with several spellings in one list; {SDKS}; the specification's texts spell them otherwise",
)
ANSWERED_SPELLING: Final = Rule.assumed(
    "roles.answered-spelling",
    "Answers name a role once, in the spelling that ws@Company.<company> has it, whatever spelling the request used.",
    f"{RECORDED} spell each role in one way only, whoever holds it",
)
DEFAULTS: Final = Rule.assumed(
    "roles.defaults",
    f"A create call without roles gives the role '{DEFAULT_ROLE}', or the first one that can be given.",
    "roles is optional in the request and required in the answer, and a credential has at least one",
)


@implements(NAMES, SPELLING, ANSWERED_SPELLING, DEFAULTS)
def granted(requested: Sequence[str] | None, grantable: Iterable[str], invalid: InvalidFields) -> tuple[str, ...]:
    """Return the roles that a request for ``requested`` (``None``: no word about roles) gives, of ``grantable``."""
    spelled = {normalised(role): role for role in grantable}
    if requested is None:
        return (spelled.get(normalised(DEFAULT_ROLE)) or next(iter(spelled.values())),)
    if not requested:
        invalid.add(AT_LEAST_ONE, "roles", "[]", "At least one role is required.")
    roles = []
    for role in requested:
        known = spelled.get(normalised(role))
        if known is None:
            invalid.add(GRANTABLE, "roles", role, "This role cannot be assigned.")
        else:
            roles.append(known)
    return tuple(dict.fromkeys(roles))
