"""Scrubbing: no secret survives in any form, the same one is the same pseudonym, and twice changes nothing."""

from __future__ import annotations

import base64
import gzip
import json
import re
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.model import Cassette, Interaction, find_header
from pytest_adyen_creds.cassettes.recording import Recording
from pytest_adyen_creds.cassettes.redact.pseudonyms import is_part_of_pseudonyms
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.secrets import SecretRegistry

ORIGIN = "https://management-test.adyen.com"
ELSEWHERE = "https://shop.example.com"
API_KEY = "AQE" + "h+/K" * 20 + "==-" + "mB4x" * 10 + "=-{w1%#~}Zq!"
PASSWORD = 'P@ss "w\\rd/é9'
CLIENT_KEY = "test_7QWERTYUIOPASDFGHJKLZXCVBNM012345"


def scrubber(*registered: str, accounts: tuple[str, ...] = (), keep: tuple[str, ...] = ()) -> Scrubber:
    registry = SecretRegistry()
    for value in registered:
        registry.add(value)
    return Scrubber(load_contract(), accounts, registry, keep=keep)


def exchange(uri: str = f"{ORIGIN}/v3/me", **parts: Any) -> Interaction:
    plain = Interaction("GET", uri, (), b"", 200, "OK", (), b"")
    return replace(plain, **parts)


def text_of(*interactions: Interaction) -> str:
    return serializer.dumps(Cassette(interactions))


def created(**more: Any) -> Interaction:
    body = {
        "id": "S2-6262224667",
        "username": "ws_123456@Company.AcmeGroup",
        "apiKey": API_KEY,
        "password": PASSWORD,
        "clientKey": CLIENT_KEY,
        **more,
    }
    return exchange(
        f"{ORIGIN}/v3/companies/AcmeGroup/apiCredentials",
        method="POST",
        request_body=b'{"roles": []}',
        response_body=json.dumps(body).encode(),
    )


def forms(value: str) -> list[str]:
    raw = value.encode()
    return [
        value,
        json.dumps(value)[1:-1],
        json.dumps(value, ensure_ascii=False)[1:-1],
        quote(value, safe=""),
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
        base64.b64encode(b"user:" + raw).decode().rstrip("="),
        re.sub("%..", lambda match: match[0].lower(), quote(value, safe="")),
        quote(quote(value, safe=""), safe=""),
        "".join(f"&#{ord(char)};" for char in value),
        "".join(f"&#x{ord(char):X};" for char in value),
        "".join(f"\\u{ord(char):04x}" for char in value),
        json.dumps(value)[1:-1].replace("/", "\\/"),
    ]


def test_the_secrets_of_a_life_are_the_same_pseudonyms_from_the_create_response_on() -> None:
    basic = base64.b64encode(f"ws_123456@Company.AcmeGroup:{PASSWORD}".encode()).decode()
    used = exchange(request_headers=(("X-API-Key", API_KEY),))
    signed_in = exchange(request_headers=(("Authorization", f"Basic {basic}"),))

    first, second, third = scrubber().interactions([created(), used, signed_in])

    body = json.loads(first.response_body)
    assert body["apiKey"].startswith("AQEPSEUDONYM")
    assert body["clientKey"].startswith("test_PSEUDONYM")
    assert find_header(second.request_headers, "x-api-key") == body["apiKey"]
    sent = base64.b64decode((find_header(third.request_headers, "authorization") or "").removeprefix("Basic ")).decode()
    assert sent == f"{body['username']}:{body['password']}"
    assert body["username"] == "ws_000001@Company.PseudoCompany1"
    assert first.uri == f"{ORIGIN}/v3/companies/PseudoCompany1/apiCredentials"


