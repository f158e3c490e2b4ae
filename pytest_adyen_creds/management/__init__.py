"""The HTTP client of the Management API: guards, retries, rate limit, idempotency, paging, the 26 operations."""

from pytest_adyen_creds.management.bodies import (
    CredentialBody,
    CredentialChanges,
    NewCredential,
    OriginBody,
    Page,
)
from pytest_adyen_creds.management.budget import Budget
from pytest_adyen_creds.management.client import ManagementClient
from pytest_adyen_creds.management.messages import SECRET_PROPERTIES
from pytest_adyen_creds.management.ownership import Ownership, Place
from pytest_adyen_creds.management.pacing import ONCE, Clock, RateLimit, Retries, SystemClock
from pytest_adyen_creds.management.resources import Credentials, Me, Origins
from pytest_adyen_creds.management.transports import (
    Exchange,
    GuardedAsyncTransport,
    GuardedTransport,
    Observer,
    is_guarded,
    no_cookies,
)

__all__ = [
    "ONCE",
    "SECRET_PROPERTIES",
    "Budget",
    "Clock",
    "CredentialBody",
    "CredentialChanges",
    "Credentials",
    "Exchange",
    "GuardedAsyncTransport",
    "GuardedTransport",
    "ManagementClient",
    "Me",
    "NewCredential",
    "Observer",
    "OriginBody",
    "Origins",
    "Ownership",
    "Page",
    "Place",
    "RateLimit",
    "Retries",
    "SystemClock",
    "is_guarded",
    "no_cookies",
]
