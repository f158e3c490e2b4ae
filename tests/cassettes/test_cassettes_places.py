"""Values in places of ids, names and references, whatever they look like: numbers, forms, addresses, headers."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.commands import cassettes
from pytest_adyen_creds.cassettes.model import Cassette, Interaction
from pytest_adyen_creds.cassettes.recording import provenance_of
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
from pytest_adyen_creds.drift.commands import drift
from pytest_adyen_creds.errors import AdyenCredsError
from pytest_adyen_creds.secrets import SecretRegistry

MANAGEMENT = "https://management-test.adyen.com"
PAL = "https://pal-test.adyen.com/pal/servlet/Payment/v68/authorise"
JSON = (("content-type", "application/json"),)
FORM = (("content-type", "application/x-www-form-urlencoded; charset=utf-8"),)


def run(*arguments: object) -> int:
    status = cassettes.main(args=[str(argument) for argument in arguments], standalone_mode=False)
    return status if isinstance(status, int) else 0


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ADYEN_MANAGEMENT_API_KEY", "ADYEN_COMPANY_ACCOUNT", "ADYEN_MERCHANT_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def answered(uri: str, body: Any, headers: Any = JSON, status: int = 200) -> Interaction:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Interaction("GET", uri if "://" in uri else MANAGEMENT + uri, (), b"", status, "OK", headers, data)


def posted(uri: str, body: bytes, headers: Any = FORM) -> Interaction:
    return Interaction("POST", uri, headers, body, 200, "OK", (), b"")


def scrubbed(*interactions: Interaction, options: tuple[object, ...] = ()) -> tuple[Interaction, ...]:
    """Return ``interactions`` as the command scrubs them: found before, clean after, and the same once more."""
    path = Path("recording.yaml")
    serializer.write(path, Cassette(interactions))
    assert run("check", path, *options) == 1
    assert run("scrub", path, "--write", *options) == 0
    assert run("check", path, *options) == 0
    assert run("scrub", path, *options) == 0
    return serializer.read(path).interactions


def test_a_number_in_the_place_of_an_id_stays_a_number_and_is_the_same_everywhere() -> None:
    number = 7263541098
    told = {"id": number, "active": True, "itemsTotal": 12, "of": number, "detail": f"Credential {number} is new"}

    me, refused = scrubbed(
        answered("/v3/me", told),
        answered(f"/v3/companies/AcmeCorp/apiCredentials/{number}", {"title": f"no {number}"}, status=403),
    )

    body = json.loads(me.response_body)
    made = body["id"]
    assert type(made) is int
    assert made not in (number, 0)
    assert body == {"id": made, "active": True, "itemsTotal": 12, "of": made, "detail": f"Credential {made} is new"}
    assert refused.uri == f"{MANAGEMENT}/v3/companies/PseudoCompany1/apiCredentials/{made}"
    assert json.loads(refused.response_body) == {"title": f"no {made}"}


def test_numbers_keep_their_range_and_different_ones_stay_different() -> None:
    ids = [1234, 77120943, 2**31 - 1, 2**31, -7263541098, 9876543.0]

    (clean,) = scrubbed(answered("/v3/me", {"data": [{"id": each} for each in [*ids, 0, 7, 1.5, None, True]]}))

    made = [each["id"] for each in json.loads(clean.response_body)["data"]]
    assert made[6:] == [0, 7, 1.5, None, True]
    assert len(set(made[:6])) == 6
    assert not set(made[:6]) & set(ids)
    assert [type(each) for each in made[:6]] == [type(each) for each in ids]
    assert [abs(each) < 2**31 for each in made[:6]] == [abs(each) < 2**31 for each in ids]
    assert [each < 0 for each in made[:6]] == [each < 0 for each in ids]


@pytest.mark.parametrize("company", [40012345, "40012345"])
def test_a_company_of_digits_is_replaced_in_body_and_path(company: Any) -> None:
    me, listed = scrubbed(
        answered("/v3/me", {"companyName": company, "username": "ws_000001@Company.40012345"}),
        answered(f"/v3/companies/{company}/apiCredentials", {"detail": f"of /companies/{company} alone"}),
    )

    body = json.loads(me.response_body)
    name = body["companyName"]
    assert type(name) is type(company)
    assert body["username"] == f"ws_000001@Company.{name}"
    assert listed.uri == f"{MANAGEMENT}/v3/companies/{name}/apiCredentials"
    assert json.loads(listed.response_body) == {"detail": f"of /companies/{name} alone"}


@pytest.mark.parametrize("name", ["merchantAccount", "pspReference", "requestId", "username", "webhookId"])
def test_a_number_is_found_and_replaced_in_each_kind_of_place(name: str) -> None:
    (clean,) = scrubbed(answered("https://checkout-test.adyen.com/v71/x", {name: 8836183819713023}))

    made = json.loads(clean.response_body)[name]
    assert type(made) is int
    assert made != 8836183819713023


def test_new_numbers_in_a_scrubbed_recording_get_pseudonyms_of_their_own() -> None:
    (old,) = scrubbed(answered("/v3/me", {"id": 77120943}))

    new, same = scrubbed(answered("/v3/me", {"id": 77120944}), old)

    assert same == old
    assert json.loads(new.response_body)["id"] not in (77120944, json.loads(old.response_body)["id"])


def test_a_form_is_scrubbed_by_the_names_of_its_fields_and_spelled_as_it_was() -> None:
    sent = (
        b"action=Payment.authorise&paymentRequest.merchantAccount=AcmeECOM&paymentRequest.reference=my+order%2f1"
        b"&paymentRequest.card.number=4111111111111111&paymentRequest.card.cvc=737&paymentRequest.amount.value=500"
        b"&paymentRequest.additionalData.card.encrypted.json=adyenjs_0_1_25&empty=&flag"
    )
    made = b"pspReference=8836183819713023&resultCode=Authorised&authCode=0777\r\n"

    pay, read = scrubbed(
        Interaction("POST", PAL, FORM, sent, 200, "OK", FORM, made),
        answered("https://checkout-test.adyen.com/v71/x", {"pspReference": "8836183819713023"}),
    )

    secrets = [f"Pseudonym-{number:06}" for number in (1, 2, 3)]
    assert pay.request_body.decode() == (
        "action=Payment.authorise&paymentRequest.merchantAccount=PseudoMerchant1&paymentRequest.reference=my+order%2f1"
        f"&paymentRequest.card.number={secrets[0]}&paymentRequest.card.cvc={secrets[1]}"
        f"&paymentRequest.amount.value=500&paymentRequest.additionalData.card.encrypted.json={secrets[2]}&empty=&flag"
    )
    reference = json.loads(read.response_body)["pspReference"]
    assert pay.response_body.decode() == f"pspReference={reference}&resultCode=Authorised&authCode=0777\r\n"


def test_a_company_account_in_a_form_is_replaced_and_json_that_is_called_a_form_is_json() -> None:
    first, second = scrubbed(
        posted("/v3/x", b"companyId=Acme%20%26%20Co&note=Acme+Co"), posted("/v3/x", b'{"companyId": "AcmeCorp"}')
    )

    assert first.request_body == b"companyId=PseudoCompany1&note=Acme+Co"
    assert json.loads(second.request_body) == {"companyId": "PseudoCompany2"}


@pytest.mark.parametrize(
    ("address", "clean"),
    [
        (
            "https://ca-test.adyen.com/ca/go.shtml?company=AcmeCorp&page=2",
            "https://ca-test.adyen.com/ca/go.shtml?company=PseudoCompany1&page=2",
        ),
        ("/v3/me?merchantAccount=AcmeECOM#top", "/v3/me?merchantAccount=PseudoMerchant1#top"),
        (
            "https://ca-test.adyen.com/go?to=https%3A%2F%2Fca-test.adyen.com%2Fx%3Fcompany%3DAcmeCorp",
            "https://ca-test.adyen.com/go?to=https%3A%2F%2Fca-test.adyen.com%2Fx%3Fcompany%3DPseudoCompany1",
        ),
    ],
)
def test_the_query_of_an_address_is_scrubbed_wherever_the_address_stands(address: str, clean: str) -> None:
    found = answered("/v3/me", {"url": address}, (*JSON, ("location", address)))
    (here,) = scrubbed(found)
    (text,) = scrubbed(answered("/v3/me", address.encode(), (("content-type", "text/plain"),)))

    assert dict(here.response_headers)["location"] == clean
    assert json.loads(here.response_body) == {"url": clean}
    assert text.response_body.decode() == clean


def test_the_address_of_a_shop_keeps_its_own_words() -> None:
    shop = "https://shop.example.com/done?company=Florist&id=4711&merchantAccount="
    (clean,) = scrubbed(posted("https://shop.example.com/start", f"returnUrl={shop}AcmeECOM".encode(), JSON))

    assert clean.request_body.decode() == f"returnUrl={shop}PseudoMerchant1"


def test_addresses_within_addresses_end() -> None:
    deep = "/a?b=" * 2_000
    (clean,) = scrubbed(answered("/v3/me", {"id": "S2-6262224667", "url": deep}))

    assert json.loads(clean.response_body)["url"] == deep


ANSWERED = (
    *JSON,
    ("X-Rate-Limit", "100"),
    ("X-Shop", "Vendo_Shop_NL"),
    ("X-Asked", "/v3/merchants/Vendo_Shop_NL/hooks"),
    ("X-Pass", "quite-a-phrase"),
    ("X-Other", "edge-17"),
    ("X-Request-Id", "8836183819713023"),
    ("Set-Cookie", "JSESSIONID=B7C1D2E3F4A59687; Path=/"),
    ("Authorization", "Bearer B7C1D2E3F4A59687"),
    ("Content-Encoding", "identity"),
)


def own_contract(folder: Path, version: str = "v3") -> Path:
    """Write a contract with one operation, whose answer has documented headers, and return its folder."""
    structures = folder / version / "structures"
    structures.mkdir(parents=True)
    text = {"type": "string"}
    properties = {"handle": {**text, "x-identity": "username"}, "phrase": {**text, "x-secret": True}, "colour": text}
    schema = {"$schema": "https://json-structure.org/meta/extended/v0/#", "$id": f"adyen-creds://mine/{version}/Hook"}
    schema |= {"name": "Hook", "type": "object", "properties": properties}
    (structures / "Hook.struct.json").write_text(json.dumps(schema))
    headers = {
        name: {"required": name not in ("Set-Cookie", "X-Pass", "Authorization", "Content-Encoding"), "schema": text}
        for name, _ in ANSWERED
        if name not in ("content-type", "X-Other")
    }
    headers["X-Shop"]["schema"] = {**text, "x-identity": "merchant"}
    headers["X-Pass"]["schema"] = {**text, "x-secret": True}
    content = {"application/json": {"schema": {"$ref": "structures/Hook.struct.json"}}}
    answers = {"200": {"description": "x", "content": content, "headers": headers}}
    answers["422"] = {"description": "x", "content": content}
    about = {"openapi": "3.1.0", "info": {"title": "Hooks", "version": version}}
    paths = {"/hooks": {"get": {"responses": answers}}}
    (folder / version / "openapi.yaml").write_text(json.dumps({**about, "paths": paths}))
    return folder


def test_documented_headers_are_recorded_scrubbed_and_judged_as_the_answer_was(tmp_path: Path) -> None:
    folder = own_contract(tmp_path / "mine")
    contract = load_contract("v3", folder)
    scrubber = Scrubber(contract, registry=SecretRegistry())

    asked = [answered("/v3/hooks", {"colour": "green"}, ANSWERED, status) for status in (200, 422)]
    clean, refused = scrubber.interactions(asked)

    assert dict(clean.response_headers) == {
        "content-type": "application/json",
        "x-asked": "/v3/merchants/PseudoMerchant1/hooks",
        "x-rate-limit": "100",
        "x-request-id": "REQUEST000000001",
        "x-shop": "PseudoMerchant1",
    }
    assert refused.response_headers == JSON
    assert scrubber.interactions([clean, refused]) == [clean, refused]
    made = provenance_of(contract, "live", datetime.now(UTC))
    (tmp_path / "recorded").mkdir()
    serializer.write(tmp_path / "recorded" / "x.yaml", Cassette((clean,), made))
    judged = ["cassettes", str(tmp_path / "recorded"), "--contracts", str(folder)]
    assert not drift.main(args=judged, standalone_mode=False)


HOOK = {"handle": "nightly-deployer", "phrase": "quite-a-phrase", "colour": "green"}


@pytest.mark.parametrize("version", ["v3", "v1"])
@pytest.mark.parametrize("way", ["option", "ini"])
def test_a_contract_of_ones_own_says_what_the_commands_look_for(version: str, way: str, tmp_path: Path) -> None:
    folder = own_contract(tmp_path / "mine", version)
    options = ("--contracts", folder) if way == "option" else ()
    hook = answered(f"/{version}/hooks", HOOK, (*JSON, ("x-rate-limit", "100")))
    serializer.write(Path("recording.yaml"), Cassette((hook,)))
    assert run("check", "recording.yaml") == 0
    if way == "ini":
        (tmp_path / "pytest.ini").write_text("[pytest]\nadyen_contracts = mine\n")

    (clean,) = scrubbed(hook, options=options)

    body = json.loads(clean.response_body)
    assert body["handle"] == "PseudoUser1"
    assert body["phrase"].startswith("Pseudonym-")
    assert body["colour"] == "green"
    assert dict(clean.response_headers)["x-rate-limit"] == "100"


def test_a_recording_made_with_a_contract_of_ones_own_is_stale_by_that_contract_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = own_contract(tmp_path / "mine")
    made = provenance_of(load_contract("v3", folder), "live", datetime.now(UTC))
    serializer.write(Path("recording.yaml"), Cassette((answered("/v3/hooks", {"colour": "green"}),), made))

    assert run("check", "recording.yaml", "--contracts", folder) == 0
    assert run("check", "recording.yaml") == 1
    assert "another version of contract v3" in capsys.readouterr().out


@pytest.mark.parametrize("command", ["check", "scrub"])
def test_a_folder_without_a_contract_is_refused(command: str, tmp_path: Path) -> None:
    serializer.write(Path("recording.yaml"), Cassette((answered("/v3/hooks", HOOK),)))

    with pytest.raises(AdyenCredsError, match="no contract 'v3'"):
        run(command, "recording.yaml", "--contracts", tmp_path)
