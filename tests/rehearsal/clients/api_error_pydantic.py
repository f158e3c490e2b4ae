"""A model with the types of some properties: what does not fit is an error of the client's own, links are no matter."""

import httpx
import pytest
from pydantic import BaseModel, ValidationError

LABELS = """
silent   *@/data/[*]/_links
silent   *@/data/[*]/_links/*
silent   error-with-200                             # nothing of it is wanted, nothing is forbidden
"""


class AdyenError(Exception):
    pass


class Origin(BaseModel, strict=True):
    domain: str
    id: str = ""


class Origins(BaseModel, strict=True):
    data: list[Origin] = []


def domains(key):
    try:
        answer = httpx.get("https://management-test.adyen.com/v3/me/allowedOrigins", headers={"X-API-Key": key})
        origins = Origins.model_validate(answer.raise_for_status().json())
    except (httpx.HTTPError, ValueError, ValidationError) as error:
        raise AdyenError("Adyen's answer cannot be used") from error
    return {origin.domain for origin in origins.data}


@pytest.mark.adyen_credential(origins=["https://shop.example.com"])
def test_no_stranger_is_allowed(adyen_credential):
    assert domains(adyen_credential.api_key.reveal()) <= {"https://shop.example.com"}
