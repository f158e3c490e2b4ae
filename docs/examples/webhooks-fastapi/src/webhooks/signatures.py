"""Adyen's two HMAC signatures (docs.adyen.com, "Verify HMAC signatures"): of a whole body, and of a classic item.

Several keys may be good at once: a key is replaced by adding the new one here first, and taking the old one away last.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Any

Keys = tuple[bytes, ...]


def keys_of(text: str) -> Keys:
    """Return the keys in ``text``: hexadecimal digits as the Customer Area shows them, separated by commas.

    Raises :class:`ValueError` where there is none, or where one is no such number.
    """
    keys = tuple(bytes.fromhex(part.strip()) for part in text.split(",") if part.strip())
    if not keys:
        raise ValueError("an HMAC key is needed")
    return keys


def is_signed_body(body: bytes, signature: str | None, keys: Keys) -> bool:
    """Return whether ``signature`` is one of ``body`` as it was sent."""
    return signature is not None and _is_one_of(signature, (_sign(body, key) for key in keys))


def is_signed_item(item: Mapping[str, Any], keys: Keys) -> bool:
    """Return whether a classic ``NotificationRequestItem`` holds its own signature."""
    additional, amount = item.get("additionalData"), item.get("amount")
    signature = additional.get("hmacSignature") if isinstance(additional, dict) else None
    if not isinstance(signature, str) or not isinstance(amount, dict):
        return False
    values = [item.get(name) for name in ("pspReference", "originalReference", "merchantAccountCode")]
    values += [item.get("merchantReference"), amount.get("value"), amount.get("currency")]
    values += [item.get("eventCode"), item.get("success")]
    signed = _encoded(":".join("" if value is None else str(value) for value in values))
    return _is_one_of(signature, (_sign(signed, key) for key in keys))


def _sign(signed: bytes, key: bytes) -> bytes:
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest())


def _is_one_of(signature: str, good: Iterable[bytes]) -> bool:
    """Compare with each; how long that takes tells nobody how much of a forged one is right."""
    return any(hmac.compare_digest(_encoded(signature), each) for each in good)


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")  # JSON can say what UTF-8 cannot
