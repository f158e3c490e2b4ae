"""The table of Adyen checks: each with a source, none that can be crashed."""

from __future__ import annotations

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.checks.exchange import Exchange
from pytest_adyen_creds.checks.judging import judge
from pytest_adyen_creds.checks.known_state import KnownState
from pytest_adyen_creds.checks.rules import RULES
from pytest_adyen_creds.checks.rules.origins import same
from pytest_adyen_creds.text import normalised

SUBJECTS = {
    "secrets shown only where documented": "adyen_secrets_shown_once",
    "client key matches the environment": "adyen_client_key_environment",
    "links stay": "adyen_links_stay",
    "links name their resource": "adyen_links_name_resource",
    "links resolve": "adyen_links_resolve",
    "paging totals": "adyen_paging_totals",
    "paging links": "adyen_paging_links",
    "no duplicate, no loss": "adyen_paging_complete",
    "envelope's status": "adyen_error_status",
    "code well formed": "adyen_error_code_form",
    "at least one role": "adyen_roles_at_least_one",
    "only giveable roles": "adyen_roles_giveable",
    "username form": "adyen_username_form",
    "origins round-trip": "adyen_origins_round_trip",
    "deactivated keys refused": "adyen_deactivated_refused",
    "old key overlap": "adyen_old_key_overlap",
    "list, read and create agree": "adyen_reads_agree",
    "no secret in any error": "adyen_no_secret_in_errors",
}


def test_every_subject_has_its_check() -> None:
    assert set(SUBJECTS.values()) <= set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_each_has_its_source(name: str) -> None:
    rule = RULES[name]
    assert rule.name == name
    assert rule.says.endswith(".")
    assert rule.evidence in ("documented", "observed", "assumed")
    assert len(rule.source) > 10


NAMES = st.sampled_from(
    [
        "id",
        "username",
        "roles",
        "active",
        "clientKey",
        "apiKey",
        "password",
        "allowedOrigins",
        "domain",
        "_links",
        "self",
        "href",
        "data",
        "itemsTotal",
        "pagesTotal",
        "status",
        "errorCode",
        "description",
        "next",
        "last",
        "first",
        "associatedMerchantAccounts",
        "companyName",
        "subjectDN",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=12,
)
PATHS = st.sampled_from(["", "/S2-1", "/S2-1/allowedOrigins", "/S2-1/allowedOrigins/S2-2", "/S2-1/generateApiKey"])


@settings(max_examples=3 * settings.default.max_examples, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    exchanges=st.lists(
        st.tuples(
            st.sampled_from(["GET", "POST", "PATCH", "DELETE"]),
            st.sampled_from(["/companies/C/apiCredentials", "/merchants/M/apiCredentials", "/me"]),
            PATHS,
            JSON,
            JSON,
            st.sampled_from([200, 204, 401, 422, 500]),
        ),
        max_size=6,
    )
)
def test_no_answer_crashes_a_rule(exchanges) -> None:
    contract = load_contract("v3")
    state = KnownState()
    for method, start, end, sent, body, status in exchanges:
        path = start + (end if start != "/me" else end.removeprefix("/S2-1"))
        found = contract.match(method, path)
        if found is None:
            continue
        url = f"https://management-test.adyen.com/v3{path}"
        request = httpx.Request(method, url, json=sent, headers={"X-API-Key": "AQEAQEAQE"})
        exchange = Exchange.of(contract, request, httpx.Response(status, json=body))
        for rule in RULES.values():
            list(rule.breaches(exchange, state))
        state.add(exchange)


def test_what_is_observed_is_masked_before_anybody_has_it() -> None:
    key = "hunter2-plain-provisioning-key-0123"
    request = httpx.Request("GET", "https://management-test.adyen.com/v3/me", headers={"X-API-Key": key})
    response = httpx.Response(200, json={"id": "S2-1", "active": key, key: 1})
    observed = Exchange.of(load_contract("v3"), request, response).observations
    assert len(observed) > 2
    assert key not in repr(observed)


def test_what_it_says_is_masked() -> None:
    contract = load_contract("v3")
    key = "AQEcanary-canary-canary-0001"
    request = httpx.Request("GET", f"https://management-test.adyen.com/v3/me?{key}", headers={"X-API-Key": key})
    document = {"detail": key, "status": 500, key: key}
    failures = judge(Exchange.of(contract, request, httpx.Response(401, json=document)), KnownState())
    assert failures
    fields = {name for failure in failures for name, value in failure.to_json().items() if key in str(value)}
    assert fields == set()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Management API—Accounts read", "Management API - Accounts read"),
        ("Management API — Accounts read", "Management API - Accounts  Read"),
    ],
)
def test_roles_are_compared_as_they_vary(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("https://shop.example.com", "https://SHOP.example.com/", True),
        ("https://shop.example.com:443", "https://shop.example.com", True),
        ("http://shop.example.com:443", "http://shop.example.com", False),
        ("https://shop.example.com", "https://shop.example.com:8443", False),
    ],
)
def test_origins_are_compared_as_the_web_does(one: str, other: str, equal: bool) -> None:
    assert same(one, other) is equal
