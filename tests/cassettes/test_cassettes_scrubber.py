"""The scrubber: exactly what stands in a recording afterwards, and what it refuses to write."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import Any

import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes.model import Interaction
from pytest_adyen_creds.cassettes.redact.scrubber import SANDBOX_ACCOUNTS, TAG_EXPIRY, Scrubber
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.secrets import SECRETS, SecretRegistry

MANAGEMENT = "https://management-test.adyen.com"
SHOP = "https://shop.example"
LOCAL = "http://127.0.0.1:8000"
SECRET = "Zq7Km2Wx9Lp4"
API_KEY = "AQE" + "h+/K" * 10
REQUEST = "9e30815c-35b2-c75e-11c1-b1030b96bf20_0-9E30815C34FZ2822"


def scrubber(*registered: str, accounts: tuple[str, ...] = (), **options: Any) -> Scrubber:
    registry = SecretRegistry()
    for value in registered:
        registry.add(value)
    return Scrubber(load_contract(), accounts, registry, **options)


def exchange(uri: str = f"{MANAGEMENT}/v3/me", **parts: Any) -> Interaction:
    return replace(Interaction("GET", uri, (), b"", 200, "OK", (), b""), **parts)


def answered(value: Any, uri: str = f"{MANAGEMENT}/v3/me", **parts: Any) -> Interaction:
    return exchange(uri, response_body=json.dumps(value).encode(), **parts)


def clean_of(value: Any, *more: Interaction, by: Scrubber | None = None, uri: str = f"{MANAGEMENT}/v3/me") -> Any:
    clean, *_ = (by or scrubber()).interactions([answered(value, uri), *more])
    return json.loads(clean.response_body)


class OtherApi:
    secret_properties = frozenset({"passPhrase"})


class TestNames:
    def test_have_one_pseudonym_wherever_they_stand(self) -> None:
        value = {
            "id": "S2-4711",
            "username": "ws_481516@Company.AcmeGroup",
            "companyName": "AcmeGroup",
            "associatedMerchantAccounts": ["Acme_NL", "AcmeGroup"],
            "description": "pytest-adyen-creds 0a1b2c3d exp 2026-07-01T12:30Z",
            "note": "AcmeGroup has S2-4711, not AcmeGroups; Acme_NL; S2-4712; ws%40Company.AcmeGroup",
            "paths": "/v3/companies/AcmeGroup/apiCredentials/S2-4711 of x@Scope.Other",
            "requestId": REQUEST,
            "trace": f"by {REQUEST}.",
        }
        assert clean_of(value) == {
            "id": "S2-0000000001",
            "username": "ws_000001@Company.PseudoCompany1",
            "companyName": "PseudoCompany1",
            "associatedMerchantAccounts": ["PseudoMerchant1", "PseudoCompany1"],
            "description": f"pytest-adyen-creds RUN00001 exp {TAG_EXPIRY}",
            "note": "PseudoCompany1 has S2-0000000001, not AcmeGroups; PseudoMerchant1; S2-0000000002; "
            "ws%40Company.PseudoCompany1",
            "paths": "/v3/companies/PseudoCompany1/apiCredentials/S2-0000000001 of ws_000002@Scope.PseudoAccount1",
            "requestId": "REQUEST000000001",
            "trace": "by REQUEST000000001.",
        }

    def test_of_other_forms(self) -> None:
        value = {
            "id": "nightly-4711-job",
            "username": "nightly-deployer",
            "text": "by nightly-deployer in nightly-4711-job_",
        }
        assert clean_of(value) == {
            "id": "S2-0000000001",
            "username": "PseudoUser1",
            "text": "by PseudoUser1 in S2-0000000001_",
        }

    def test_that_are_numbers(self) -> None:
        value = {"id": 1147114711, "companyName": "12345678", "companyId": 12345678, "note": "1147114711 and 12345678"}
        more = {"other": 1147114711, "less": -1147114711, "float": 1147114711.0, "few": 12345679, "unknown": 1234567890}
        assert clean_of({**value, **more, "true": True}) == {
            "id": 2100000001,
            "companyName": "2100000002",
            "companyId": 2100000002,
            "note": "2100000001 and 2100000002",
            "other": 2100000001,
            "less": -2100000001,
            "float": 2100000001.0,
            "few": 12345679,
            "unknown": 1234567890,
            "true": True,
        }
        assert str(clean_of(value)["id"]) == "2100000001"
        assert clean_of({"requestId": 4711, "text": "4711"}) == {"requestId": 2100000001, "text": "4711"}
        assert clean_of({"id": 2147483648, "requestId": 4711}) == {"id": 2100000000000001, "requestId": 2100000002}
        assert clean_of({"id": 4711, "note": 4711, "text": "4711"}) == {
            "id": 2100000001,
            "note": 4711,
            "text": "2100000001",
        }

    def test_of_an_account_whose_level_is_seen_later(self) -> None:
        assert clean_of({"note": "x@Scope.AcmeGroup", "companyName": "AcmeGroup"}) == {
            "note": "ws_000001@Scope.PseudoCompany1",
            "companyName": "PseudoCompany1",
        }

    def test_that_are_short(self) -> None:
        assert clean_of({"username": "bot", "id": "ab-1", "note": "bot ab-1 xab-1y"}) == {
            "username": "PseudoUser1",
            "id": "S2-0000000001",
            "note": "bot S2-0000000001 xab-1y",
        }
        assert clean_of({"companyName": "A", "note": "A"}, by=scrubber(accounts=("A",))) == {
            "companyName": "PseudoAccount1",
            "note": "A",
        }

    def test_that_are_spelled_otherwise(self) -> None:
        for status in (200, 404):
            (clean,) = scrubber().interactions([answered({"note": "éS2-4711é"}, status=status)])
            assert json.loads(clean.response_body) == {"note": "éS2-0000000001é"}
        value = {"companyName": "Vendo Übersee", "note": "at Vendo%20%C3%9Cbersee", "other": "xAcmeGroup1y"}
        assert clean_of({**value, "associatedMerchantAccounts": ["AcmeGroup1"]}) == {
            "companyName": "PseudoCompany1",
            "note": "at PseudoCompany1",
            "other": "xAcmeGroup1y",
            "associatedMerchantAccounts": ["PseudoMerchant1"],
        }

    def test_of_requests(self) -> None:
        value = {"requestId": "", "pspReference": "x-REQUEST000000001"}
        assert clean_of(value) == value
        of_a_key = "00000000-0000-4000-8000-000000000001_0-9E30815C34FZ2822"
        assert clean_of({"note": f"by {of_a_key}."}) == {"note": "by REQUEST000000001."}

    def test_of_companies_are_their_accounts(self) -> None:
        assert clean_of({"id": "AcmeGroup", "companyName": "AcmeGroup"}) == {
            "id": "PseudoCompany1",
            "companyName": "PseudoCompany1",
        }

    def test_of_members_stay_what_they_are(self) -> None:
        value = {"companyName": "AcmeGroup", "AcmeGroup": 1, SECRET: 2, "S2-4711": 3, "ws@Company.AcmeGroup": 4}
        assert clean_of(value, by=scrubber(SECRET)) == {
            "companyName": "PseudoCompany1",
            "AcmeGroup": 1,
            "Pseudonym-000001": 2,
            "S2-0000000001": 3,
            "ws@Company.PseudoCompany1": 4,
        }

    def test_that_are_ordinary_words_stay_in_sentences(self) -> None:
        for name in ("Live", "Company", "abc"):
            value = {"companyName": name, "note": f"a {name} b"}
            assert clean_of(value)["note"] == value["note"]
        assert clean_of({"companyName": "Acme", "note": "an Acme-like, not anAcme"})["note"] == (
            "an PseudoCompany1-like, not anAcme"
        )

    def test_that_are_configured_are_replaced_everywhere(self) -> None:
        value = {"note": "of Acme GmbH and Vendo", "other": "Acme+GmbH"}
        by = scrubber(SECRET, accounts=("Acme GmbH", "Vendo"))
        assert clean_of(value, by=by)["note"] == "of PseudoAccount1 and PseudoAccount2"
        known = scrubber("VendoGroup1", accounts=("VendoGroup1",))
        assert clean_of({"companyName": "VendoGroup1", "note": "VendoGroup1"}, by=known) == {
            "companyName": "PseudoCompany1",
            "note": "PseudoCompany1",
        }

    def test_that_are_no_ones_stay(self) -> None:
        value = {
            "companyName": "TestCompany",
            "associatedMerchantAccounts": ["TestMerchant", "Acme"],
            "note": "TestMerchant",
        }
        assert clean_of(value, by=scrubber(keep=SANDBOX_ACCOUNTS)) == {
            **value,
            "associatedMerchantAccounts": ["TestMerchant", "PseudoMerchant1"],
        }

    def test_that_only_a_request_or_a_refusal_has_are_replaced_in_their_place(self) -> None:
        refused = answered(
            {"note": "Vendo and 77-asked-for-1"},
            f"{MANAGEMENT}/v3/companies/Vendo/apiCredentials/77-asked-for-1",
            status=404,
        )
        (clean,) = scrubber().interactions([refused])
        assert clean.uri == f"{MANAGEMENT}/v3/companies/PseudoCompany1/apiCredentials/S2-0000000001"
        assert json.loads(clean.response_body) == {"note": "Vendo and S2-0000000001"}
        for status, note in ((200, "PseudoCompany1"), (299, "PseudoCompany1"), (300, "Vendo"), (199, "Vendo")):
            answer = answered({"companyName": "Vendo", "note": "Vendo"}, status=status)
            (clean,) = scrubber().interactions([answer])
            assert json.loads(clean.response_body) == {"companyName": "PseudoCompany1", "note": note}

    def test_that_are_pseudonyms_already_stay(self) -> None:
        value = {
            "id": "S2-0000000001",
            "username": "ws_000001@Company.PseudoCompany1",
            "companyName": "PseudoCompany1",
            "requestId": "REQUEST000000001",
            "apiKey": "AQEPSEUDONYM0001",
            "note": 2100000001,
        }
        assert clean_of(value) == value
        part = {"username": "PseudoUser1 at /v3/companies/AcmeGroup", "note": "AcmeGroup"}
        assert clean_of(part) == {"username": "PseudoUser1 at /v3/companies/PseudoCompany1", "note": "PseudoCompany1"}
        new = {"id": "S2-4711", "companyName": "Acme", "requestId": "8836183819713023", "apiKey": "AQEx"}
        assert clean_of(new, answered(value)) == {
            "id": "S2-0000000002",
            "companyName": "PseudoCompany2",
            "requestId": "REQUEST000000002",
            "apiKey": "AQEPSEUDONYM0002",
        }

    def test_that_are_a_secret_are_the_same_one(self) -> None:
        value = {"username": SECRET, "id": SECRET, "companyName": SECRET, "requestId": SECRET}
        assert clean_of({**value, "note": SECRET}, by=scrubber(SECRET)) == {
            **dict.fromkeys(("username", "id", "companyName", "note"), "Pseudonym-000001"),
            "requestId": "REQUEST000000001",
        }


class TestSecrets:
    def test_are_those_in_their_places_and_what_looks_like_one(self) -> None:
        value = {
            "apiKey": "Zq7Km2W1",
            "password": "short-1",
            "clientKey": "abcdefghijklmno",
            "hmacKey": "abcdefghijklmnop",
            "note": f"say {API_KEY}.",
            "other": "AQEPSEUDONYM" + "1".rjust(52, "0"),
            "secret": SECRET,
        }
        found = scrubber().secrets_in(answered(value))
        assert found == {"Zq7Km2W1", "abcdefghijklmnop", API_KEY}
        assert scrubber().secrets_in(answered({"apiKey": "Pseudonym-000001"})) == set()

    def test_are_replaced_everywhere_where_they_tell_something(self) -> None:
        value = {"apiKey": "Zq7Km2W1", "password": "string", "note": "string Zq7Km2W1", "other": f"{API_KEY}x"}
        assert clean_of(value) == {
            "apiKey": "Pseudonym-000001",
            "password": "Pseudonym-000002",
            "note": "string Pseudonym-000001",
            "other": "AQEPSEUDONYM" + "1".rjust(52, "0"),
        }

    def test_that_are_numbers_are_none_afterwards(self) -> None:
        value = {"apiKey": 12345678, "password": [-1.5], "note": 87654321, "other": 12}
        same = {"apiKey": 1147114711, "note": 1147114711}  # any number, but for its place
        assert clean_of(same) == {"apiKey": 0, "note": 1147114711}
        assert clean_of(value, by=scrubber("87654321")) == {"apiKey": 0, "password": [0], "note": 0, "other": 12}

    def test_that_another_tool_registered_as_pseudonyms_are_none(self) -> None:
        value = {"note": "Pseudonym-000001 and AQEPSEUDONYM00 and 000000000"}
        assert clean_of(value, by=scrubber("Pseudonym-000001", "AQEPSEUDONYM00", "000000000")) == value

    def test_that_a_look_finds_whole(self) -> None:
        value = {"apiKey": API_KEY, "note": f"a {API_KEY}==-mB4x=-q7 b", "other": f"{API_KEY}"}
        pseudonym = "AQEPSEUDONYM" + "1".rjust(52, "0")
        assert clean_of(value) == {"apiKey": pseudonym, "note": f"a {pseudonym}==-mB4x=-q7 b", "other": pseudonym}

    def test_of_other_apis_are_secret_too(self) -> None:
        value = {"passPhrase": "Zq7Km2W1"}
        assert clean_of(value) == value
        assert clean_of(value, by=scrubber(others=[OtherApi()])) == {"passPhrase": "Pseudonym-000001"}

    def test_in_headers_that_are_not_kept(self) -> None:
        headers = (("Set-Cookie", "a=Zq7Km2W1x"), ("Requestid", "8836183819713023"))
        value = {"note": "Zq7Km2W1x 8836183819713023"}
        (clean,) = scrubber().interactions([answered(value, response_headers=headers)])
        assert json.loads(clean.response_body) == {"note": "Pseudonym-000001 REQUEST000000001"}
        assert clean.response_headers == ()

    def test_idempotency_keys(self) -> None:
        header = (("Idempotency-Key", "key-1"),)
        clean, other = scrubber().interactions(
            [
                exchange(request_headers=header, response_headers=header),
                exchange(request_headers=(("idempotency-key", "Idempotency-0001"),)),
            ]
        )
        assert clean.request_headers == clean.response_headers == (("idempotency-key", "Idempotency-0002"),)
        assert other.request_headers == (("idempotency-key", "Idempotency-0001"),)


class TestHosts:
    def test_that_stood_for_adyen_are_adyens(self) -> None:
        recorded = [
            answered({"note": f"see {LOCAL}/x and {LOCAL}0 and {LOCAL}."}, f"{LOCAL}/v3/me"),
            exchange(f"{SHOP}/x"),
        ]
        clean, other = scrubber().interactions(recorded)
        assert clean.uri == f"{MANAGEMENT}/v3/me"
        assert json.loads(clean.response_body) == {"note": f"see {MANAGEMENT}/x and {LOCAL}0 and {LOCAL}."}
        assert other.uri == f"{SHOP}/x"

    def test_may_be_several(self) -> None:
        other = "http://127.0.0.1"
        recorded = [
            answered({"note": f"{LOCAL} {other} {other}:80 {LOCAL}1"}, f"{LOCAL}/v3/me"),
            exchange(f"{other}/v3/me"),
        ]
        first, second = scrubber().interactions(recorded)
        assert (first.uri, second.uri) == (f"{MANAGEMENT}/v3/me", f"{MANAGEMENT}/v3/me")
        assert json.loads(first.response_body) == {"note": f"{MANAGEMENT} {MANAGEMENT} {other}:80 {LOCAL}1"}

    def test_in_a_recording_of_another_tool_stand_for_adyen_where_the_contract_knows_a_request(self) -> None:
        by = scrubber(foreign=True)
        recorded = [exchange(f"{LOCAL}/v3/me"), exchange(f"{LOCAL}/x")]
        assert [each.uri for each in by.interactions(recorded)] == [each.uri for each in recorded]
        linked = answered({"href": f"{LOCAL}/v3/companies/Acme", "note": f"see {LOCAL}/x"}, f"{LOCAL}/v3/me")
        clean = by.interactions([linked, answered({"companyName": "Acme"}, f"{LOCAL}/v3/me")])[0]
        assert json.loads(clean.response_body) == {
            "href": f"{LOCAL}/v3/companies/PseudoCompany1",
            "note": f"see {LOCAL}/x",
        }
        assert [each.uri for each in scrubber().interactions([exchange(f"{LOCAL}/x")])] == [f"{MANAGEMENT}/x"]
        assert by.secrets_in(answered({"clientKey": "Zq7Km2W1"}, f"{LOCAL}/x")) == {"Zq7Km2W1"}
        assert by.secrets_in(answered({"hmacKey": "Zq7Km2W1"}, f"{LOCAL}/x")) == set()
        assert clean_of({"hmacKey": "Zq7Km2W1"}, by=by, uri=f"{LOCAL}/x") == {"hmacKey": "Zq7Km2W1"}
        assert by.secrets_in(answered({"hmacKey": "Zq7Km2W1"}, f"{LOCAL}/v3/me")) == {"Zq7Km2W1"}

    def test_of_others_keep_their_own_words(self) -> None:
        value = {"username": "bot", "id": "S123", "companyName": "Acme"}
        assert clean_of(value, uri=f"{SHOP}/x") == {**value, "companyName": "PseudoCompany1"}


class TestContext:
    def test_comes_first(self) -> None:
        context = {
            "id": "S2-4711",
            "companyName": "Acme",
            "seed": 7,
            "note": "Vendo",
            "nested": [{"username": "nightly-bot-1"}],
        }
        clean, clean_context = scrubber().recording(
            [answered({"id": "S2-4712", "companyName": "Vendo", "note": "Acme nightly-bot-1"})], context
        )
        assert clean_context == {
            "id": "S2-0000000001",
            "companyName": "PseudoCompany1",
            "seed": 7,
            "note": "PseudoCompany2",
            "nested": [{"username": "PseudoUser1"}],
        }
        assert json.loads(clean[0].response_body) == {
            "id": "S2-0000000002",
            "companyName": "PseudoCompany2",
            "note": "PseudoCompany1 PseudoUser1",
        }

    def test_may_hold_links(self) -> None:
        context = {"href": f"{LOCAL}/v3/companies/AcmeGroup"}
        _, clean = scrubber().recording([exchange(f"{LOCAL}/v3/me")], context)
        assert clean == {"href": f"{MANAGEMENT}/v3/companies/PseudoCompany1"}

    def test_that_hides_a_secret_is_refused(self) -> None:
        with pytest.raises(CassetteError) as refused:
            scrubber(SECRET).recording([], {"note": Hidden()})
        assert str(refused.value) == (
            "the context of a recording holds a secret that could not be replaced: nothing written"
        )


class Hidden:
    def __str__(self) -> str:
        return f"hidden {SECRET}"


AFTERWARDS = "x-Pseudony"  # a secret that stands there only once another was replaced
HIDDEN = b"\xff say " + SECRET.encode("utf-16-le")


@pytest.mark.parametrize(
    ("parts", "what"),
    [
        ({"uri": f"{MANAGEMENT}/v3/x-{SECRET}"}, "the address"),
        ({"reason": f"x-{SECRET}"}, "the reason"),
        ({"request_headers": (("content-type", f"x-{SECRET}"),)}, "a header"),
        ({"response_headers": (("content-type", f"x-{SECRET}"),)}, "a header"),
        ({"meta": {"note": f"x-{SECRET}"}}, "a note"),
        ({"request_body": f"x-{SECRET}".encode()}, "a body"),
        ({"response_body": HIDDEN}, "a body"),
        ({"response_body": gzip.compress(HIDDEN)}, "a compressed body"),
    ],
)
def test_a_secret_that_is_left_is_named_by_its_place(parts: dict[str, Any], what: str) -> None:
    with pytest.raises(CassetteError) as refused:
        scrubber(SECRET, AFTERWARDS).interactions([exchange(**parts)])
    where, _, why = str(refused.value).partition(": ")
    assert where.startswith(f"GET {MANAGEMENT}/v3/")
    assert why == f"a secret in {what} could not be replaced, so nothing was written; send it as UTF-8"


def test_the_registry_of_the_session_is_the_default(own_secrets: None) -> None:
    SECRETS.add(SECRET)
    (clean,) = Scrubber(load_contract()).interactions([answered({"note": SECRET})])
    assert json.loads(clean.response_body) == {"note": "Pseudonym-000001"}
