"""HMAC signatures of webhooks, held against Adyen's own SDK and a signature that it publishes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_adyen_creds import (
    AdyenCredsError,
    is_signed_body,
    is_signed_notification,
    sign_body,
    sign_notification,
)
from pytest_adyen_creds.secrets import SECRETS

# made up by Adyen for the tests of its PHP library, with the signature that belongs to it
KEY = "DFB1EB5485895CFA84146406857104ABB4CBCABDC8AAF103A624C8F6A3EAAB00"
ITEM: dict[str, Any] = {
    "pspReference": "7914073381342284",
    "merchantAccountCode": "TestMerchant",
    "merchantReference": "TestPayment-1407325143704",
    "amount": {"value": 1130, "currency": "EUR"},
    "eventCode": "AUTHORISATION",
    "success": "true",
}
SIGNATURE = "Ny9gS2veKo5E4w8/OL6xz1/wvT/hYkAXy1xNc/QvO4I="


def test_the_published_signature() -> None:
    assert sign_notification(ITEM, KEY) == SIGNATURE
    assert sign_notification({**ITEM, "success": True, "originalReference": None}, KEY) == SIGNATURE
    assert is_signed_notification({**ITEM, "additionalData": {"hmacSignature": SIGNATURE}}, KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"amount": {"value": 1131, "currency": "EUR"}},
        {"success": "false"},
        {"additionalData": {}},
        {"additionalData": 1},
    ],
)
def test_what_was_changed_is_not_signed(change: dict[str, Any]) -> None:
    assert not is_signed_notification({**ITEM, "additionalData": {"hmacSignature": SIGNATURE}, **change}, KEY)


def test_adyens_own_sdk_agrees() -> None:
    util = pytest.importorskip("Adyen.util")
    item = {**ITEM, "originalReference": "1", "merchantReference": "a:b\\c"}
    signed = {**item, "additionalData": {"hmacSignature": sign_notification(item, KEY)}}
    assert util.is_valid_hmac_notification(signed, KEY)
    body = json.dumps({"type": "balancePlatform.transfer.created", "data": {"é": 1}})
    assert util.is_valid_hmac_payload(sign_body(body.encode(), KEY), KEY, body.encode())


def test_a_body_is_signed_as_it_was_sent() -> None:
    signature = sign_body(b'{"a": 1}', KEY)
    assert is_signed_body(b'{"a": 1}', signature, KEY)
    assert not is_signed_body(b'{"a":1}', signature, KEY)
    assert not is_signed_body(b'{"a": 1}', "é", KEY)


def test_the_key_is_masked_and_a_wrong_one_is_refused() -> None:
    wrong = "not hexadecimal, and a secret all the same"
    with pytest.raises(AdyenCredsError, match="hexadecimal") as error:
        sign_body(b"", wrong)
    assert wrong not in str(error.value)
    assert wrong not in SECRETS.mask(f"key: {wrong}")
    with pytest.raises(AdyenCredsError, match="NotificationRequestItem"):
        sign_notification([], KEY)  # type: ignore[arg-type]
