"""Fields: which parameters, properties and headers say who or hold a secret, and at which host."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes.redact.fields import (
    Fields,
    Names,
    digits_of,
    fields_of,
    host_of,
    is_id,
    loopback_origin,
    origin_of_uri,
    path_of_uri,
    properties_in,
    secret_properties,
)
from pytest_adyen_creds.contract.operations import Header, Operation, Parameter

TEXT = {"type": "string"}


def operation(method: str, path: str, *parameters: Parameter, **more: Any) -> Operation:
    parts = {"request": None, "responses": {}, "headers": {}, **more}
    return Operation(f"{method} {path}", method, path, "x", parameters, **parts)


def in_path(name: str, **schema: Any) -> Parameter:
    return Parameter(name=name, location="path", required=True, schema={**TEXT, **schema})


HOOK = {
    "type": "object",
    "properties": {
        "Handle": {**TEXT, "x-identity": "username"},
        "shops": {"type": "array", "items": {**TEXT, "x-adyen-data": "merchant"}},
        "groups": {"type": "array", "items": {"type": "array", "items": {**TEXT, "x-adyen-data": "company"}}},
        "phrase": {**TEXT, "x-secret": True, "x-identity": "username"},
        "both": {**TEXT, "x-identity": "id", "x-adyen-data": "company"},
        "other": {**TEXT, "x-identity": "nobody", "x-adyen-data": "request"},
        "odd": {**TEXT, "x-identity": ["username"], "x-adyen-data": 7},
        "none": True,
        "open": {**TEXT, "x-secret": False},
        "nested": {"anyOf": [{"properties": {"creator": {**TEXT, "x-identity": "credential"}}}]},
    },
}


@dataclass(eq=False)
class Contract:
    """What fields are read from, with two operations of its own."""

    secret_properties: frozenset[str] = frozenset({"passPhrase", "keyPhrase"})
    operations: dict[str, Operation] = field(
        default_factory=lambda: {
            each.label: each
            for each in (
                operation(
                    "GET",
                    "/hooks/{holder}/{hook-id}/{page}",
                    in_path("holder", **{"x-adyen-data": "company"}),
                    responses={200: "Hook", 404: None},
                    headers={200: (Header("X-Key", False, {"x-secret": True}), Header("X-Page", False, TEXT))},
                ),
                operation("POST", "/hooks/{holder}/{hook-id}/{page}", in_path("page", **{"x-identity": "origin-id"})),
                operation("POST", "/a.b/{merchantId}", request="Request"),
            )
        }
    )

    def to_json_schema(self, name: str) -> dict[str, Any]:
        return {"Hook": HOOK, "Request": {"properties": {"asked": {**TEXT, "x-identity": "username"}}}}[name]


@pytest.fixture
def fields() -> Fields:
    return Fields(Contract())  # type: ignore[arg-type]


ANNOTATED = {
    "handle": "username",
    "shops": "merchant",
    "groups": "company",
    "phrase": "secret",
    "both": "id",
    "other": "reference",
    "creator": "id",
    "asked": "username",
}


class TestNames:
    def test_at_the_management_api_are_those_of_the_operation(self, fields: Fields) -> None:
        get, _, post = fields._contract.operations.values()
        without = dict.fromkeys(ANNOTATED)
        assert {name: fields.names("management").kind_of(name, "") for name in ANNOTATED} == ANNOTATED
        of_get = {name: fields.names("management", get).kind_of(name, "") for name in ANNOTATED}
        assert of_get == {**ANNOTATED, "asked": None}
        of_post = {name: fields.names("management", post).kind_of(name, "") for name in ANNOTATED}
        assert of_post == {**without, "asked": "username"}
        assert {name: fields.names("adyen").kind_of(name, "") for name in ANNOTATED} == without
        assert {name: fields.names("management").kind_of(name, "") for name in ("odd", "none", "open", "x")} == {
            **dict.fromkeys(("odd", "none", "open", "x"))
        }

    @pytest.mark.parametrize(
        ("name", "management", "adyen", "other"),
        [
            ("companyName", "company", "company", "company"),
            ("PSPREFERENCE", "reference", "reference", "reference"),
            ("merchantAccountCode", "merchant", "merchant", None),
            ("username", "username", "username", None),
            ("id", "id", None, None),
            ("hmacKey", "secret", "secret", None),
            ("passphrase", "secret", "secret", "secret"),
            ("anything", None, None, None),
        ],
    )
    def test_are_more_the_nearer_the_host_is(
        self, fields: Fields, name: str, management: str, adyen: str, other: str
    ) -> None:
        hosts = ("management", "adyen", "other")
        assert [fields.names(host).kind_of(name, "") for host in hosts] == [management, adyen, other]
        assert fields.names("adyen") is fields.names("adyen")
        assert fields.names("adyen") != fields.names("other")

    def test_may_count_within_a_parent_only(self) -> None:
        names = Names(
            {"card.number": "secret", "number": "id", "card.cvc": "secret", "cvc.x": "company"}, fields_text()
        )
        assert names.kind_of("NUMBER", "Card") == "id"
        assert names.kind_of("cvc", "Card") == "secret"
        assert names.kind_of("Card.CVC", "") == "secret"
        assert names.kind_of("cvc", "") is None
        assert names.kind_of("cvc", "shop.card") is None
        assert names.kind_of("shop.Card.cvc", "") == "secret"
        assert names.kind_of("a.b.Number", "") == "id"
        assert names.kind_of("a.b.c", "") is None

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ('{"passPhrase": "a b"', "a b"),
            ('{"PASSPHRASE" : "a\\"b"}', 'a\\"b'),
            ('\\"passPhrase\\": \\"a b\\"', "a b"),
            ('\\\\\\"passPhrase\\\\\\":\\\\\\"a\\b', "a\\b"),
            ("x=1&passphrase=a+b&c", "a+b"),
            ("<passPhrase>a b</passPhrase>", "a b"),
            ("<ns1:passphrase>a b<", "a b"),
            ("xpassPhrase=a", None),
            ('"passPhrases": "a"', None),
            ("<passPhrase2>a<", None),
        ],
    )
    def test_are_found_in_text_that_is_no_json(self, fields: Fields, text: str, value: str | None) -> None:
        match = fields.names("other").in_text.search(text)
        assert (match and match[match.lastgroup or ""]) == value
        assert match is None or f"{match[0]}".endswith(match[match.lastgroup or ""])

    def test_that_are_secret_nowhere_are_found_nowhere(self) -> None:
        names = Fields(Contract(secret_properties=frozenset())).names("other")  # type: ignore[arg-type]
        assert names.in_text.search('"": "a" ="b" <>c<') is None

    def test_of_secrets_are_in_small_letters(self) -> None:
        assert secret_properties()["apikey"] == "secret"
        assert set(secret_properties().values()) == {"secret"}
        assert all(name == name.lower() for name in secret_properties())


def fields_text() -> Any:
    return Fields(Contract()).names("other").in_text  # type: ignore[arg-type]


class TestOperations:
    @pytest.mark.parametrize(
        ("method", "path", "label"),
        [
            ("get", "/v3/hooks/Acme/1/2", "GET /hooks/{holder}/{hook-id}/{page}"),
            ("POST", "/hooks/Acme/1/2", "POST /hooks/{holder}/{hook-id}/{page}"),
            ("post", "/Management/v1/a.b/%41", "POST /a.b/{merchantId}"),
            ("PATCH", "/v3/hooks/Acme/1/2", None),
            ("GET", "/v3/hooks/Acme/1", None),
            ("GET", "/v3/hooks/Acme/1/2/", None),
            ("POST", "/v3/aXb/1", None),
            ("GET", "", None),
        ],
    )
    def test_by_method_and_path(self, fields: Fields, method: str, path: str, label: str | None) -> None:
        found = fields.operation(method, path)
        assert (found and found.label) == label

    @pytest.mark.parametrize(
        ("path", "parts"),
        [
            # what one method says of a parameter is so for all of them
            ("/v3/hooks/Acme/77/2", [("Acme", "company"), ("2", "id")]),
            ("/a.b/Shop%20A", [("Shop%20A", "merchant")]),
            ("/v3/companies/Acme/webhooks/W-4711/x", [("Acme", "company"), ("W-4711", "id")]),
            ("/v3/merchants/Shop", [("Shop", "merchant")]),
            ("/v3/stores/generate/terminals/ABCDEFGH", [("ABCDEFGH", "id")]),
            ("/v3/stores/123", []),
            ("/v3/me", []),
        ],
    )
    def test_what_stands_in_a_path(self, fields: Fields, path: str, parts: list[tuple[str, str]]) -> None:
        assert [(path[start:end], kind) for start, end, kind in fields.parts(path)] == parts

    def test_what_headers_are_documented(self, fields: Fields) -> None:
        get = fields._contract.operations["GET /hooks/{holder}/{hook-id}/{page}"]
        assert fields.headers(get, 200) == {"x-key": "secret", "x-page": None}
        assert fields.headers(get, 404) == {}

    def test_are_read_once_for_a_contract(self) -> None:
        contract = load_contract()
        assert fields_of(contract) is fields_of(contract)


def test_properties_are_found_at_any_depth() -> None:
    inner = {"properties": {"c": {"d": 1}}}
    node = {
        "properties": {"a": {"items": inner}, "b": True},
        "allOf": [[{"properties": {"e": 1}}], "x"],
        "x": {"properties": []},
    }
    assert list(properties_in(node)) == [("a", {"items": inner}), ("b", True), ("c", {"d": 1}), ("e", 1)]
    assert list(properties_in("properties")) == []


@pytest.mark.parametrize(
    ("uri", "origin", "path"),
    [
        ("https://host.example/a/b%20c?d#e", "https://host.example", "/a/b%20c"),
        ("https://host.example:443/", "https://host.example", "/"),
        ("http://host.example:80", "http://host.example", ""),
        ("http://host.example:443/x", "http://host.example:443", "/x"),
        ("https://host.example:80/x", "https://host.example:80", "/x"),
        ("ftp://host.example:21/x", "ftp://host.example:21", "/x"),
        ("http://u:p@HOST.example:8000/x", "http://host.example:8000", "/x"),
        ("http://[::1]:8000/x", "http://[::1]:8000", "/x"),
        ("/a/b?c", "", "/a/b"),
        ("", "", ""),
        ("https://[::1", "", ""),
        ("https://host.example:port/x", "", "/x"),
        ("mailto:a@b", "", "a@b"),
    ],
)
def test_addresses_in_parts(uri: str, origin: str, path: str) -> None:
    assert (origin_of_uri(uri), path_of_uri(uri)) == (origin, path)


def test_an_origin_of_this_machine() -> None:
    for origin in ("http://127.0.0.1:8000", "http://localhost", "http://[::1]:1", "https://0.0.0.0:8443"):
        assert loopback_origin(f"{origin}/x") == origin
    for uri in ("http://10.0.0.1/", "https://management-test.adyen.com/", "/x", "", "http://0.0.0.1/"):
        assert loopback_origin(uri) is None


@pytest.mark.parametrize(
    ("uri", "whose"),
    [
        ("https://management-test.adyen.com/v3/me", "management"),
        ("https://management-live.adyen.com:8443/", "management"),
        ("https://checkout-test.adyen.com/", "adyen"),
        ("https://x.management-test.adyen.com/", "adyen"),
        ("http://127.0.0.1:8000/x", "management"),
        ("http://127.0.0.1:8001/x", "other"),
        ("https://management-test.example.com/", "other"),
        ("/v3/me", "other"),
    ],
)
def test_whose_a_host_is(uri: str, whose: str) -> None:
    assert host_of(uri, frozenset(["http://127.0.0.1:8000"])) == whose
    assert host_of("http://127.0.0.1:8000/x", frozenset()) == "other"


def test_what_may_be_an_id() -> None:
    for value in ("S2-1", "a.b~c:d+e=f-", "x" * 200, "1234", "tests"):
        assert is_id(value)
    for value in ("S21", "x" * 201, "a b c", "NULL", "test", "Undefined", "ünïcödé", ""):
        assert not is_id(value)


@pytest.mark.parametrize(
    ("value", "digits"),
    [(1234, "1234"), (-1234, "1234"), (123, ""), (1234.0, "1234"), (-1234.0, "1234"), (1234.5, ""), (10**300, "")],
)
def test_the_digits_of_a_number(value: float, digits: str) -> None:
    assert digits_of(value) == digits