@pytest.mark.parametrize("secret", [API_KEY, PASSWORD, CLIENT_KEY, "s3cret"])
@pytest.mark.parametrize("form", range(13))
def test_a_registered_secret_is_found_in_every_form_and_every_place(secret: str, form: int) -> None:
    hidden = forms(secret)[form]
    raw = hidden.encode()
    recorded = [
        exchange(f"{ORIGIN}/v3/x/{quote(hidden)}?q={quote(hidden)}"),
        exchange(request_headers=(("x-note", f"a {hidden} b"),), response_headers=(("location", hidden),)),
        exchange(request_body=raw, response_body=b"\xff\x00" + raw),
        exchange(request_body=json.dumps({"a": [f"x{hidden}y"], hidden: 1}).encode(), reason=f"No {hidden}"),
        exchange(request_body=b'{"n": 1.50, "a": "b' + raw + b'"}', response_body=f"{hidden}.".encode("utf-16-be")),
        exchange(response_body=base64.b64encode(b"prefix " + raw + b" suffix"), meta={"note": hidden}),
        exchange(response_body=gzip.compress(raw), response_headers=(("content-encoding", "gzip"),)),
        exchange(response_body=zlib.compress(raw), response_headers=(("content-encoding", "deflate"),)),
        exchange(request_body=json.dumps({"a": hidden}).encode("utf-16")),
        exchange(response_body=f"{hidden[:4]}\n   {hidden[4:]}".encode()),
    ]

    clean = scrubber(secret).interactions(recorded)

    everything = text_of(*clean) + "".join(repr(item) for item in clean)
    for left in (*forms(secret), base64.b64encode(raw).decode()):
        assert left not in everything
    for item in clean:
        for body in (item.request_body, item.response_body):
            for left in forms(secret):
                assert left.encode() not in body.replace(b"\n   ", b"").replace(b"\x00", b"")


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({"a": {"apiKey": API_KEY}}),
        json.dumps([{"password": {"hash": [API_KEY]}}]),
        '{"apiKey": "' + API_KEY,
        '{"apiKey": "' + API_KEY + '", "apiKey": "' + API_KEY + '"}',
        json.dumps({"echo": json.dumps({"apiKey": API_KEY})}),
        json.dumps(json.dumps({"echo": json.dumps({"apiKey": API_KEY})})),
        "apiKey=" + quote(API_KEY),
        f"<apiKey>{API_KEY}</apiKey>",
        '{"n": 1e5, "APIKEY" : "' + API_KEY + '"}',
        '{"n": 1.50, "apiKey": "' + API_KEY.replace("/", "\\/") + '"}',
        f"No key {API_KEY} is known",
        f"X-API-Key%3A%20{quote(API_KEY, safe='')}",
        "Basic " + base64.b64encode(f"ws@Company.X:{API_KEY}".encode()).decode(),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-32-be"])
def test_a_secret_nobody_registered_is_found_by_its_place_or_by_what_it_looks_like(body: str, encoding: str) -> None:
    raw = body.encode(encoding)
    (clean,) = scrubber().interactions([exchange(request_body=raw, response_body=raw, reason=body)])

    for value in (API_KEY, quote(API_KEY), API_KEY[:40], API_KEY.replace("/", "\\/")):
        for where in (clean.request_body, clean.response_body, clean.reason.encode()):
            assert value.encode() not in where.replace(b"\0", b"")
    assert b"PSEUDONYM" in clean.response_body.replace(b"\0", b"") or body.startswith("Basic")
    assert scrubber().interactions([clean]) == [clean]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-API-Key", API_KEY),
        ("x-api-key", "short"),
        ("Authorization", f"Bearer {API_KEY}"),
        ("Authorization", f"Basic {API_KEY}"),
        ("Authorization", API_KEY),
        ("Proxy-Authorization", "Basic " + base64.b64encode(f"me:{API_KEY}".encode()).decode()),
        ("Cookie", f"JSESSIONID={API_KEY[:20]}; other=thing1234"),
        ("apiKey", API_KEY),
    ],
)
def test_the_headers_that_authenticate_are_pseudonyms_or_gone(name: str, value: str) -> None:
    recorded = [exchange(f"{origin}/v3/me", request_headers=((name, value),)) for origin in (ORIGIN, ELSEWHERE)]
    ours, other = (find_header(clean.request_headers, name) for clean in scrubber().interactions(recorded))

    assert other
    assert ours == (other if name.lower() in ("x-api-key", "authorization") else None)
    for part in (API_KEY, API_KEY[:20], "short", "thing1234", base64.b64encode(API_KEY.encode()).decode()):
        assert part not in other


@pytest.mark.parametrize("registered", [(), (API_KEY,)])
def test_what_follows_a_key_stays(registered: tuple[str, ...]) -> None:
    hidden = re.sub("%..", lambda match: match[0].lower(), quote(API_KEY, safe=""))
    recorded = exchange(f"{ORIGIN}/v3/companies/{hidden}/apiCredentials?key={hidden}&page=1", reason=f"No {API_KEY}")

    (clean,) = scrubber(*registered).interactions([recorded])

    assert re.fullmatch(r"No AQEPSEUDONYM0*1[^/&A-Y]*(Zq!)?", clean.reason)
    assert clean.uri.startswith(f"{ORIGIN}/v3/companies/AQEPSEUDONYM000")
    assert "/apiCredentials?key=AQEPSEUDONYM000" in clean.uri
    assert clean.uri.endswith("&page=1")
    if registered:
        key = clean.reason.removeprefix("No ")
        assert clean.uri == f"{ORIGIN}/v3/companies/{key}/apiCredentials?key={key}&page=1"


