"""The HTTP client of the Management API: guards, retries, rate limit, idempotency, paging, the 26 operations."""

from pytest_adyen_creds.client.budget import Budget
from pytest_adyen_creds.client.client import Credentials, ManagementClient, Me
from pytest_adyen_creds.client.models import CredentialBody, CredentialChanges
from pytest_adyen_creds.client.ownership import Ownership, Place
from pytest_adyen_creds.client.retry import ONCE, Clock, RateLimit, Retries, SystemClock
from pytest_adyen_creds.client.transports import (
    ASKED_AT,
    VIA,
    GuardedTransport,
    Network,
    NoCookies,
    Observer,
    guarded,
    is_guarded,
)

__all__ = [
    "ASKED_AT",
    "ONCE",
    "VIA",
    "Budget",
    "Clock",
    "CredentialBody",
    "CredentialChanges",
    "Credentials",
    "GuardedTransport",
    "ManagementClient",
    "Me",
    "Network",
    "NoCookies",
    "Observer",
    "Ownership",
    "Place",
    "RateLimit",
    "Retries",
    "SystemClock",
    "guarded",
    "is_guarded",
]
