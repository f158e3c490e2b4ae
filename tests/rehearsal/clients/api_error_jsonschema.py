"""No weakness: what does not fit the client's own schema is an error of the client's own; what is more is let pass."""

import httpx
import jsonschema
import pytest

LABELS = """
survived  must-survive
noticed   must-notice
noticed   must-handle
"""
LINKS = {
    "type": "object",
    "required": ["self"],
    "properties": {"self": {"type": "object", "properties": {"href": {"type": "string"}}}},
}
ORIGIN = {
    "type": "object",
    "required": ["domain"],
    "properties": {"id": {"type": "string"}, "domain": {"type": "string"}, "_links": LINKS},
}
ORIGINS = {
    "type": "object",
    "properties": {"data": {"type": "array", "items": ORIGIN}},
    "not": {"required": ["errorCode"]},
}


class AdyenError(Exception):
    pass


def domains(key):
    try:
        answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
        body = answer.raise_for_status().json()
        jsonschema.validate(body, ORIGINS)
    except (httpx.HTTPError, ValueError, jsonschema.ValidationError) as error:
        raise AdyenError("Adyen's answer cannot be used") from error
    return {origin["domain"] for origin in body.get("data", [])}


@pytest.mark.adyen_credential(origins=["https://shop.example.com", "https://help.example.com"])
def test_no_stranger_is_allowed(adyen_credential):
    assert domains(adyen_credential.api_key.reveal()) <= {"https://shop.example.com", "https://help.example.com"}