def sessions(origin: str) -> list[Interaction]:
    cookie = "JSESSIONID=abc123def456; Path=/; Expires=Thu, 01 Jan 2026 00:00:00 GMT"
    return [
        exchange(f"{origin}/v3/me", response_headers=(("Set-Cookie", cookie),), response_body=b"in abc123def456"),
        exchange(f"{origin}/v3/me", request_headers=(("Cookie", "JSESSIONID=abc123def456"),)),
    ]


def test_a_session_with_another_host_that_it_set_is_the_one_sent_back() -> None:
    first, second = scrubber().interactions(sessions(ELSEWHERE))

    cookie = find_header(second.request_headers, "cookie") or ""
    assert "abc123" not in cookie
    assert find_header(first.response_headers, "set-cookie") == f"{cookie}; Path=/"


def test_a_session_with_adyen_is_gone_from_everywhere() -> None:
    first, second = scrubber().interactions(sessions(ORIGIN))

    assert (first.response_headers, second.request_headers) == ((), ())
    assert first.response_body == b"in Pseudonym-000001"


def test_user_info_in_an_address_is_left_out() -> None:
    (clean,) = scrubber().interactions([exchange("https://ws:hunter2hunter2@management-test.adyen.com:443/v3/me")])

    assert clean.uri == f"{ORIGIN}/v3/me"


@pytest.mark.parametrize("name", ["Location", "Link", "Referer"])
def test_a_password_in_an_address_among_the_headers_is_a_pseudonym(name: str) -> None:
    headers = ((name, "<https://user:S3cret%2BPassw0rd@host/x>; a=https://user:S3cret%2BPassw0rd@host"),)

    recorded = [exchange(f"{ELSEWHERE}/x", request_headers=headers, response_headers=headers)]
    (clean,) = scrubber().interactions(recorded)

    for kept in (find_header(clean.request_headers, name), clean.response_headers[0][1]):
        assert kept == "<https://user:Pseudonym-000001@host/x>; a=https://user:Pseudonym-000001@host"


def test_pseudonyms_depend_on_the_order_alone() -> None:
    other = created(apiKey="AQE" + "x9" * 70, password="another-Secret!", clientKey="test_" + "Z9" * 16)
    other = replace(
        other,
        uri=other.uri.replace("AcmeGroup", "Other_Co"),
        response_body=other.response_body.replace(b"AcmeGroup", b"Other_Co").replace(b"6262224667", b"1112223334"),
    )

    assert scrubber().interactions([created()]) == scrubber().interactions([other])


def test_accounts_and_usernames_are_found_wherever_they_stand() -> None:
    recorded = exchange(
        f"{ORIGIN}/v3/merchants/Acme_Shop/apiCredentials?owner=Acme_Shop",
        response_body=json.dumps(
            {
                "companyName": "AcmeGroup",
                "associatedMerchantAccounts": ["Acme_Shop", "AcmeTwo"],
                "detail": "No access to Acme_Shop for ws@Company.AcmeGroup, ws_77@BalancePlatform.AcmeGroup.",
                "_links": {"self": {"href": f"{ORIGIN}/v3/merchants/Acme_Shop/apiCredentials/S2-12345678"}},
            }
        ).encode(),
    )

    clean = scrubber(accounts=("ConfiguredCo",)).interactions(
        [recorded, exchange(response_body=b'{"detail": "see ConfiguredCo"}')]
    )

    everything = text_of(*clean)
    for name in ("Acme", "ConfiguredCo", "ws_77@", "12345678"):
        assert name not in everything
    assert "ws@Company.PseudoCompany1" in everything
    assert everything.count("PseudoMerchant1") == 5


def test_what_a_request_names_in_an_accounts_place_is_replaced_there_and_nowhere_else() -> None:
    body = b'{"active": true, "roles": ["active Checkout role"], "companyName": "active", "Checkout": "active"}'
    recorded = [
        exchange(f"{ORIGIN}/v3/companies/active/apiCredentials", response_body=body, status=403),
        exchange(f"{ORIGIN}/v3/merchants/Checkout/apiCredentials", response_body=body, status=403),
        exchange(response_body=b'{"companyName": "roles", "roles": ["of roles"]}'),
    ]

    first, second, third = scrubber().interactions(recorded)

    assert first.uri == f"{ORIGIN}/v3/companies/PseudoCompany1/apiCredentials"
    assert second.uri == f"{ORIGIN}/v3/merchants/PseudoMerchant1/apiCredentials"
    for clean in (first, second):
        said = json.loads(clean.response_body)
        assert said == {**json.loads(body), "companyName": "PseudoCompany1"}
    assert json.loads(third.response_body) == {"companyName": "PseudoCompany2", "roles": ["of PseudoCompany2"]}


