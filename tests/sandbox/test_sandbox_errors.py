"""Errors and bodies: the envelope in each version, and what is refused with which status."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.sandbox.bodies import check_shape
from pytest_adyen_creds.sandbox.outcomes import Refused
from pytest_adyen_creds.sandbox.routing import served

COMPANY = "/companies/TestCompany/apiCredentials"
MERCHANT = "/merchants/TestMerchant/apiCredentials"
JSON = {"Content-Type": "application/json"}
PUBLISHED = pytest.mark.parametrize("sandbox", ["published"], indirect=True)
"""What is held to the contract has answers by Adyen's document alone."""


def provoked(client, sandbox):
    """One refusal of each status that the rules give, by asking for it."""
    yield 400, client.post(COMPANY, content=b"{", headers=JSON)
    yield 401, client.get("/me", headers={"X-API-Key": "AQEwrong"})
    yield 403, client.get("/companies/Other/apiCredentials")
    yield 404, client.get("/nothing/here")
    yield 405, client.put("/me")
    yield 422, client.get(f"{COMPANY}/unknown")
    yield 422, client.post(COMPANY, json={"roles": ["None such"]})
    sandbox.faults.status(500)
    yield 500, client.get("/me")
    sandbox.faults.status(429, retry_after=7)
    yield 429, client.get("/me")


@PUBLISHED
def test_every_error_is_the_documented_envelope(sandbox, sign_in, version):
    contract = load_contract(version)
    client = sign_in(sandbox.provisioning.api_key, version)
    for status, response in provoked(client, sandbox):
        error = response.json()
        assert response.status_code == error["status"] == status
        assert response.headers["Content-Type"] == "application/json"
        assert contract.validate("RestServiceError", error) == []
        assert error["type"].startswith("https://docs.adyen.com/errors/")
        assert len(error["requestId"]) == 16


@pytest.mark.parametrize(("sandbox", "foreign"), [("published", "00_403"), ("platform", "010")], indirect=["sandbox"])
def test_the_error_codes_are_the_known_ones(sandbox, admin, foreign):
    codes = {status: response.json()["errorCode"] for status, response in provoked(admin, sandbox)}
    assert codes == {
        400: "00_400",
        401: "00_401",
        403: foreign,
        404: "00_404",
        405: "00_405",
        422: "31_007",
        500: "00_500",
        429: "00_429",
    }


def test_v1_wraps_invalid_fields_and_v3_does_not(sandbox, sign_in):
    bodies = {}
    for version in ("v1", "v3"):
        response = sign_in(sandbox.provisioning.api_key, version).post(COMPANY, json={"description": "x" * 51})
        bodies[version] = response.json()["invalidFields"]
    assert bodies["v1"] == [{"InvalidField": field} for field in bodies["v3"]]
    assert bodies["v3"][0]["name"] == "description"


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        (b"{", JSON),
        (b"\xff\xfe", JSON),
        (b'{"description": NaN}', JSON),
        (b'{"description": "\xe9"}', JSON),
        (b"[]", JSON),
        (b"null", JSON),
        (b'"text"', JSON),
        (b"1", JSON),
        (b"<xml/>", {"Content-Type": "application/xml"}),
        (b"{}", {"Content-Type": "text/plain"}),
        (b"{}", {"Content-Type": "application/json; charset=utf-16"}),
        (b"{}", {"Content-Type": "multipart/form-data"}),
        (b"{}", {}),
        (b'{"roles":' + b"[" * 5000 + b"]" * 5000 + b"}", JSON),
        (b'{"x":' + b"[" * 150 + b"]" * 150 + b"}", JSON),
        (b"\xef\xbb\xbf{}", JSON),
    ],
)
def test_what_cannot_be_read_is_400(admin, content, headers):
    assert admin.post(COMPANY, content=content, headers=headers).status_code == 400


def test_what_is_too_large_is_400(admin):
    content = b'{"description": "' + b"x" * 2_000_000 + b'"}'
    assert admin.post(COMPANY, content=content, headers=JSON).status_code == 400


@pytest.mark.parametrize(
    "media_type", ["application/json", "Application/JSON; charset=UTF-8", 'application/json;charset="utf-8"']
)
def test_json_is_read_however_it_is_announced(admin, media_type):
    assert admin.post(COMPANY, content=b"{}", headers={"Content-Type": media_type}).status_code == 200


@pytest.mark.parametrize(
    ("body", "names"),
    [
        ({"unknown": 1}, ["unknown"]),
        ({"description": None}, ["description"]),
        ({"description": 1, "roles": "text", "allowedOrigins": [1], "associatedMerchantAccounts": {}}, None),
        ({"active": True}, ["active"]),
        ({"subjectDN": "CN=x"}, ["subjectDN"]),
        ({"roles": [None]}, ["roles"]),
        ({"id": "S2-1"}, ["id"]),
    ],
)
def test_what_has_the_wrong_shape_is_422_and_named(admin, body, names):
    refused = admin.post(COMPANY, json=body)
    assert refused.status_code == 422
    assert [field["name"] for field in refused.json()["invalidFields"]] == (names or list(body))


