"""Parsing: what requests and answers say about credentials, and which operation a path names."""

from __future__ import annotations

import base64
import hashlib
import json

import httpx
import pytest

from pytest_adyen_creds.client import parsing
from pytest_adyen_creds.client.parsing import Target, read_target

TAG = "pytest-adyen-creds 0a1b2c3d exp 2026-07-01T12:30Z"
OTHER = "pytest-adyen-creds 00000000 exp 2026-07-01T12:30Z"
UUID = "11111111-1111-4111-8111-11111111111A"
URL = "https://management-test.adyen.com/v3/companies/C/apiCredentials"

C, M = "/companies/C/apiCredentials", "/merchants/M/apiCredentials"
CHANGES = {
    ("POST", C): Target("company", "credentials", "C", None, None),
    ("POST", M): Target("merchant", "credentials", "M", None, None),
    ("PATCH", f"{C}/S2-1"): Target("company", "credential", "C", "S2-1", None),
    ("PATCH", f"{M}/S2-1"): Target("merchant", "credential", "M", "S2-1", None),
    ("POST", f"{C}/S2-1/allowedOrigins"): Target("company", "origins", "C", "S2-1", None),
    ("DELETE", f"{M}/S2-1/allowedOrigins/OR1"): Target("merchant", "origin", "M", "S2-1", "OR1"),
    ("POST", f"{C}/S2-1/generateApiKey"): Target("company", "generateApiKey", "C", "S2-1", None),
    ("POST", f"{M}/S2-1/generateClientKey"): Target("merchant", "generateClientKey", "M", "S2-1", None),
    ("POST", "/me/allowedOrigins"): Target("me", "origins", None, None, None),
    ("DELETE", "/me/allowedOrigins/OR1"): Target("me", "origin", None, None, "OR1"),
    ("POST", "/me/generateClientKey"): Target("me", "generateClientKey", None, None, None),
}
READ_ONLY = {
    "/me": Target("me", "credential", None, None, None),
    "/me/generateApiKey": Target("me", "generateApiKey", None, None, None),
}


class TestTargets:
    @pytest.mark.parametrize("version", ["/v1", "/v3"])
    @pytest.mark.parametrize(("method", "path"), CHANGES)
    def test_a_path_names_one(self, version, method, path):
        for query in ("", "?", "?a=1", "?a=?b"):
            target = read_target(f"{version}{path}{query}".encode())
            assert target == CHANGES[method, path]
            assert [each for each in ("POST", "PATCH", "DELETE", "PUT", "post") if target.takes(each)] == [method]

    @pytest.mark.parametrize("path", READ_ONLY)
    def test_some_are_not_to_be_changed(self, path):
        target = read_target(f"/v3{path}".encode())
        assert target == READ_ONLY[path]
        assert not any(target.takes(method) for method in ("POST", "PATCH", "DELETE"))

    @pytest.mark.parametrize(
        "path",
        [
            b"/v3/companies/C/apiCredentials/allowedOrigins/OR1/x",
            b"/v3/companies/C/apiCredentials/S2-1/generateApiKey/x",
            b"/v3/merchants/M",
            b"/v2/me",
            b"/me",
            b"",
            b"?/v3/me",
            b"/v3/me\xff",
            "/v3/companies/Ć/apiCredentials".encode(),
        ],
    )
    def test_no_other_path_names_one(self, path):
        assert read_target(path) is None

    @pytest.mark.parametrize("rest", ["allowedOrigins", "generateApiKey", "generateClientKey"])
    def test_what_is_done_with_a_credential_names_one(self, rest):
        # as an id it is one like any other; what it names then is not to be confused with the operation
        assert read_target(f"/v3{C}/{rest}".encode()) == Target("company", "credential", "C", rest, None)
        assert read_target(f"/v3{C}/{rest}/{rest}".encode()).credential == rest


