"""The HTTP client of the Management API: guards, retries, rate limit, idempotency, paging, the 26 operations."""

from pytest_adyen_creds.client.budget import Budget
from pytest_adyen_creds.client.client import Credentials, ManagementClient, Me, Origins
from pytest_adyen_creds.client.models import (
    CredentialBody,
    CredentialChanges,
    NewCredential,
    OriginBody,
    Page,
)
from pytest_adyen_creds.client.ownership import Ownership, Place
from pytest_adyen_creds.client.parsing import SECRET_PROPERTIES
from pytest_adyen_creds.client.retry import ONCE, Clock, RateLimit, Retries, SystemClock
from pytest_adyen_creds.client.transports import (
    ASKED_AT,
    VIA,
    Exchange,
    GuardedTransport,
    Network,
    Observer,
    ThreadedTransport,
    guarded,
    is_guarded,
    no_cookies,
)

__all__ = [
    "ASKED_AT",
    "ONCE",
    "SECRET_PROPERTIES",
    "VIA",
    "Budget",
    "Clock",
    "CredentialBody",
    "CredentialChanges",
    "Credentials",
    "Exchange",
    "GuardedTransport",
    "ManagementClient",
    "Me",
    "Network",
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
    "ThreadedTransport",
    "guarded",
    "is_guarded",
    "no_cookies",
]