def test_accounts_that_are_no_ones_stay_readable() -> None:
    recorded = exchange(f"{ORIGIN}/v3/companies/TestCompany/apiCredentials")

    assert scrubber(keep=("TestCompany",)).interactions([recorded])[0].uri == recorded.uri


def test_what_a_generated_request_put_in_a_place_does_not_tear_sentences_apart() -> None:
    recorded = exchange(request_body=b'{"password": "string"}', response_body=b'{"detail": "expected a string"}')

    (clean,) = scrubber().interactions([recorded])

    assert b"expected a string" in clean.response_body
    assert b'"string"' not in clean.request_body


def test_two_recordings_of_one_life_are_identical_whatever_changes_by_itself() -> None:
    def recording(port: int, key: str, run: str, uuid: str, date: str, number: str) -> list[Interaction]:
        origin = f"http://127.0.0.1:{port}"
        body = {
            "description": f"pytest-adyen-creds {run} exp {date}",
            "id": f"S2-{number}",
            "apiKey": key,
            "requestId": key[4:20],
            "_links": {"self": {"href": f"{origin}/v3/companies/TestCompany/apiCredentials/S2-{number}"}},
        }
        data = json.dumps(body).encode()
        return [
            exchange(
                f"{origin}/v3/companies/TestCompany/apiCredentials",
                method="POST",
                request_headers=(("Idempotency-Key", uuid), ("User-Agent", date), ("Host", f"127.0.0.1:{port}")),
                request_body=json.dumps({"description": body["description"]}).encode(),
                response_headers=(
                    ("Date", date),
                    ("Server", key[:9]),
                    ("Content-Length", str(len(data))),
                    ("Idempotency-Key", uuid),
                ),
                response_body=data,
            ),
            exchange(
                f"{origin}/v3/companies/TestCompany/apiCredentials/S2-{number}", request_headers=(("x-api-key", key),)
            ),
        ]

    one = recording(
        5001, "AQE" + "a1" * 60, "abcdefgh", "1b4e28ba-2fa1-41d2-883f-0016d3cca427", "2026-11-22T00:41Z", "1111111111"
    )
    two = recording(
        59999, "AQE" + "b2" * 61, "stuvwxyz", "6fa459ea-ee8a-4ca4-894e-db77e160355e", "2027-01-02T03:04Z", "2222222222"
    )

    assert text_of(*scrubber().interactions(one)) == text_of(*scrubber().interactions(two))
    assert scrubber().interactions(one)[0].uri.startswith(ORIGIN)


def test_an_origin_that_the_user_chose_is_not_taken_for_the_server() -> None:
    recorded = exchange("http://127.0.0.1:5000/v3/me", request_body=b'{"domain": "http://localhost:3000"}')

    (clean,) = scrubber().interactions([recorded])

    assert b"http://localhost:3000" in clean.request_body


def test_the_length_announced_is_the_length_recorded() -> None:
    recorded = exchange(response_body=b'{"a":1}', response_headers=(("Content-Length", "7"),))

    (clean,) = scrubber().interactions([recorded])

    assert find_header(clean.response_headers, "content-length") == str(len(clean.response_body))


@pytest.mark.parametrize(
    "body", [b'{"a": 1.10}', b'{"a":1,"a":2}', b"[1e400]", b"{", b"\x80\x81", b"NaN", b"\xef\xbb\xbf{}", b" "]
)
def test_what_is_not_exactly_json_is_kept_to_the_byte(body: bytes) -> None:
    (clean,) = scrubber().interactions([exchange(request_body=body, response_body=body)])

    assert clean.request_body == body
    assert clean.response_body == body


def test_a_header_that_is_no_base64_is_replaced_as_a_whole() -> None:
    (clean,) = scrubber().interactions([exchange(request_headers=(("authorization", "Basic pässword1"),))])

    assert (find_header(clean.request_headers, "authorization") or "").startswith("Basic Pseudonym-")


def test_a_compression_that_hides_its_content_is_refused() -> None:
    recorded = exchange(response_body=b"\x8b\xff\xfe", response_headers=(("content-encoding", "br"),))

    with pytest.raises(CassetteError, match="cannot be searched"):
        scrubber().interactions([recorded])