class TestIntents:
    def intent(self, *keys: str, method: str = "POST", url: str = URL) -> str:
        return parsing.intent_of(httpx.Request(method, url, headers=[("Idempotency-Key", key) for key in keys]))

    def test_shows_method_url_and_a_key_that_is_a_uuid(self):
        digest = hashlib.sha256(f"{URL}?a=secret {UUID}".encode()).hexdigest()
        assert self.intent(UUID, url=f"{URL}?a=secret") == f"POST {URL} {UUID} {digest}"

    @pytest.mark.parametrize("key", ["!", "~" * 64, f"{UUID}0"])
    def test_shows_no_other_key(self, key):
        assert self.intent(key) == f"POST {URL} - {hashlib.sha256(f'{URL} {key}'.encode()).hexdigest()}"

    @pytest.mark.parametrize("keys", [(), ("",), ("~" * 65,), ("a b",), ("\x7f",), (UUID, UUID)])
    def test_is_always_a_new_one_without_a_usable_key(self, keys):
        assert self.intent(*keys) != self.intent(*keys)
        words = self.intent(*keys).split(" ")
        assert (words[:3], len(words[3])) == (["POST", URL, "-"], 64)


class TestTags:
    @pytest.mark.parametrize(
        ("body", "untraceable", "loses"),
        [
            ({"description": TAG}, False, False),
            ({"Description": TAG, "description": TAG}, False, False),
            ({"description": OTHER}, True, True),
            ({"description": TAG, "DESCRIPTION": None}, True, True),
            ({"description": ""}, True, True),
            ({"description": "x" * 50}, True, True),
            ({"description": "x" * 51}, False, False),
            ({"description": [None]}, False, False),
            ({"description": 7}, False, False),
            ({"description": {"description": None}}, False, False),
            ({"active": True}, True, False),
            ({}, True, False),
            (None, True, False),
            ([], False, False),
            ([["description", None]], False, False),
            ("description", False, False),
            (0, False, False),
        ],
    )
    def test_may_be_missing_and_may_be_lost(self, body, untraceable, loses):
        content = json.dumps(body).encode()
        is_good = lambda tag: tag.run == "0a1b2c3d"  # noqa: E731
        assert parsing.is_untraceable(content, is_good) is untraceable
        assert parsing.loses_tag(content, is_good) is loses

    @pytest.mark.parametrize("content", [b"{", b"[" * 100_000, b'{"description": null', b"\xff"])
    def test_are_not_at_risk_in_what_is_no_json(self, content):
        assert not parsing.is_untraceable(content, bool)
        assert not parsing.loses_tag(content, bool)

    @pytest.mark.parametrize("content", [b"", b" \r\n\t"])
    def test_are_missing_where_there_is_no_body(self, content):
        assert parsing.is_untraceable(content, bool)
        assert not parsing.loses_tag(content, bool)


SAID = {
    "id": "S2-1",
    "username": "ws_1@Company.C",
    "description": TAG,
    "companyName": "C",
    "_links": {"self": {"href": f"{URL}/S2-1"}},
}


class TestDisagreement:
    def links(self, href: object) -> dict[str, object]:
        return {"_links": {"self": {"href": href}}}

    @pytest.mark.parametrize("name", ["id", "username", "description", "companyName"])
    def test_is_found_by_its_name(self, name):
        assert parsing.disagreement(SAID, {**SAID, name: "x"}) == name
        assert parsing.disagreement({**SAID, name: "x"}, SAID) == name

    @pytest.mark.parametrize("name", ["id", "username", "description"])
    def test_is_found_where_one_of_them_does_not_say(self, name):
        without = {key: value for key, value in SAID.items() if key != name}
        assert parsing.disagreement(SAID, without) == name
        assert parsing.disagreement(without, SAID) == name

    def test_is_none_where_a_company_or_a_link_is_missing(self):
        for name in ("companyName", "_links"):
            without = {key: value for key, value in SAID.items() if key != name}
            assert parsing.disagreement(SAID, without) is None
            assert parsing.disagreement(without, SAID) is None

    @pytest.mark.parametrize("path", [C.replace("C/", "D/"), C.replace("companies", "merchants")])
    def test_is_found_in_a_link(self, path):
        other = self.links(f"https://management-test.adyen.com/v3{path}/S2-1")
        assert parsing.disagreement(SAID, SAID | other) == "level"

    @pytest.mark.parametrize(
        "other",
        [
            {"_links": {"self": {"href": "http://127.0.0.1/v1/companies/C/apiCredentials/S2-1?a#b"}}},
            {"_links": {"self": {"href": "https://x/v3/merchants/M/apiCredentialsX"}}},
            {"_links": {"self": {"href": "/companies//apiCredentials"}}},
            {"_links": {"self": {"href": 7}}},
            {"_links": {"self": "/merchants/M/apiCredentials"}},
            {"_links": {"next": {"href": "/merchants/M/apiCredentials"}}},
            {"_links": ["/merchants/M/apiCredentials"]},
        ],
        ids=repr,
    )
    def test_is_none_in_a_link_that_names_the_same_or_nothing(self, other):
        assert parsing.disagreement(SAID, SAID | other) is None
        assert parsing.disagreement(SAID | other, SAID) is None


