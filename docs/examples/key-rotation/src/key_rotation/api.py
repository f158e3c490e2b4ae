"""The two questions that a rotation asks Adyen, through Adyen's SDK, and the two ways in which they fail."""

from __future__ import annotations

from typing import Final, Protocol

import Adyen
import requests
from Adyen.exceptions import AdyenAPIAuthenticationError, AdyenAPIInvalidPermission, AdyenError

from key_rotation.store import Record, Secret

TOO_MANY_REQUESTS: Final = 429
SERVER_ERRORS: Final = 500


class Refused(Exception):
    """Adyen says no. Asking again does not help: a person has to look."""


class Unavailable(Exception):
    """No answer, or one that says "later". It is unknown whether the request was carried out."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the answer asks to wait, if it does."""


class ManagementApi(Protocol):
    """What a rotation needs of the Management API. Both raise :class:`Refused` and :class:`Unavailable`."""

    def generate_key(self, record: Record, admin: Secret, idempotency_key: str) -> Secret:
        """Return a new key for a credential; the same one for the same ``idempotency_key``."""

    def works(self, key: Secret) -> bool:
        """Return whether Adyen knows ``key`` now. A new key can take minutes."""


class AdyenManagement:
    """:class:`ManagementApi` over Adyen's SDK. ``platform`` is ``test`` or ``live``, ``timeout`` in seconds."""

    def __init__(self, platform: str = "test", timeout: int = 10) -> None:
        self._platform = platform
        self._timeout = timeout

    def generate_key(self, record: Record, admin: Secret, idempotency_key: str) -> Secret:
        """Return a new key for the credential; the old one goes on for 24 hours."""
        keys = self._sdk(admin).management.api_key_company_level_api
        try:
            answer = keys.generate_new_api_key(record.company, record.credential_id, idempotency_key=idempotency_key)
        except (AdyenError, requests.RequestException) as error:
            raise _meaning(error) from None  # the SDK's error holds the answer, and so may hold a key
        key = answer.message.get("apiKey")
        if not isinstance(key, str):  # half an answer: the SDK makes an empty object of it
            raise Unavailable("the answer has no key in it")
        return Secret(key)

    def works(self, key: Secret) -> bool:
        """Ask who the key belongs to. 403 is a yes: Adyen knows the key, and its roles have nothing to do with this."""
        try:
            self._sdk(key).management.my_api_credential_api.get_api_credential_details()
        except AdyenAPIAuthenticationError:
            return False
        except AdyenAPIInvalidPermission:
            return True
        except (AdyenError, requests.RequestException) as error:
            raise _meaning(error) from None
        return True

    def _sdk(self, key: Secret) -> Adyen.Adyen:
        return Adyen.Adyen(xapikey=key.reveal(), platform=self._platform, http_timeout=self._timeout)


def _meaning(error: Exception) -> Refused | Unavailable:
    """Return what an error means for the job, in words that hold no part of a request or an answer."""
    if not isinstance(error, AdyenError):
        return Unavailable(f"no answer ({type(error).__name__})")
    status = int(error.status_code or 0)
    if status == TOO_MANY_REQUESTS or status >= SERVER_ERRORS:
        stated = str((error.headers or {}).get("Retry-After", ""))
        return Unavailable(f"status {status}", float(stated) if stated.isdecimal() else None)
    return Refused(f"status {status}, {error.error_code or 'no error code'}")
