"""Domains come and go: what staff sees, what the shop keeps, and from where browsers may use the client key."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from pytest_adyen_creds import Credential, Faults, Sandbox
from webshop.models import ShopDomain

NEW = "https://new.example.com"
OLD = "https://old.example.com"
ADD = "POST /me/allowedOrigins"
pytestmark = pytest.mark.adyen_credential(roles=["Management API - Stores read"], origins=[OLD])


def is_open(sandbox: Sandbox, credential: Credential, origin: str) -> bool:
    """Return whether a page at ``origin`` can pay: what a shop's customers notice."""
    return sandbox.customer_area.accepts_client_key(credential.client_key, origin)


def states() -> dict[str, str]:
    return dict(ShopDomain.objects.values_list("origin", "state"))


def test_a_domain_that_is_added_can_take_payments(staff: Client, shop: Credential, adyen_sandbox: Sandbox) -> None:
    assert not is_open(adyen_sandbox, shop, NEW)
    assert staff.post("/domains/", {"origin": NEW}).status_code == 201
    assert is_open(adyen_sandbox, shop, NEW)
    assert is_open(adyen_sandbox, shop, OLD)
    assert states() == {NEW: "live"}


def test_a_domain_that_is_removed_cannot(staff: Client, shop: Credential, adyen_sandbox: Sandbox) -> None:
    added = staff.post("/domains/", {"origin": NEW}).json()
    assert staff.delete(f"/domains/{added['id']}/").status_code == 200
    assert not is_open(adyen_sandbox, shop, NEW)
    assert is_open(adyen_sandbox, shop, OLD), "an origin that is no domain of the shop stays alone"
    assert states() == {}


@pytest.mark.parametrize("typed", [OLD, " HTTPS://Old.Example.com:443 "])
def test_an_origin_that_is_there_already_is_taken_over(
    typed: str, staff: Client, shop: Credential, adyen_sandbox: Sandbox
) -> None:
    added = staff.post("/domains/", {"origin": typed})
    assert (added.status_code, added.json()["origin"]) == (201, OLD)
    assert staff.delete(f"/domains/{added.json()['id']}/").status_code == 200
    assert not is_open(adyen_sandbox, shop, OLD)


@pytest.mark.parametrize(
    "typed", ["", "shop", "shop.example.com", f"{NEW}/", f"{NEW}?a=b", "https://me@a.example", "ftp://a"]
)
def test_what_is_no_origin_never_reaches_adyen(
    typed: str, staff: Client, shop: Credential, adyen_sandbox: Sandbox
) -> None:
    adyen_sandbox.faults.status(500, optional=True)
    assert staff.post("/domains/", {"origin": typed}).status_code == 422
    assert states() == {}


@pytest.mark.parametrize("origin", ["https://a.*.example.com", "https://-shop.example.com"])
def test_what_adyen_refuses_is_shown_as_refused(
    origin: str, staff: Client, shop: Credential, adyen_sandbox: Sandbox
) -> None:
    assert staff.post("/domains/", {"origin": origin}).status_code == 422
    assert states() == {origin: "refused"}


FAULTS: dict[str, Callable[[Faults], object]] = {
    "the answer is lost": lambda faults: faults.lose_answer(ADD),
    "no answer in time": lambda faults: faults.time_out(ADD),
    "the connection is reset": lambda faults: faults.reset(ADD),
    "too many requests": lambda faults: faults.status(429, ADD),
}


@pytest.mark.parametrize("set_fault", FAULTS.values(), ids=FAULTS)
def test_what_adyen_does_not_answer_is_told_later(
    set_fault: Callable[[Faults], object], staff: Client, shop: Credential, adyen_sandbox: Sandbox
) -> None:
    set_fault(adyen_sandbox.faults)
    assert staff.post("/domains/", {"origin": NEW}).status_code == 202
    call_command("sync_origins")
    assert states() == {NEW: "live"}
    assert is_open(adyen_sandbox, shop, NEW)
    assert len(adyen_sandbox.customer_area.credential(shop.id).origins) == 2


def test_a_removal_that_failed_is_finished_later(staff: Client, shop: Credential, adyen_sandbox: Sandbox) -> None:
    added = staff.post("/domains/", {"origin": NEW}).json()
    adyen_sandbox.faults.lose_answer("DELETE /me/allowedOrigins/{originId}")
    assert staff.delete(f"/domains/{added['id']}/").status_code == 202
    assert states() == {NEW: "removing"}
    call_command("sync_origins")
    assert states() == {}


def test_the_command_fails_while_something_is_left(staff: Client, shop: Credential, adyen_sandbox: Sandbox) -> None:
    adyen_sandbox.faults.status(500, ADD, times=2)
    staff.post("/domains/", {"origin": NEW})
    with pytest.raises(CommandError, match=NEW):
        call_command("sync_origins")
    call_command("sync_origins")
    assert states() == {NEW: "live"}


@pytest.mark.usefixtures("shop")
def test_who_may_not_change_domains_changes_none(client: Client) -> None:
    assert client.post("/domains/", {"origin": NEW}).status_code == 403
    assert client.delete("/domains/1/").status_code == 403
    assert states() == {}
