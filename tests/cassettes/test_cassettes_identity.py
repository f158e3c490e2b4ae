"""No id, session, trace, user name, account or secret is left in a recording, and what is planted is found."""

from __future__ import annotations

import json
import re
import secrets
import string
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from werkzeug import Request, Response

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.commands import cassettes
from pytest_adyen_creds.cassettes.model import Cassette, Interaction, Provenance
from pytest_adyen_creds.cassettes.recording import Recording, interaction_of, provenance_of
from pytest_adyen_creds.cassettes.redact.fields import secret_properties
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
from pytest_adyen_creds.secrets import SecretRegistry

pytestmark = pytest.mark.usefixtures("own_secrets")

MANAGEMENT = "https://management-test.adyen.com"
CHECKOUT = "https://checkout-test.adyen.com"
RECORDED = Path(__file__).resolve().parents[3] / "shared" / "adyen" / "observed" / "recorded-2025-08.json"

CREDENTIAL = "CRED42ABC12345678M0123456789AB"
ODD_CREDENTIAL = "77120943"
ORIGIN_ID = "S2-" + "0F3A9C27D1B86E45" * 3 + "A1B2C3D4E5F6"
WEBHOOK = "WBHK42CLX22322945MWKG72FB7R7LN"
REQUEST = "9e30815c-35b2-c75e-11c1-b1030b96bf20_0-9E30815C34FZ2822"
SESSION = "B7C1D2E3F4A5968778695A4B3C2D1E0F.node12a"
TRACE = "00-c2aa70915402f1d1eed32b0123ac213e-0308b1f0b9147089-01"
COMPANY = "VendoGroup"
SPACED = "Vendo Überseehandel GmbH"
MERCHANT = "Vendo_Shop_NL"
USER = "ws_481516@Company.VendoGroup"
OTHER_USER = "nightly-deployer"
API_KEY = "AQE" + "hmf7/K+3" * 12 + "==-" + "mB4x" * 10 + "=-q7W!"
CLIENT_KEY = "test_7QWERTYUIOPASDFGHJKLZXCVBNM012345"
PASSWORD = "r7#kP!w2@zQ9$mX4&b"
HMAC_KEY = "D7E1F2A3B4C5968778695A4B3C2D1E0F" * 2

PLANTED = {
    name: value
    for name, value in globals().items()
    if name.isupper() and isinstance(value, str) and name not in ("MANAGEMENT", "CHECKOUT")
}

ANSWERED = (
    ("Content-Type", "application/json;charset=utf-8"),
    ("Set-Cookie", f"JSESSIONID={SESSION}; Path=/configurationapi; Secure; HttpOnly"),
    ("Traceparent", TRACE),
    ("Pspreference", REQUEST),
    ("Requestid", REQUEST),
    ("X-Unknown-To-Us", SESSION),
    ("Date", "Thu, 14 Aug 2025 09:28:38 GMT"),
    ("Server", "edge-17.vendo"),
    ("Strict-Transport-Security", "max-age=31536000; includeSubDomains"),
)