class TestSecrets:
    @pytest.mark.parametrize(
        ("text", "secrets"),
        [
            ('{"apiKey": "AQE1", "password": "pw2", "clientKey": "test_3", "id": "S2-1"}', {"AQE1", "pw2", "test_3"}),
            ('{"APIKEY": "AQE1", "a": [{"b": [["x"], {"Password": "pw2"}]}]}', {"AQE1", "pw2"}),
            ('{"apiKey": ["AQE1", ["AQE2", {"x": "no"}]]}', {"AQE1", "AQE2"}),
            ('{"apiKey": {"x": "no"}, "password": 7, "clientKey": null}', set()),
            ('{"apiKey": "string", "password": "pw2"}', {"pw2"}),
            ('{"api\\u004bey": "AQE1"}', {"AQE1"}),
            ('{"apiKey": "A\\u0051E"}', {"A\\u0051E", "AQE"}),
            ('"{\\"apiKey\\" : \\"AQE1\\"}"', {"AQE1"}),
            ('<p>"ClientKey":"test_3', {"test_3"}),
            ('"apiKey": "A\\', {"A"}),
            ('"apiKey": "AX', {"AX"}),
            ('"apiKey": "A\\q", "password": "pw2"', {"A\\q", "pw2"}),
            ('"apiKey": "A\nB"', {"A"}),
            ('"apiKeys": "A", "xpassword": "B", apiKey: "C"', set()),
        ],
    )
    def test_are_found_by_name_or_in_the_text(self, text, secrets):
        body = text.encode()
        assert parsing.secrets_in(body, parsing.parse(body)) == secrets

    def test_are_found_between_bytes_that_are_no_text(self):
        assert parsing.secrets_in(b'\xff"apiKey": "AQE1"\xfe', None) == {"AQE1"}

    @pytest.mark.parametrize(
        "text",
        [
            '{"clientKey": "live_A"}',
            '{"a": [{"CLIENTKEY": ["live_"]}]}',
            '{"note": "live_ABCDEFGH"}',
            '["live_ABCDEFGH"]',
            '"live_12345678"',
            '{"x": {"apiKey": "live_x"}}',
            '{"password": "live_x',
            '{"client\\u004bey": "live_x"}',
        ],
    )
    def test_a_live_client_key_is_one_of_them(self, text):
        body = text.encode()
        assert parsing.live_key_in(body, parsing.parse(body))

    @pytest.mark.parametrize(
        "text",
        [
            '{"clientKey": "test_ABCDEFGH"}',
            '{"clientKey": "a live_ABCDEFGH"}',
            '{"note": "live_ABCDEFG"}',
            '{"note": "live_ABCDEFGH."}',
            '{"note": "a live_ABCDEFGH"}',
            '{"live_ABCDEFGH": "note"}',
            '{"LIVE_ABCDEFGH": ["LIVE_ABCDEFGH"]}',
            '{"note": ["a live_key", 7, null, true]}',
            "live_ABCDEFGH",
        ],
    )
    def test_what_only_speaks_of_one_is_none(self, text):
        body = text.encode()
        assert not parsing.live_key_in(body, parsing.parse(body))

    @pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000])
    def test_what_is_no_json_has_no_value(self, body):
        assert parsing.parse(body) is None


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


