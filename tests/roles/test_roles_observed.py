"""What is derived from observations, and how they are merged."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import httpx
import pytest
from roles_suites import API_CREDENTIALS, READ, USERS, WRITE, seen

from pytest_adyen_creds.contract.apis import Match
from pytest_adyen_creds.contract.contract import load_contract
from pytest_adyen_creds.credentials.credential import Credential, from_body
from pytest_adyen_creds.credentials.roles import preset_roles
from pytest_adyen_creds.credentials.spec import Spec
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.roles.layer import OTHER, PROVISIONING, UNSIGNED, RolesLayer, name_of
from pytest_adyen_creds.roles.observed import Need, RolesSeen
from pytest_adyen_creds.secrets import Secret

DEMANDS: dict[str, dict[str, Any]] = {
    "GET /stores": {"one": [READ, WRITE]},
    "POST /stores": {"all": [WRITE]},
    "GET /users": {"one": [READ, USERS]},
    "GET /me": {"any": "Management API"},
}


def need(*calls: tuple[str, str, str], **more: Any) -> Need:
    return Need(seen(calls, demands=DEMANDS, **more))


def test_one_of_several_is_chosen_over_the_whole_suite() -> None:
    alone = need(("a", "c", "GET /stores"))
    assert alone.roles == (READ,)
    both = need(("a", "c", "GET /stores"), ("b", "c", "POST /stores"))
    assert (both.roles, both.by_test) == ((WRITE,), {"a": (WRITE,), "b": (WRITE,)})
    users = need(("a", "c", "GET /stores"), ("b", "c", "GET /users"))
    assert (users.roles, users.by_test) == ((READ,), {"a": (READ,), "b": (READ,)})


def test_a_credential_is_held_to_what_it_was_given_itself() -> None:
    found = need(
        ("a", "reads", "GET /stores"),
        ("b", "writes", "POST /stores"),
        ("b", "idle", "GET /me"),
        granted={"reads": [READ], "writes": [READ, WRITE], "idle": [USERS, API_CREDENTIALS], "never": [READ]},
    )
    assert found.roles == (WRITE,)
    assert found.by_credential == {"reads": (READ,), "writes": (WRITE,), "idle": (USERS,)}
    assert found.unused == [("idle", API_CREDENTIALS), ("never", READ), ("writes", READ)]


def test_a_role_that_one_credential_needs_and_another_was_given_is_unused_there() -> None:
    found = need(
        ("a", "one", "GET /users"),
        ("a", "other", "GET /stores"),
        granted={"one": [USERS], "other": [USERS, WRITE]},
    )
    assert found.unused == [("other", USERS)]


def test_the_same_operations_need_the_same_whatever_the_order() -> None:
    calls = [("a", "c", "GET /stores"), ("b", "c", "GET /users"), ("c", "d", "GET /me"), ("a", "d", "POST /stores")]
    granted = {"c": [READ, USERS], "d": [WRITE, API_CREDENTIALS]}
    expected = need(*calls, granted=granted).to_json()
    other = Need(
        seen(reversed(calls), demands=dict(reversed(DEMANDS.items())), granted=dict(reversed(granted.items())))
    )
    assert json.dumps(other.to_json()) == json.dumps(expected)


def test_what_was_given_in_another_spelling_is_not_unused() -> None:
    spelled = WRITE.replace(" - ", "\N{EM DASH}").upper()
    found = need(("a", "c", "POST /stores"), ("a", "c", "GET /stores"), granted={"c": [spelled]})
    assert found.unused == []
    assert found.by_credential == {"c": (spelled,)}


def test_what_was_refused_is_not_needed_and_is_said() -> None:
    found = Need(
        seen(
            [("a", "c", "GET /stores")],
            [("a", "c", "POST /stores"), ("b", "who", "GET /users"), ("b", "who", "GET /me")],
            granted={"c": [READ]},
            demands=DEMANDS,
        )
    )
    assert found.roles == (READ,)
    assert {each["operation"]: each["missing"] for each in found.refused} == {
        "POST /stores": WRITE,
        "GET /users": f"one of {READ}, {USERS}",
        "GET /me": "any role that begins with 'Management API'",
    }


def test_what_is_refused_and_asked_once_more_by_another_credential_is_needed_by_that() -> None:
    found = Need(
        seen(
            [("a", "second", "POST /stores")],
            [("a", "first", "POST /stores")],
            granted={"first": [READ], "second": [WRITE]},
            demands=DEMANDS,
        )
    )
    assert found.by_credential == {"second": (WRITE,)}
    assert found.unused == [("first", READ)]
    assert found.by_lease == {"a": (WRITE,)}


def test_two_leases_in_one_test_are_told_apart() -> None:
    found = need(
        ("a", "reads", "GET /stores"),
        ("a", "writes", "POST /stores"),
        granted={"reads": [READ, USERS], "writes": [WRITE]},
    )
    assert found.by_lease == {"a": (WRITE,)}  # what one lease needs that is to do both
    assert found.by_credential == {"reads": (READ,), "writes": (WRITE,)}
    assert found.unused == [("reads", USERS)]


def test_what_nobody_knows_the_roles_of_says_nothing_of_a_role() -> None:
    """Of an operation that no contract has, a role may be needed: it is neither needed nor granted for nothing."""
    granted = {"c": [READ, "Checkout webservice role"]}
    management = need(("a", "c", "GET /terminals"), granted=granted, unknown=["GET /terminals"])
    assert (management.roles, management.unclear) == ((), [("c", READ)])
    assert management.unused == [("c", "Checkout webservice role")]
    checkout = need(
        ("a", "c", "checkout/v71: POST /payments"), granted=granted, unknown=["checkout/v71: POST /payments"]
    )
    assert checkout.unclear == [("c", "Checkout webservice role")]
    assert checkout.unused == [("c", READ)]
    assert checkout.by_lease == {"a": ("Checkout webservice role",)}  # a lease keeps what it may need
    lines = list(checkout.lines())
    assert "unclear  c: Checkout webservice role; it called what is unknown below" in lines
    assert "unknown  checkout/v71: POST /payments: no contract says what it asks for" in lines


def test_another_credential_s_unknown_operation_makes_nothing_unclear() -> None:
    found = need(("a", "d", "GET /terminals"), granted={"c": [READ], "d": [USERS]}, unknown=["GET /terminals"])
    assert found.unused == [("c", READ)]
    assert found.unclear == [("d", USERS)]


def test_a_test_that_failed_is_not_held_to_what_it_called() -> None:
    found = need(("a", "c", "GET /stores"), ("b", "c", "GET /users"), granted={"c": [READ]}, failed=["a"])
    assert found.by_lease == {"b": (READ,)}
    assert set(found.by_test) == {"a", "b"}


def test_the_evidence_names_what_asks_for_a_role() -> None:
    found = need(("a", "c", "POST /stores"), ("b", "c", "GET /stores"), ("b", "c", "GET /me"))
    assert found.evidence == [{"role": WRITE, "operations": ["GET /me", "GET /stores", "POST /stores"], "tests": 2}]


def test_observations_are_merged_as_they_were_written() -> None:
    first = seen([("a", "c", "GET /stores")], granted={"c": [READ]}, demands=DEMANDS, unknown=["X"], failed=["a"])
    text = json.dumps(first.to_json())
    again = RolesSeen()
    again.merge(json.loads(text))
    assert json.dumps(again.to_json()) == text
    again.merge(json.loads(text))
    assert again.to_json()["calls"][0]["count"] == 2
    old = json.loads(text)
    del old["failed"]
    RolesSeen().merge(old)


def test_runs_that_took_different_paths_are_merged_to_the_union() -> None:
    one = seen([("a", "c", "GET /stores"), ("a", "c", "GET /me")], granted={"c": [READ]}, demands=DEMANDS)
    two = seen([("a", "c", "POST /stores")], granted={"c": [WRITE]}, demands=DEMANDS)
    both, reverse = RolesSeen(), RolesSeen()
    for each in (("monday", one), ("tuesday", two)):
        both.merge(each[1].to_json(), each[0])
    for each in (("tuesday", two), ("monday", one)):
        reverse.merge(each[1].to_json(), each[0])
    found = Need(both)
    assert found.roles == (WRITE,)
    assert found.runs() == {"monday": [WRITE], "tuesday": [WRITE]}
    assert Need(reverse).roles == found.roles
    third = RolesSeen()
    third.merge(Need(both).to_json(), "both")  # and what was merged keeps the names of its runs
    assert Need(third).runs() == found.runs()


CALL = {"test": "a", "credential": "c", "operation": "GET /me", "refused": False, "count": 1}
WHOLE = {"calls": [CALL], "demands": {}, "granted": {}, "unknown": []}


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {**WHOLE, "calls": None},
        {**WHOLE, "calls": [{}]},
        {**WHOLE, "calls": [{**CALL, "test": 5}]},
        {**WHOLE, "calls": [{**CALL, "run": []}]},
        {**WHOLE, "calls": [{**CALL, "count": "1"}]},
        {**WHOLE, "calls": [{**CALL, "count": -1}]},
        {**WHOLE, "calls": [{**CALL, "count": True}]},
        {**WHOLE, "calls": ["GET /me"]},
        {**WHOLE, "demands": []},
        {**WHOLE, "demands": {"GET /me": "Management API"}},
        {**WHOLE, "demands": {"GET /me": {"all": "Management API"}}},
        {**WHOLE, "demands": {"GET /me": {"any": ["Management API"]}}},
        {**WHOLE, "granted": {"c": READ}},
        {**WHOLE, "granted": {"c": [5]}},
        {**WHOLE, "unknown": "GET /me"},
        {**WHOLE, "failed": [None]},
    ],
)
def test_what_is_no_observation_is_refused(value: Any) -> None:
    with pytest.raises(FileRefused, match="what a run saw of roles is "):
        RolesSeen().merge(value)


def credential(number: int) -> Credential:
    body = {"id": f"S{number}", "username": f"ws_{number}@Company.TestCompany", "roles": [], "active": True}
    return Credential(
        **{**vars(from_body("company", "TestCompany", body)), "api_key": Secret(f"AQEroles{number}")},
    )


class Served:
    """A layer before a server that answers each request with a status."""

    def __init__(self) -> None:
        self.seen = RolesSeen()
        self.status, self.body = 200, "{}"
        self.test = "test"
        contract = load_contract("v3")

        def match(request: httpx.Request) -> Any:
            found = contract.match(request.method, request.url.path)
            return Match(contract, *found) if found else None

        self.layer = RolesLayer(self.seen, match, lambda: self.test)

    def ask(self, path: str = "/v3/me", headers: Mapping[str, str] | None = None, *, host: str = "") -> None:
        request = httpx.Request("GET", f"https://{host or 'management-test.adyen.com'}{path}", headers=headers)
        inner = httpx.MockTransport(lambda request: httpx.Response(self.status, text=self.body))
        self.layer.answer(request, inner, of_fixture=False)

    @property
    def calls(self) -> list[tuple[str, str, bool]]:
        return [(each["credential"], each["operation"], each["refused"]) for each in self.seen.to_json()["calls"]]


@pytest.fixture
def served() -> Served:
    return Served()


def test_who_asks_is_known_by_key_name_and_rotated_key(served: Served) -> None:
    spec = Spec(roles=(READ,))
    lent = served.layer.lend(credential(1), spec)
    served.layer.provisioning = lambda: "AQEprovisioning"
    names = [name_of(spec)] * 3 + [PROVISIONING, OTHER, OTHER, OTHER, UNSIGNED]
    basic = httpx.BasicAuth(lent.username, "any").sync_auth_flow(httpx.Request("GET", "https://x/"))
    before = lent.api_key.reveal()
    served.layer.lend(replace(lent, api_key=Secret("AQErotated1")))
    for headers in (
        {"x-api-key": before},
        {"X-API-KEY": "AQErotated1"},
        dict(next(basic).headers),
        {"x-api-key": "AQEprovisioning"},
        {"x-api-key": "AQEanother"},
        {"authorization": "Bearer token"},
        {"authorization": "Basic %%%"},
        {},
    ):
        served.ask(headers=headers)
    counted = {each["credential"]: each["count"] for each in served.seen.to_json()["calls"]}
    assert counted == {name: names.count(name) for name in names}


def test_a_key_of_an_earlier_test_says_nothing_of_a_later_one(served: Served) -> None:
    """Recordings of two tests can name the same key."""
    lent = served.layer.lend(credential(1), Spec(roles=(READ,)))
    served.test = "another"
    served.layer.lend(credential(2), Spec(roles=(USERS,)))
    served.ask(headers={"x-api-key": lent.api_key.reveal()})
    assert served.calls == [(OTHER, "GET /me", False)]


@pytest.mark.parametrize("status", [200, 204, 400, 404, 409, 422, 429, 500, 503])
def test_every_answer_but_401_and_403_is_one(served: Served, status: int) -> None:
    served.status = status
    served.ask()
    assert served.calls == [(UNSIGNED, "GET /me", False)]


def test_401_is_none(served: Served) -> None:
    served.status = 401
    served.ask()
    served.ask("/v3/nothing")
    assert served.seen == RolesSeen()


def test_403_for_another_reason_is_neither_answered_nor_a_role(served: Served) -> None:
    lent = served.layer.lend(credential(1), Spec(roles=(API_CREDENTIALS,)))
    served.status = 403
    served.ask("/v3/companies/Foreign/apiCredentials", {"x-api-key": lent.api_key.reveal()})
    served.body = '{"status": 403, "errorCode": "010"}'
    served.ask("/v3/companies/Foreign/apiCredentials", {"x-api-key": "AQEanother"})
    assert (served.calls, served.layer.refusals) == ([], {})


@pytest.mark.parametrize("body", ["", "no JSON", "[]", '{"errorCode": "00_403"}', "\udcff"])
def test_403_of_a_credential_whose_roles_nobody_knows_says_what_is_asked_for(served: Served, body: str) -> None:
    served.status, served.body = 403, body.encode("utf-8", "replace").decode()
    for _ in range(2):
        served.ask("/v3/companies/TestCompany/apiCredentials", {"x-api-key": "AQEanother"})
    assert served.calls == [(OTHER, "GET /companies/{companyId}/apiCredentials", True)]
    (words,) = served.layer.refusals["test"]  # once, however often it was asked for
    assert words.startswith(
        f"GET /companies/{{companyId}}/apiCredentials was refused (403): it asks for {API_CREDENTIALS}. Give the role"
    )


def test_an_operation_that_no_contract_has_is_unknown_and_names_no_account(served: Served) -> None:
    served.ask("/v3/companies/TestCompany/stores/ST322/paymentMethods?key=1")
    served.ask("/v3/companies/Other1/stores/ST9/paymentMethods")
    served.ask("/v71/sessions", host="checkout-test.adyen.com")
    assert served.seen.unknown == {
        "GET /companies/{…}/stores/{…}/paymentMethods",
        "checkout-test.adyen.com: GET /sessions",
    }


@pytest.mark.parametrize(
    ("roles", "name"),
    [
        ((READ,), f"throwaway at company level with {READ}"),
        ((WRITE, READ), f"throwaway at company level with {READ}, {WRITE}"),
        (preset_roles("read-only"), "throwaway at company level with the preset read-only"),
        (tuple(reversed(preset_roles("full-access"))), "throwaway at company level with the preset full-access"),
    ],
)
def test_what_reports_call_a_throwaway(roles: tuple[str, ...], name: str) -> None:
    assert name_of(Spec(roles=roles)) == name


def test_throwaways_with_other_roles_are_called_otherwise_and_those_with_the_same_are_not() -> None:
    many = [f"Role {number}" for number in range(6)]
    first, second = name_of(Spec(roles=(*many[:4],))), name_of(Spec(roles=(*many[:3], many[5])))
    assert first != second
    assert first.startswith("throwaway at company level with Role 0, Role 1, Role 2 and 1 more (")
    assert name_of(Spec(roles=(*reversed(many[:4]),))) == first
    assert name_of(Spec(level="merchant", roles=(*many[:4],))) != first
