"""The caller: who makes a request, whether they may, at which account, and how often."""

from __future__ import annotations

import ipaddress
import threading
from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from pytest_adyen_creds.contract import Operation
from pytest_adyen_creds.contract.roles import Demand
from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import roles
from pytest_adyen_creds.sandbox.keys import PROPAGATION
from pytest_adyen_creds.sandbox.outcomes import Kind, Refused
from pytest_adyen_creds.sandbox.rules import RECORDED, REPORTED, SDKS, SPECIFICATION, Rule, implements
from pytest_adyen_creds.sandbox.state import Credential, State, UserKind
from pytest_adyen_creds.secrets import MASK

REQUIRED: Final = Rule.documented(
    "caller.authentication",
    "Every operation asks for an API key in X-API-Key, or for a username and password by HTTP Basic; else 401.",
    f"{SPECIFICATION}, security of every operation and response 401",
)
BOTH_HOLD: Final = Rule.assumed(
    "caller.both-hold",
    "Where a request has an API key and an Authorization header, both must hold and be of one credential; else 401.",
    "not published: the specification asks for either, and Adyen's own SDK never sends both",
)
UNKNOWN_KEY: Final = Rule.documented(
    "caller.unknown-key",
    "An unknown or expired API key, or a wrong username or password, is answered with 401.",
    f"{SPECIFICATION}, response 401: authentication required",
)
MASKED_KEY: Final = Rule.assumed(
    "caller.masked-key",
    f"Where the API key holds {MASK}, the 401's detail says how to send the key itself.",
    "the sandbox's own help for those who sent str() of a Secret; Adyen knows of no Secret",
)
INACTIVE: Final = Rule.documented(
    "caller.inactive",
    "None of the keys of a credential that is not active works, nor does its password.",
    "docs.adyen.com, API credentials for your balance platform, on deactivation; that the status is 401 is assumed",
)
ALLOWED_ADDRESSES: Final = Rule.documented(
    "caller.allowed-addresses",
    "A non-empty list of allowed IP addresses refuses requests from others; an empty one allows all.",
    f"{SPECIFICATION}, property allowedIpAddresses; that the security error is a 403 is assumed",
)
USER_KINDS: Final = Rule.documented(
    "caller.user-kinds",
    "Only company users may call the Management API; balance-platform and legal-entity users get 403.",
    "docs.adyen.com, API credentials for your balance platform, table of user types; the status is assumed",
)
CREDENTIALS_ROLE: Final = Rule.documented(
    "caller.credentials-role",
    f"Operations on API credentials ask the caller for the role '{roles.API_CREDENTIALS_ROLE}'; else 403.",
    f"{SPECIFICATION}, text of every company-level and merchant-level operation and of POST /me/generateClientKey",
)
ANY_ROLE: Final = Rule.documented(
    "caller.any-management-role",
    "GET /me and the operations on its allowed origins ask for any Management API role; else 403.",
    f"{SPECIFICATION}, text of these operations; {REPORTED} and {RECORDED} have such a 403 of GET /me",
)
FOREIGN_COMPANY: Final = Rule.observed(
    "companies.foreign",
    "A company account that is not the caller's own, or does not exist, is answered with 403.",
    f"{REPORTED}; {SDKS}: with errorCode 010, which platform answers have",
)
LIMITED_CALLER: Final = Rule.assumed(
    "companies.limited-caller",
    "A credential that is limited to merchant accounts gets 403 from company-level operations.",
    "follows from access being limited; not published in words",
)
FOREIGN_MERCHANT: Final = Rule.assumed(
    "merchants.foreign",
    "A merchant account that the caller has no access to, or that does not exist, is answered with 403.",
    f"{SPECIFICATION} has no 404; 403 means insufficient permissions, and tells nothing on what exists",
)
COMPANY_REACHES_ALL: Final = Rule.documented(
    "merchants.company-reaches-all",
    "Access to the company account means access to all its merchant accounts; none is then listed by name.",
    f"{SPECIFICATION}, property associatedMerchantAccounts",
)
COMPANY_SEES_ALL: Final = Rule.assumed(
    "companies.sees-merchant-credentials",
    "Company-level operations reach every credential of the company, those made at a merchant account included.",
    "the list is described as that of the company account",
)
MERCHANT_SEES_OWN: Final = Rule.assumed(
    "merchants.sees-own",
    "Merchant-level operations reach only the credentials made at that merchant account.",
    "a caller limited to one merchant account must not change a credential that reaches others",
)
RATE: Final = Rule.assumed(
    "limits.rate",
    "With a rate limit set, a credential's requests over it are answered with 429 and Retry-After in seconds.",
    "429 is not in the specification of these operations; Adyen answers it for others, live terminals for example",
)

REACHES: Final = {
    UserKind.COMPANY: ("Management API",),
    UserKind.BALANCE_PLATFORM: ("Configuration API", "Transfers API", "Session authentication API"),
    UserKind.LEGAL_ENTITY: ("Legal Entity Management API",),
}
"""The APIs that each kind of user authenticates requests to, of those that Adyen's page on user types names."""

_WINDOW: Final = timedelta(minutes=1)


