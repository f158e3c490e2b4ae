"""No weakness at all: what does not fit is an error, what fails is asked for again, and the key is read anew."""

import httpx
import jsonschema
import pytest

LABELS = """
survived  must-survive
noticed   must-notice
survived  must-handle
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


class Origins:
    def __init__(self, credential):
        self.credential = credential

    def domains(self):
        body = self.ask("https://management-test.adyen.com/v3/me/allowedOrigins")
        return {origin["domain"] for origin in body.get("data", [])}

    def ask(self, url, tries=2):
        try:
            answer = httpx.get(url, headers={"X-API-Key": self.credential.api_key.reveal()})
            body = answer.raise_for_status().json()
            jsonschema.validate(body, ORIGINS)
        except httpx.HTTPError as error:
            if tries == 1:
                raise AdyenError("Adyen does not answer") from error
            return self.ask(url, tries - 1)
        except (ValueError, jsonschema.ValidationError) as error:
            raise AdyenError("Adyen's answer cannot be used") from error
        return body


@pytest.mark.adyen_credential(origins=["https://shop.example.com", "https://help.example.com"])
def test_no_stranger_is_allowed(adyen_credential):
    origins = Origins(adyen_credential)
    for _ in range(2):
        assert origins.domains() <= {"https://shop.example.com", "https://help.example.com"}
