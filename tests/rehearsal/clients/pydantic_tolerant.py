"""A model of pydantic with what the client needs, and of no other type: nothing that may come tomorrow ends it."""

import httpx
from pydantic import BaseModel

LABELS = """
silent   must-notice                                # what the model does not have nobody looks at
noticed  html
noticed  truncated
noticed  error-with-200
noticed  GET /me 200 type-changed
noticed  GET /me 200 became-null
noticed  *@/id
noticed  *@/active
noticed  *@/roles
noticed  *@/roles/*
"""


class Me(BaseModel, strict=True):
    id: str
    active: bool
    roles: list[str]


def me(key):
    answer = httpx.get("https://management-test.adyen.com/v3/me", headers={"X-API-Key": key})
    return Me.model_validate(answer.raise_for_status().json())


def test_it_is_active(adyen_credential):
    assert me(adyen_credential.api_key.reveal()).active
