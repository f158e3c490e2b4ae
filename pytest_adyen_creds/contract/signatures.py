"""HMAC signatures of webhooks: made and checked, for handlers under test.

Source: Adyen's documentation, "Verify HMAC signatures": HMAC-SHA256, the key in hexadecimal digits, the signature in
base64. Of a classic notification the values of eight fields are signed, joined by colons; of a platform's webhook the
body as it was sent, with the signature in the header ``HmacSignature``.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from pytest_adyen_creds.errors import ContractError
from pytest_adyen_creds.secrets import SECRETS

SIGNATURE_HEADER: Final = "HmacSignature"
"""The header of a platform's webhook that holds its signature."""

_FIELDS: Final = ("pspReference", "originalReference", "merchantAccountCode", "merchantReference")
_LAST: Final = ("eventCode", "success")


def sign_body(body: bytes, hmac_key: str) -> str:
    """Return the signature of a platform's webhook whose ``body`` is sent as these bytes.

    ``hmac_key`` is in hexadecimal digits, as the Customer Area shows it. Raises :class:`ContractError` for another.
    """
    SECRETS.add(hmac_key)
    if not isinstance(body, bytes | bytearray):
        raise ContractError("a webhook is signed as it was sent, so its body is bytes; give what your server received")
    try:
        key = binascii.unhexlify(hmac_key)
    except ValueError:
        raise ContractError("an HMAC key is an even number of hexadecimal digits; take it from the webhook") from None
    return base64.b64encode(hmac.new(key, body, hashlib.sha256).digest()).decode()


def sign_notification(item: Mapping[str, Any], hmac_key: str) -> str:
    """Return the signature of a classic notification's item: what stands in ``NotificationRequestItem``.

    It belongs in the item's ``additionalData`` as ``hmacSignature``. Raises :class:`ContractError` like
    :func:`sign_body`, and for an item that is no object.
    """
    if not isinstance(item, Mapping):
        raise ContractError("a notification's item is an object: what stands in NotificationRequestItem; give that")
    stated = item.get("amount")
    amount: Mapping[str, Any] = stated if isinstance(stated, Mapping) else {}
    values = [item.get(name) for name in _FIELDS]
    values += [amount.get("value"), amount.get("currency"), *(item.get(name) for name in _LAST)]
    return sign_body(":".join(map(_as_text, values)).encode(), hmac_key)


def is_signed_body(body: bytes, signature: str | None, hmac_key: str) -> bool:
    """Return whether ``signature`` (None: none came) is that of a webhook sent as ``body``; see :func:`sign_body`."""
    signed = sign_body(body, hmac_key).encode()
    return isinstance(signature, str) and hmac.compare_digest(signed, signature.encode())


def is_signed_notification(item: Mapping[str, Any], hmac_key: str) -> bool:
    """Return whether a classic notification's item holds its signature; see :func:`sign_notification`."""
    stated = item.get("additionalData") if isinstance(item, Mapping) else None
    signature = stated.get("hmacSignature") if isinstance(stated, Mapping) else None
    return isinstance(signature, str) and hmac.compare_digest(
        sign_notification(item, hmac_key).encode(), signature.encode()
    )


def _as_text(value: Any) -> str:
    """Return a value as it is signed: nothing for none, truth values in small letters."""
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)