def test_a_merchant_level_body_names_no_merchant_accounts(admin):
    refused = admin.post(MERCHANT, json={"associatedMerchantAccounts": ["TestMerchant"]})
    assert [field["name"] for field in refused.json()["invalidFields"]] == ["associatedMerchantAccounts"]


def test_an_origin_needs_its_domain(admin):
    for body in ({}, {"id": "x"}):
        refused = admin.post("/me/allowedOrigins", json=body)
        assert [field["name"] for field in refused.json()["invalidFields"]] == ["domain"]
    assert admin.post("/me/allowedOrigins").status_code == 422


def test_a_body_is_optional_where_nothing_is_required(admin):
    created = admin.post(COMPANY)
    assert created.status_code == 200
    assert admin.patch(f"{COMPANY}/{created.json()['id']}").status_code == 200


def test_a_body_is_ignored_where_none_is_taken(admin):
    assert admin.request("GET", "/me", content=b"{", headers=JSON).status_code == 200
    assert admin.post("/me/generateClientKey", content=b"not json").status_code == 200


def test_a_refused_value_is_shown_cut_to_100_characters(admin):
    refused = admin.post(COMPANY, json={"description": "y" * 5000, "z" * 5000: {"deep": ["w" * 5000]}})
    for field in refused.json()["invalidFields"]:
        assert len(field["name"]) <= 100
        assert len(field["value"]) <= 100


@pytest.mark.parametrize("text", ["\ud800", "\x00", "\u202e", "😀" * 50, "</script>", "'\"\\"])
def test_any_text_is_kept_as_it_came(admin, text):
    content = json.dumps({"description": text}).encode()
    created = admin.post(COMPANY, content=content, headers=JSON)
    assert json.loads(created.content)["description"] == text


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS", "TRACE", "QUERY", "get"])
def test_other_methods_are_405_with_those_there_are(admin, method):
    refused = admin.request(method, COMPANY)
    if method == "get":
        # httpx writes methods in capitals
        assert refused.status_code == 200
        return
    assert refused.status_code == 405
    assert refused.headers["Allow"] == "GET, POST"
    assert (refused.content == b"") == (method == "HEAD")


@pytest.mark.parametrize(
    "path", ["/", "//me", "/me/", "/companies", "/companies/TestCompany", "/webhooks", "/v3/me", "/ME"]
)
def test_other_paths_are_404(admin, path):
    assert admin.get(path).status_code == 404


def test_other_versions_are_404(sandbox, sign_in):
    for version in ("v2", "v4", "V3", "v3.0", "_sandboxes"):
        assert sign_in(sandbox.provisioning.api_key, version).get("/me").status_code == 404


def test_unknown_ids_are_422_however_they_are_written(admin):
    for id in ("S2-0", "", "%2F", "..%2F..", "%00", "%F0%9F", "S2-7954857361%20", "x" * 5000):
        assert admin.get(f"{COMPANY}/{id}").status_code == 422


@PUBLISHED
def test_answers_fit_the_contract(sandbox, sign_in, version):
    contract = load_contract(version)
    client = sign_in(sandbox.provisioning.api_key, version)
    ids = {
        home: client.post(home, json={"allowedOrigins": ["https://a.example"]}).json() for home in (COMPANY, MERCHANT)
    }
    origin = client.post("/me/allowedOrigins", json={"domain": "https://a.example"}).json()["id"]
    bodies = {
        "AllowedOrigin": {"domain": "https://b.example"},
        "CreateAllowedOriginRequest": {"domain": "http://b.example"},
    }
    for operation in sorted(served().values(), key=lambda operation: operation.method == "DELETE"):
        created = ids[MERCHANT if "merchantId" in operation.path else COMPANY]
        own = created["allowedOrigins"][0]["id"] if "apiCredentialId" in operation.path else origin
        path = operation.path.format(
            companyId="TestCompany", merchantId="TestMerchant", apiCredentialId=created["id"], originId=own
        )
        response = client.request(operation.method, path, json=bodies.get(operation.request or "", {}))
        assert response.is_success, (operation.label, response.text)
        content_type = response.headers.get("Content-Type", "")
        judged = contract.operations[operation.label]
        found = contract.judge(judged, response.status_code, content_type, response.content)
        assert found == [], operation.label


words = st.text(max_size=8)
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
links = st.fixed_dictionaries({}, optional={"self": st.fixed_dictionaries({}, optional={"href": anything})}) | anything


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=4 * settings.default.max_examples)
@given(st.data())
def test_bodies_are_judged_as_the_contract_judges_them(data):
    contract = load_contract("v3")
    message = data.draw(st.sampled_from(sorted({each.request for each in served().values() if each.request})))
    names = contract.to_json_schema(message)["properties"]
    values = {name: links if name == "_links" else st.lists(words) | st.booleans() | anything for name in names}
    body = data.draw(st.fixed_dictionaries({}, optional={**values, "unknown": anything}))
    try:
        check_shape(message, body)
        accepted = True
    except Refused:
        accepted = False
    assert accepted == contract.is_valid(message, body)