class TestSigningIn:
    @pytest.mark.parametrize(
        ("headers", "shown"),
        [
            ([], []),
            ([("X-API-Key", "AQE1"), ("x-api-key", "AQE2")], [("key", "AQE1"), ("key", "AQE2")]),
            ([("Authorization", f"Basic {encoded('ws:a:b')}")], [("username", "ws")]),
            ([("Authorization", f"bAsIc {encoded('ws')}")], [("username", "ws")]),
            ([("Authorization", f"Basic  {encoded('ws:a')}")], [("username", "")]),
            ([("Authorization", f"Basic {encoded('ws:a')} x")], [("username", "")]),
            ([("Authorization", f"Basic {encoded('ws:a')}!")], [("username", "")]),
            ([("Authorization", "Basic w6k")], [("username", "")]),
            ([("Authorization", "Basic /////w==")], [("username", "")]),
            ([("Authorization", f"Bearer {encoded('ws:a')}")], [("username", "")]),
            (
                [("Authorization", f"Basic {encoded('ws:a')}"), ("Authorization", "x"), ("x-api-key", "AQE1")],
                [("key", "AQE1"), ("username", "ws"), ("username", "")],
            ),
        ],
    )
    def test_with_each_key_and_each_username(self, headers, shown):
        request = httpx.Request("GET", URL, headers=headers)
        assert list(parsing.shown_credentials(request)) == shown

    def test_by_two_headers_only(self):
        signing = {"x-api-key": "AQE1", "authorization": "Basic x"}
        request = httpx.Request("GET", URL, headers={**signing, "x-other": "1"})
        assert parsing.signing_headers(request) == signing
        assert parsing.signing_headers(httpx.Request("GET", URL, headers={"X-API-Key": "AQE1"})) == {
            "x-api-key": "AQE1"
        }


class TestOrigins:
    @pytest.mark.parametrize(
        ("body", "owner", "origins"),
        [
            ({"data": [{"id": "OR1"}, {"id": 7}, {}, 7, {"id": "OR2"}]}, "S2-1", [("S2-1", "OR1"), ("S2-1", "OR2")]),
            ({"id": "OR1"}, "S2-1", [("S2-1", "OR1")]),
            ({"id": "OR1", "data": {"id": "OR2"}}, "S2-1", [("S2-1", "OR1")]),
            ({"data": []}, "S2-1", []),
            ([{"id": "OR1"}], "S2-1", []),
            ({"id": "S2-1", "allowedOrigins": [{"id": "OR1"}, "OR2"]}, None, [("S2-1", "OR1")]),
            (
                {"data": [{"id": "S2-1", "allowedOrigins": [{"id": "OR1"}]}, {"allowedOrigins": [{"id": "OR2"}]}]},
                None,
                [("S2-1", "OR1")],
            ),
            ({"id": "S2-1", "allowedOrigins": {"id": "OR1"}}, None, []),
            ({"id": "S2-1"}, None, []),
            (None, None, []),
        ],
    )
    def test_are_those_of_the_operation_or_of_each_credential(self, body, owner, origins):
        assert list(parsing.origins_in(body, owner)) == origins


@pytest.mark.parametrize(
    ("level", "account", "path"),
    [("company", "C", C), ("merchant", "M", M), ("merchant", "A/B C", "/merchants/A%2FB%20C/apiCredentials")],
)
def test_the_path_of_an_account_is_one_whatever_it_is_called(level, account, path):
    assert parsing.path_of(level, account) == path


@pytest.mark.parametrize(
    ("body", "key"), [(b'{"a": 1, "b": 2, "b": 3}', "b"), (b'{"a": {"x": 1, "x": 1}, "b": 1, "b": 1}', "x")]
)
def test_the_first_key_that_stands_twice_is_named(body, key):
    assert parsing.repeated_key(body) == key