@pytest.mark.parametrize(
    ("packed", "coding"),
    [
        (gzip.compress(b'{"apiKey": "') + gzip.compress(b'known-secret-1"}') + b"\0\0", "gzip"),
        (zlib.compress(b'{"apiKey": "known-secret-1"}')[2:-4], "deflate"),
        (gzip.compress(zlib.compress(b'{"apiKey": "known-secret-1"}')), "deflate, gzip"),
    ],
    ids=["two members", "raw deflate", "twice"],
)
def test_a_compressed_body_is_unpacked_to_its_end(packed: bytes, coding: str) -> None:
    recorded = exchange(response_body=packed, response_headers=(("content-encoding", coding),))

    (clean,) = scrubber().interactions([recorded])

    assert json.loads(clean.response_body) == {"apiKey": "Pseudonym-000001"}


@pytest.mark.parametrize(
    "packed", [gzip.compress(b"{}" * 999)[:-9], gzip.compress(bytes(1_000_001))], ids=["cut short", "too large"]
)
def test_a_body_that_cannot_be_unpacked_whole_is_refused(packed: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pytest_adyen_creds.cassettes.body.LARGEST", 1_000_000)
    recorded = exchange(response_body=packed, response_headers=(("content-encoding", "gzip"),))

    with pytest.raises(CassetteError, match="cut short"):
        scrubber().interactions([recorded])


def test_secrets_are_found_however_deep_they_lie() -> None:
    body = b'{"a":' * 700 + b'{"apiKey": "known-secret-1"}' + b"}" * 700

    (clean,) = scrubber().interactions([exchange(request_body=body)])

    assert clean.request_body == body.replace(b"known-secret-1", b"Pseudonym-000001")


def test_a_secret_that_cannot_be_replaced_stops_the_recording() -> None:
    recorded = exchange(response_body=b"the key, in another encoding than this, is " + API_KEY.encode("utf-16-be"))

    with pytest.raises(CassetteError, match="could not be replaced") as refused:
        scrubber(API_KEY).interactions([recorded])

    assert API_KEY not in str(refused.value)


def test_the_context_is_scrubbed_with_the_interactions(tmp_path: Path) -> None:
    log = Recording(scrubber())
    log.context["credential"] = {"apiKey": API_KEY, "username": "ws_123456@Company.AcmeGroup"}
    log.note(exchange(request_headers=(("x-api-key", API_KEY),)))

    (clean,), context = scrubber().recording(log.noted, log.context)

    assert context["credential"]["apiKey"] == find_header(clean.request_headers, "x-api-key")
    assert "AcmeGroup" not in str(context)


@pytest.mark.slow("a thousand secrets")
def test_a_thousand_registered_secrets_are_all_replaced() -> None:
    secrets = [f"Secret-{number:05d}-{'x' * (number % 30)}" for number in range(1000)]
    recorded = [exchange(response_body=json.dumps({"detail": f"about {secret}."}).encode()) for secret in secrets]

    everything = text_of(*scrubber(*secrets).interactions(recorded))

    assert "Secret-" not in everything


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=12)
    | st.just("ws_1@Company.Abcd")
    | st.just("S2-12345"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["apiKey", "password", "roles", "companyName", "x"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@pytest.mark.slow("all recordings, and another tool on them")
@settings(max_examples=4 * settings.default.max_examples, deadline=None)
@given(st.lists(json_values, min_size=1, max_size=3), st.text(max_size=20))
def test_scrubbing_again_changes_nothing(bodies: list[Any], key: str) -> None:
    recorded = [
        exchange(
            f"{ORIGIN}/v3/companies/Abcd/apiCredentials",
            request_headers=(("x-api-key", key),),
            response_body=json.dumps(body).encode(),
        )
        for body in bodies
    ]

    once = scrubber().interactions(recorded)

    assert scrubber().interactions(once) == once


@settings(max_examples=4 * settings.default.max_examples, deadline=None)
@given(
    st.text(st.characters(exclude_categories=("Cs",)), min_size=8, max_size=40),
    st.binary(max_size=20),
    st.binary(max_size=20),
)
def test_no_registered_secret_survives_between_any_bytes(secret: str, before: bytes, after: bytes) -> None:
    assume(not is_part_of_pseudonyms(secret))
    raw = secret.encode()
    try:
        (clean,) = scrubber(secret).interactions([exchange(response_body=before + raw + after)])
    except CassetteError:  # a pseudonym and what stands beside it spell the secret again: nothing is written
        return

    assert raw not in clean.response_body