def run(*arguments: object) -> int:
    status = cassettes.main(args=[str(argument) for argument in arguments], standalone_mode=False)
    return status if isinstance(status, int) else 0


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("ADYEN_MANAGEMENT_API_KEY", "ADYEN_COMPANY_ACCOUNT", "ADYEN_MERCHANT_ACCOUNT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)


def exchange(path: str, body: Any = None, *, host: str = MANAGEMENT, status: int = 200, **parts: Any) -> Interaction:
    data = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    headers = (("X-API-Key", API_KEY), ("Cookie", f"JSESSIONID={SESSION}"), ("User-Agent", "vendo/1"))
    plain = Interaction("GET", host + path, headers, b"", status, "OK", ANSWERED, data)
    return replace(plain, **parts)


def credential(version: str, **more: Any) -> dict[str, Any]:
    own = f"{MANAGEMENT}/{version}/companies/{COMPANY}/apiCredentials/{CREDENTIAL}"
    origin = {"id": ORIGIN_ID, "domain": "https://shop.example.com"}
    origin["_links"] = {"self": {"href": f"{own}/allowedOrigins/{ORIGIN_ID}"}}  # type: ignore[assignment]
    body = {"id": CREDENTIAL, "username": USER, "clientKey": CLIENT_KEY, "active": True, "allowedOrigins": [origin]}
    return {**body, "associatedMerchantAccounts": [MERCHANT], "_links": {"self": {"href": own}}, **more}


def recording(version: str) -> list[Interaction]:
    company, merchant = f"/{version}/companies/{COMPANY}", f"/{version}/merchants/{MERCHANT}"
    refused = {"title": "Not found", "detail": f"There is no {ORIGIN_ID} of {USER} in {COMPANY}", "requestId": REQUEST}
    webhook = {"id": WEBHOOK, "username": OTHER_USER, "password": PASSWORD, "hmacKeyCheckValue": "C3EB00"}
    return [
        exchange(
            f"{company}/apiCredentials",
            credential(version, apiKey=API_KEY, password=PASSWORD),
            method="POST",
            request_body=json.dumps({"associatedMerchantAccounts": [MERCHANT], "roles": []}).encode(),
        ),
        exchange(f"{merchant}/apiCredentials/{CREDENTIAL}", credential(version)),
        exchange(f"/{version}/me", credential(version, id=ODD_CREDENTIAL, companyName=SPACED)),
        exchange(f"{merchant}/apiCredentials/{ODD_CREDENTIAL}/allowedOrigins/{ORIGIN_ID}", refused, status=422),
        exchange(f"{company}/webhooks?owner={MERCHANT}", {"data": [webhook]}),
        exchange(f"{merchant}/webhooks/{WEBHOOK}/generateHmac", {"hmacKey": HMAC_KEY}, method="POST"),
        exchange(
            "/v71/payments",
            {"pspReference": "8836183819713023", "additionalData": {"hmacSignature": "c2lnbmF0dXJlIG9mIGl0IQ=="}},
            host=CHECKOUT,
            method="POST",
            request_body=json.dumps({"merchantAccount": MERCHANT, "reference": f"by {OTHER_USER}"}).encode(),
        ),
    ]


def write_as_vcrpy(path: Path, interactions: list[Interaction]) -> None:
    def headers(pairs: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
        return {name: [value] for name, value in pairs}

    items = [
        {
            "request": {
                "method": each.method,
                "uri": each.uri,
                "headers": headers(each.request_headers),
                "body": each.request_body.decode() or None,
            },
            "response": {
                "status": {"code": each.status, "message": each.reason},
                "headers": headers(each.response_headers),
                "body": {"string": each.response_body.decode()},
            },
        }
        for each in interactions
    ]
    path.write_text(yaml.safe_dump({"version": 1, "interactions": items}, allow_unicode=True), encoding="utf-8")


def left_in(text: str, planted: dict[str, str]) -> set[str]:
    spelled = (text, text.replace("\\/", "/"), re.sub(r"\n\s+", " ", text))
    return {name for name, value in planted.items() if any(value in each for each in spelled)}


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_nothing_is_left_in_a_cassette_of_vcrpy(version: str, tmp_path: Path) -> None:
    path = tmp_path / "theirs.yaml"
    write_as_vcrpy(path, recording(version))
    assert left_in(path.read_text(encoding="utf-8"), PLANTED) == set(PLANTED)
    assert run("check", path) == 1

    assert run("scrub", path, "--write") == 0

    text = path.read_text(encoding="utf-8")
    assert left_in(text, PLANTED) == set()
    assert not re.search(
        "JSESSIONID|traceparent|strict-transport|x-unknown|edge-17|c2lnbmF0dXJl|8836183819713023", text
    )
    assert run("check", path) == 0
    assert run("scrub", path) == 0


def test_one_thing_has_one_pseudonym_and_different_things_have_different_ones() -> None:
    scrubber = Scrubber(load_contract("v3"), registry=SecretRegistry())

    clean = scrubber.interactions(recording("v3"))

    made, read, me, refused, hooks, hmac, paid = clean
    body = json.loads(made.response_body)
    assert re.fullmatch(r"S2-\d{10}", body["id"])
    assert body["_links"]["self"]["href"] == f"{MANAGEMENT}/v3/companies/PseudoCompany1/apiCredentials/{body['id']}"
    assert read.uri == f"{MANAGEMENT}/v3/merchants/PseudoMerchant1/apiCredentials/{body['id']}"
    origin, other = body["allowedOrigins"][0]["id"], json.loads(me.response_body)["id"]
    assert len({body["id"], origin, other}) == 3
    assert refused.uri.endswith(f"/apiCredentials/{other}/allowedOrigins/{origin}")
    assert json.loads(refused.response_body)["detail"] == (
        f"There is no {origin} of ws_000001@Company.PseudoCompany1 in PseudoCompany1"
    )
    hook = json.loads(hooks.response_body)["data"][0]
    assert hmac.uri.endswith(f"/webhooks/{hook['id']}/generateHmac")
    assert hook["hmacKeyCheckValue"] == "C3EB00"
    assert json.loads(paid.request_body)["reference"] == f"by {hook['username']}"
    assert {name for each in clean for name, _ in each.response_headers} == {"content-type"}
    assert scrubber.interactions(clean) == clean


def test_what_another_host_answers_keeps_its_headers_and_its_own_names() -> None:
    body = {"id": "order-4711", "token": "for the page", "username": "anna"}
    recorded = exchange("/orders/4711", body, host="https://shop.example.com")

    (clean,) = Scrubber(load_contract("v3"), registry=SecretRegistry()).interactions([recorded])

    assert json.loads(clean.response_body) == body
    kept = {name for name, _ in clean.response_headers}
    assert {"set-cookie", "x-unknown-to-us", "strict-transport-security", "requestid"} <= kept
    assert SESSION not in str([value for name, value in clean.response_headers if name == "set-cookie"])


def test_a_loopback_service_of_the_users_own_is_not_taken_for_adyen() -> None:
    recorded = exchange("/orders/4711", {"id": "order-4711"}, host="http://127.0.0.1:5000")

    (clean,) = Scrubber(load_contract("v3"), registry=SecretRegistry(), foreign=True).interactions([recorded])

    assert clean.uri == recorded.uri
    assert "strict-transport-security" in {name for name, _ in clean.response_headers}


@pytest.mark.parametrize(
    ("body", "stays"),
    [
        ({"paymentMethod": {"type": "scheme", "number": "4111111111111111", "cvc": "737"}}, "scheme"),
        ({"card": {"number": 4111111111111111, "cvc": 737, "expiryYear": "2030"}}, "2030"),
        ({"additionalData": {"card.encrypted.json": "4111111111111111", "cardBin": "411111"}}, "411111"),
        ({"bankAccount": {"iban": "NL91ABNA4111111111111111", "countryCode": "NL"}}, "NL"),
        ({"additionalData": {"recurring.recurringDetailReference": "4111111111111111"}, "number": "7"}, '"7"'),
        ({"lineItems": [{"id": "item-1", "number": "55"}], "token": "4111111111111111"}, "item-1"),
    ],
)
def test_secrets_of_other_apis_of_adyen_are_found_and_all_else_stays(body: Any, stays: str) -> None:
    recorded = exchange("/v71/payments", host=CHECKOUT, request_body=json.dumps(body).encode(), method="POST")

    (clean,) = Scrubber(load_contract("v3"), registry=SecretRegistry()).interactions([recorded])

    for secret in (b"4111111111111111", b"737"):
        assert secret not in clean.request_body
    assert stays.encode() in clean.request_body


@pytest.mark.parametrize(
    "text",
    [
        "card.number=4111111111111111&reference=my-order",
        "paymentMethod.encryptedCardNumber=4111111111111111&reference=my-order",
        "<ns1:cvc>4111111111111111</ns1:cvc><ns1:reference>my-order</ns1:reference>",
        '{"cvc": "4111111111111111", "reference": "my-order", "reference": "my-order"}',
    ],
)
def test_secrets_are_found_in_bodies_that_are_no_json(text: str) -> None:
    recorded = exchange("/pal/servlet/Payment/v68/authorise", host=CHECKOUT, request_body=text.encode())

    (clean,) = Scrubber(load_contract("v3"), registry=SecretRegistry()).interactions([recorded])

    assert b"4111111111111111" not in clean.request_body
    assert b"my-order" in clean.request_body


@pytest.mark.parametrize("name", sorted(secret_properties()))
def test_each_secret_property_is_scrubbed_and_found(name: str, tmp_path: Path) -> None:
    parent, _, last = name.rpartition(".")
    body: Any = {last: "as-secret-as-can-be"}
    recorded = exchange(
        "/v71/x", {parent: body} if parent else body, host=CHECKOUT, request_headers=(), response_headers=()
    )
    path = tmp_path / "x.yaml"
    serializer.write(path, Cassette((recorded,)))
    assert run("check", path) == 1

    assert run("scrub", path, "--write") == 0

    assert "as-secret-as-can-be" not in path.read_text()
    assert run("check", path) == 0


def clean_cassette() -> Cassette:
    scrubber = Scrubber(load_contract("v3"), registry=SecretRegistry())
    made = Provenance("live", "2026-11-24T00:00:00Z", "v3", load_contract("v3").digest, "pytest-adyen-creds 0.1.0")
    return Cassette(tuple(scrubber.interactions(recording("v3"))), made)


def with_body(**members: Any) -> Callable[[Interaction], Interaction]:
    return lambda each: replace(each, response_body=json.dumps({**json.loads(each.response_body), **members}).encode())


def with_header(side: str, name: str, value: str) -> Callable[[Interaction], Interaction]:
    return lambda each: replace(each, **{side: (*getattr(each, side), (name, value))})


def at(path: str) -> Callable[[Interaction], Interaction]:
    return lambda each: replace(each, uri=MANAGEMENT + path)


@pytest.mark.parametrize(
    ("plant", "says"),
    [
        (with_body(id=CREDENTIAL), "the response's body holds an id"),
        (with_body(id=ODD_CREDENTIAL), "the response's body holds an id"),
        (with_body(detail=f"no {ORIGIN_ID}"), "the response's body holds an id"),
        (with_body(username=USER), "the response's body holds a user name"),
        (with_body(username=OTHER_USER), "the response's body holds a user name"),
        (with_body(companyName=SPACED), "the response's body holds the name of a company account"),
        (with_body(associatedMerchantAccounts=[MERCHANT]), "the response's body holds the name of a merchant account"),
        (with_body(requestId=REQUEST), "the response's body holds the id of a request"),
        (with_body(apiKey="my own key"), "the response's body holds a value in the place of a secret"),
        (with_body(password=PASSWORD), "the response's body holds a value in the place of a secret"),
        (with_body(hmacKey=HMAC_KEY), "the response's body holds a value in the place of a secret"),
        (with_body(_links={"self": {"href": f"{MANAGEMENT}/v3/me/allowedOrigins/{ODD_CREDENTIAL}"}}), "holds an id"),
        (at(f"/v3/companies/PseudoCompany1/apiCredentials/{CREDENTIAL}"), "the request's address holds an id"),
        (at(f"/v3/companies/{COMPANY}/apiCredentials"), "the request's address holds the name of a company account"),
        (at(f"/v3/merchants/{MERCHANT}/webhooks"), "the request's address holds the name of a merchant account"),
        (at("/v3/me?apiKey=my-own-key"), "the request's address holds a value in the place of a secret"),
        (with_header("response_headers", "set-cookie", f"JSESSIONID={SESSION}"), "header set-cookie holds a session"),
        (with_header("request_headers", "Cookie", f"JSESSIONID={SESSION}"), "header cookie holds a session"),
        (with_header("response_headers", "traceparent", TRACE), "header traceparent holds the trace of a request"),
        (with_header("response_headers", "Requestid", REQUEST), "header requestid holds the trace of a request"),
        (with_header("response_headers", "pspreference", REQUEST), "header pspreference holds the trace of a request"),
        (with_header("request_headers", "x-api-key", "my own key"), "header x-api-key holds a value in the place"),
        (
            with_header("request_headers", "authorization", "Basic bmlnaHRseS1kZXBsb3llcjpQc2V1ZG9ueW0tMDAwMDAx"),
            "header authorization holds a user name",
        ),
        (
            with_header("response_headers", "location", f"/v3/merchants/{MERCHANT}/apiCredentials"),
            "header location holds the name of a merchant account",
        ),
    ],
)
def test_what_is_planted_by_hand_is_found_and_named_but_not_shown(
    plant: Callable[[Interaction], Interaction], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cassette = clean_cassette()
    serializer.write(tmp_path / "x.yaml", cassette)
    assert run("check", tmp_path / "x.yaml") == 0
    first, second, *others = cassette.interactions
    serializer.write(tmp_path / "x.yaml", replace(cassette, interactions=(first, plant(second), *others)))
    capsys.readouterr()

    assert run("check", tmp_path / "x.yaml") == 1

    out = capsys.readouterr().out
    assert "interaction 2: secret: " in out
    assert says in out
    assert "adyen-creds cassettes scrub" in out
    assert left_in(out, PLANTED) == set()


def test_the_sandboxs_own_accounts_and_the_words_of_other_tools_pass(tmp_path: Path) -> None:
    cassette = clean_cassette()
    first, *others = cassette.interactions
    body = {"companyName": "TestCompany", "username": "ws@Company.TestCompany", "id": "<REDACTED>", "requestId": "***"}
    first = replace(first, response_body=json.dumps(body).encode())
    serializer.write(tmp_path / "x.yaml", replace(cassette, interactions=(first, *others)))

    assert run("check", tmp_path / "x.yaml") == 0


def test_new_exchanges_in_a_scrubbed_cassette_get_pseudonyms_of_their_own(tmp_path: Path) -> None:
    scrubber = Scrubber(load_contract("v3"), registry=SecretRegistry())
    old = scrubber.interactions([exchange("/v3/me", {"id": CREDENTIAL, "apiKey": API_KEY})])
    new = exchange("/v3/me", {"id": ODD_CREDENTIAL, "apiKey": API_KEY[:-1] + "x"})

    clean_new, clean_old = scrubber.interactions([new, *old])

    assert [clean_old] == old
    for name in ("id", "apiKey"):
        assert json.loads(clean_new.response_body)[name] != json.loads(clean_old.response_body)[name]


def test_a_contract_of_the_users_own_says_where_its_names_are(tmp_path: Path) -> None:
    structures = tmp_path / "v3" / "structures"
    structures.mkdir(parents=True)
    schema = {
        "$schema": "https://json-structure.org/meta/extended/v0/#",
        "$id": "adyen-creds://mine/v3/Hook",
        "name": "Hook",
        "type": "object",
        "properties": {
            "handle": {"type": "string", "x-identity": "username"},
            "shops": {"type": "array", "items": {"type": "string", "x-adyen-data": "merchant"}},
            "phrase": {"type": "string", "x-secret": True},
            "colour": {"type": "string"},
        },
    }
    (structures / "Hook.struct.json").write_text(json.dumps(schema))
    answer = {"content": {"application/json": {"schema": {"$ref": "structures/Hook.struct.json"}}}, "description": "x"}
    holder = {"name": "holder", "in": "path", "required": True, "schema": {"type": "string", "x-adyen-data": "company"}}
    paths = {"/hooks/{holder}/x": {"get": {"parameters": [holder], "responses": {"200": answer}}}}
    about = {"openapi": "3.1.0", "info": {"title": "Hooks", "version": "3"}, "paths": paths}
    (tmp_path / "v3" / "openapi.yaml").write_text(yaml.safe_dump(about))
    body = {"handle": OTHER_USER, "shops": [MERCHANT], "phrase": PASSWORD, "colour": "green"}

    scrubber = Scrubber(load_contract("v3", tmp_path), registry=SecretRegistry())
    (clean,) = scrubber.interactions([exchange("/v3/hooks/Vendo%20%26%20Co/x", body)])

    assert clean.uri == f"{MANAGEMENT}/v3/hooks/PseudoCompany1/x"
    kept = json.loads(clean.response_body)
    assert (kept["handle"], kept["shops"], kept["colour"]) == ("PseudoUser1", ["PseudoMerchant1"], "green")
    assert kept["phrase"].startswith("Pseudonym-")


@pytest.fixture
def server() -> Iterator[httpx.Client]:
    answers = iter(recording("v3"))

    @Request.application
    def app(request: Request) -> Response:
        answer = next(answers)
        return Response(answer.response_body, answer.status, list(answer.response_headers))

    with httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://127.0.0.1:8099") as client:
        yield client


def test_nothing_is_left_in_a_recording_of_our_own(server: httpx.Client, tmp_path: Path) -> None:
    contract = load_contract("v3")
    log = Recording(Scrubber(contract, registry=SecretRegistry()))
    for each in recording("v3"):
        path = each.uri.removeprefix(MANAGEMENT).removeprefix(CHECKOUT)
        signed = {"X-API-Key": API_KEY, "Cookie": f"JSESSIONID={SESSION}"}
        response = server.request(each.method, path, headers=signed, content=each.request_body)
        log.note(interaction_of(response.request, response))

    provenance = provenance_of(contract, "live", datetime(2026, 11, 24, tzinfo=UTC))
    serializer.write(tmp_path / "own.yaml", log.scrubbed(provenance))

    text = (tmp_path / "own.yaml").read_text(encoding="utf-8")
    assert "Every secret, account name, user name and id below is a pseudonym" in text
    assert left_in(text, PLANTED) == set()
    assert "127.0.0.1" not in text
    assert not re.search("JSESSIONID|traceparent|strict-transport|x-unknown|edge-17", text)
    assert run("check", tmp_path / "own.yaml") == 0


def realistic(text: str, planted: dict[str, str]) -> str:
    """Return recorded exchanges with values of their own in the places that were blanked before publishing."""

    def key(match: re.Match[str]) -> str:
        name = f"client key {len(planted)}"
        planted[name] = "test_" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in match[1])
        return planted[name]

    def session(match: re.Match[str]) -> str:
        name = f"session {len(planted)}"
        planted[name] = secrets.token_hex(16).upper()
        return match[0].replace("hidden", planted[name])

    text = re.sub(r"test_(X+)", key, text)
    text = re.sub(r"JSESSIONID=hidden", session, text)
    for name, value in (("TestCompany", COMPANY), ("TestMerchant", MERCHANT), ("ws_000001@", "ws_481516@")):
        text = text.replace(name, value)
    return text


@pytest.mark.skipif(not RECORDED.is_file(), reason="the recorded answers of the platform are not part of this project")
def test_nothing_is_left_of_what_the_platform_was_seen_to_answer(tmp_path: Path) -> None:
    planted = {"company": COMPANY, "merchant": MERCHANT, "user": "481516", "api key": API_KEY}
    exchanges = json.loads(realistic(RECORDED.read_text(encoding="utf-8"), planted))["exchanges"]
    recorded = []
    for number, each in enumerate(exchanges):
        headers = tuple((name, value) for name, values in each["response_headers"].items() for value in values)
        planted |= {f"{name} {number}": value for name, value in headers if re.search("(?i)trace|request|pspref", name)}
        body = json.dumps(each["response_body"])
        planted |= {value: value for value in re.findall(r"\b(?:CRED\w+|S2-\w+)", body)}
        recorded.append(
            exchange(
                each["path"],
                each["response_body"],
                method=each["method"],
                status=each["status"],
                request_body=(each["request_body"] or "").encode(),
                response_headers=headers,
            )
        )
    planted["webhook"] = "DUADUAUDUADUAUDAUBLEBLEBLEBLE"
    path = tmp_path / "theirs.yaml"
    write_as_vcrpy(path, recorded)
    assert left_in(path.read_text(encoding="utf-8"), planted) == set(planted)

    assert run("scrub", path, "--write") == 0

    text = path.read_text(encoding="utf-8")
    assert left_in(text, planted) == set()
    assert not re.search("(?i)jsessionid|traceparent|pspreference|strict-transport", text)
    assert run("check", path) == 0
    assert serializer.read(path).interactions[0].status == 200
