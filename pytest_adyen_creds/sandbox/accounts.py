"""Company and merchant accounts: which there are, and what a path may name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pytest_adyen_creds.sandbox.decisions import Complaints, Kind, Refused
from pytest_adyen_creds.sandbox.evidence import REPORTED, SDKS, SPECIFICATION, assumed, documented, follows, observed
from pytest_adyen_creds.sandbox.state import Credential, State, UserKind

FOREIGN_COMPANY: Final = observed(
    "companies.foreign",
    "A company account that is not the caller's own, or does not exist, is answered with 403.",
    f"{REPORTED}; {SDKS}: with errorCode 010, which platform answers have",
)
LIMITED_CALLER: Final = assumed(
    "companies.limited-caller",
    "A credential that is limited to merchant accounts gets 403 from company-level operations.",
    "follows from access being limited; not published in words",
)
FOREIGN_MERCHANT: Final = assumed(
    "merchants.foreign",
    "A merchant account that the caller has no access to, or that does not exist, is answered with 403.",
    f"{SPECIFICATION} has no 404; 403 means insufficient permissions, and tells nothing on what exists",
)
COMPANY_REACHES_ALL: Final = documented(
    "merchants.company-reaches-all",
    "Access to the company account means access to all its merchant accounts; none is then listed by name.",
    f"{SPECIFICATION}, property associatedMerchantAccounts",
)
WITHIN_COMPANY: Final = assumed(
    "merchants.within-company",
    "associatedMerchantAccounts can only name merchant accounts of the company; others are refused with 422.",
    f"{SPECIFICATION} says which accounts the property is about, not how a foreign one is refused",
)
COMPANY_SEES_ALL: Final = assumed(
    "companies.sees-merchant-credentials",
    "Company-level operations reach every credential of the company, those made at a merchant account included.",
    "the list is described as that of the company account",
)
MERCHANT_SEES_OWN: Final = assumed(
    "merchants.sees-own",
    "Merchant-level operations reach only the credentials made at that merchant account.",
    "a caller limited to one merchant account must not change a credential that reaches others",
)


@dataclass(frozen=True)
class Scope:
    """What an operation's path names: a company account (``merchant`` is ``None``) or one merchant account."""

    company: str
    merchant: str | None

    @property
    def path(self) -> tuple[str, str]:
        """The collection and the account's id, as they stand in a link."""
        return ("companies", self.company) if self.merchant is None else ("merchants", self.merchant)

    @follows(COMPANY_SEES_ALL, MERCHANT_SEES_OWN)
    def has(self, credential: Credential) -> bool:
        """Tell whether operations at this account reach ``credential``."""
        if credential.kind is not UserKind.COMPANY:
            return False
        return self.merchant is None or credential.home == self.merchant


def company_scope(state: State, caller: Credential, company: str) -> Scope:
    """Return the scope of a company-level call by ``caller``; raises :class:`Refused` where it may not make it."""
    if company != state.company:
        raise Refused(FOREIGN_COMPANY, Kind.FOREIGN_COMPANY, "The credential has no access to this company account.")
    if caller.merchants:
        raise Refused(LIMITED_CALLER, Kind.FORBIDDEN, "The credential has access to merchant accounts only.")
    return Scope(company, None)


@follows(COMPANY_REACHES_ALL)
def merchant_scope(state: State, caller: Credential, merchant: str) -> Scope:
    """Return the scope of a merchant-level call by ``caller``; raises :class:`Refused` where it may not make it."""
    if merchant not in state.merchants or (caller.merchants and merchant not in caller.merchants):
        raise Refused(FOREIGN_MERCHANT, Kind.FORBIDDEN, "The credential has no access to this merchant account.")
    return Scope(state.company, merchant)


def complain_about(state: State, merchants: list[str], complaints: Complaints) -> None:
    """Note which of ``merchants`` are not the company's."""
    for merchant in merchants:
        if merchant not in state.merchants:
            complaints.add(
                WITHIN_COMPANY, "associatedMerchantAccounts", merchant, "The company has no such merchant account."
            )