def identify(
    state: State, api_key: str | None, login: tuple[str, str] | None, address: str | None, now: datetime
) -> Credential:
    """Return the credential that makes a request; raises :class:`Refused` for none, or one that does not work.

    ``api_key``, and ``login`` (username and password), are what the request presents; ``address`` is where it is from.
    """
    if api_key is None and login is None:
        raise _unauthenticated(REQUIRED, "The request has neither an API key nor a username and password.")
    found = []
    if api_key is not None:
        found.append(_by_key(state, api_key, now))
    if login is not None:
        found.append(_by_password(state, *login))
    credential = found[0]
    if found[-1].id != credential.id:
        raise _unauthenticated(BOTH_HOLD, "The API key and the username belong to different credentials.")
    if not credential.active:
        raise _unauthenticated(INACTIVE, "The credential is not active.")
    if credential.allowed_ips and not _is_allowed(address, credential.allowed_ips):
        raise Refused(ALLOWED_ADDRESSES, Kind.FORBIDDEN, "Requests from this IP address are not allowed.")
    return credential


def refusal_of(caller: Credential, operation: Operation) -> Refused | None:
    """Return the refusal of ``operation`` to ``caller``; None where its kind and its roles allow it.

    At an account, that is, which it reaches: see :func:`scope_of`.
    """
    if caller.kind is not UserKind.COMPANY:
        return Refused(USER_KINDS, Kind.FORBIDDEN, "Users of this kind cannot call the Management API.")
    lacks = Demand.of(operation.roles).missing(caller.roles)
    if not lacks:
        return None
    if "any" in operation.roles:
        return Refused(ANY_ROLE, Kind.FORBIDDEN, f"The credential has no {operation.roles['any']} role.")
    return Refused(CREDENTIALS_ROLE, Kind.FORBIDDEN, f"The credential lacks the role: {lacks}.")


@dataclass(frozen=True)
class Scope:
    """What an operation's path names: a company account (``merchant`` is ``None``) or one merchant account."""

    company: str
    merchant: str | None

    @property
    def path(self) -> tuple[str, str]:
        """The collection and the account's id, as they stand in a link."""
        return ("companies", self.company) if self.merchant is None else ("merchants", self.merchant)

    @implements(COMPANY_SEES_ALL, MERCHANT_SEES_OWN)
    def has(self, credential: Credential) -> bool:
        """Tell whether operations at this account reach ``credential``."""
        if credential.kind is not UserKind.COMPANY:
            return False
        return self.merchant is None or credential.home == self.merchant


@implements(COMPANY_REACHES_ALL)
def scope_of(state: State, caller: Credential, parameters: Mapping[str, str]) -> Scope:
    """Return the account that a path names by companyId or merchantId.

    Raises :class:`Refused` where ``caller`` has no access to it.
    """
    company = parameters.get("companyId")
    if company is None:
        merchant = parameters["merchantId"]
        if merchant not in state.merchants or (caller.merchants and merchant not in caller.merchants):
            raise Refused(FOREIGN_MERCHANT, Kind.FORBIDDEN, "The credential has no access to this merchant account.")
        return Scope(state.company, merchant)
    if company != state.company:
        raise Refused(FOREIGN_COMPANY, Kind.FOREIGN_COMPANY, "The credential has no access to this company account.")
    if caller.merchants:
        raise Refused(LIMITED_CALLER, Kind.FORBIDDEN, "The credential has access to merchant accounts only.")
    return Scope(company, None)


class RateLimit:
    """At most ``per_minute`` requests of a credential in any minute of the sandbox's clock; ``None``: no limit."""

    def __init__(self, per_minute: int | None) -> None:
        if per_minute is not None and per_minute < 1:
            raise SandboxError("the rate limit is below one request a minute; give one or more, or None for no limit")
        self.per_minute = per_minute
        self._seen: dict[str, deque[datetime]] = defaultdict(deque)
        self._lock = threading.Lock()

    def admit(self, caller: str, now: datetime) -> None:
        """Count a request of ``caller``; raises :class:`Refused` if it is over the limit."""
        if self.per_minute is None:
            return
        with self._lock:
            seen = self._seen[caller]
            while seen and seen[0] <= now - _WINDOW:
                seen.popleft()
            if len(seen) < self.per_minute:
                seen.append(now)
                return
            wait = (seen[0] + _WINDOW - now).total_seconds()
        headers = {"Retry-After": str(max(1, int(wait + 0.999))), "transient-error": "true"}
        raise Refused(RATE, Kind.TOO_MANY, "Too many requests; wait as long as Retry-After says.", headers=headers)


def _by_key(state: State, presented: str, now: datetime) -> Credential:
    if MASK in presented:
        raise Refused(
            MASKED_KEY,
            Kind.MASKED,
            "The API key is the text of a masked Secret, not the key; send what its reveal() gives.",
        )
    found = state.by_key("api_keys", presented)
    if found is None or found[1].has_expired(now):
        raise _unauthenticated(UNKNOWN_KEY, "The API key is not known, or has expired.")
    if not found[1].works(now):
        raise _unauthenticated(PROPAGATION, "The API key is not in use yet.")
    return found[0]


def _by_password(state: State, username: str, password: str) -> Credential:
    credential = state.by_username(username)
    if credential is None or not credential.password.is_of(password):
        raise _unauthenticated(UNKNOWN_KEY, "The username or the password is wrong.")
    return credential


def _is_allowed(address: str | None, allowed: tuple[str, ...]) -> bool:
    try:
        given = ipaddress.ip_address(address or "")
    except ValueError:
        return False
    return any(given in ipaddress.ip_network(entry, strict=False) for entry in allowed)


def _unauthenticated(rule: Rule, detail: str) -> Refused:
    return Refused(rule, Kind.UNAUTHENTICATED, detail)
