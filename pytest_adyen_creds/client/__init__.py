"""The HTTP client of the Management API: guards, retries, rate limit, idempotency, paging, the 26 operations."""

from pytest_adyen_creds.client.budget import Budget
from pytest_adyen_creds.client.client import Credentials, ManagementClient
from pytest_adyen_creds.client.ownership import Ownership
from pytest_adyen_creds.client.parsing import Place
from pytest_adyen_creds.client.retry import Clock, RateLimit, Retries
from pytest_adyen_creds.client.transports import GuardedTransport

__all__ = [
    "Budget",
    "Clock",
    "Credentials",
    "GuardedTransport",
    "ManagementClient",
    "Ownership",
    "Place",
    "RateLimit",
    "Retries",
]
