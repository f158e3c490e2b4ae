"""A domain's life from its recording, which the embedded sandbox made: this test runs with any backend."""

from __future__ import annotations

import pytest
from django.test import Client

from pytest_adyen_creds import Credential
from webshop.models import ShopDomain


@pytest.mark.adyen_credential(roles=["Management API - Stores read"], origins=["https://old.example.com"])
def test_a_domain_comes_and_goes(staff: Client, shop: Credential) -> None:
    added = staff.post("/domains/", {"origin": "https://new.example.com"}).json()
    assert staff.get("/domains/").json() == {"domains": [added]}
    assert staff.delete(f"/domains/{added['id']}/").status_code == 200
    assert not ShopDomain.objects.exists()
