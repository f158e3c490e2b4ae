"""The visit: which parts of an exchange a visitor is told of, as what, and where its answers stand."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from pytest_adyen_creds.cassettes.model import Interaction
from pytest_adyen_creds.cassettes.redact.fields import Fields, Kind
from pytest_adyen_creds.cassettes.redact.visitor import (
    Visitor,
    visit,
    visit_context,
)
from pytest_adyen_creds.cassettes.serializer import pretty
from pytest_adyen_creds.contract.operations import Header, Operation, Parameter
from pytest_adyen_creds.message import basic_credentials

MANAGEMENT = "https://management-test.adyen.com"
CHECKOUT = "https://checkout-test.adyen.com"
SHOP = "https://shop.example"
FORM = (("Content-Type", "Application/X-WWW-Form-Urlencoded ; charset=utf-8"),)
TEXT = {"type": "string"}


@dataclass(eq=False)
class Contract:
    """An operation with a header of its own and documented headers of its answer, and one without."""

    secret_properties: frozenset[str] = frozenset({"passPhrase"})
    operations: dict[str, Operation] = field(
        default_factory=lambda: {
            "GET /hooks": Operation(
                *("GET /hooks", "GET", "/hooks", "x"),
                parameters=(Parameter("X-Own", "header", False, TEXT), Parameter("X-Query", "query", False, TEXT)),
                request=None,
                responses={200: "Hook"},
                headers={
                    200: (
                        *(Header(name, False, TEXT) for name in ("X-Page", "Set-Cookie", "Hmac-Key", "X-Request-Id")),
                        Header("X-Shop", False, {**TEXT, "x-identity": "merchant"}),
                        Header("X-Pass", False, {**TEXT, "x-secret": True}),
                    )
                },
            ),
            "GET /plain": Operation("GET /plain", "GET", "/plain", "y", (), None, {200: None}),
        }
    )

    def to_json_schema(self, name: str) -> dict[str, Any]:
        return {"properties": {"handle": {**TEXT, "x-identity": "username"}}}


class Telling(Visitor):
    """Notes what it is told; answers with a mark for each field, and with a star for Acme in texts."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def at(self, where: str) -> None:
        self.told.append(("at", where))

    def field(self, value: str, kind: Kind) -> str:
        self.told.append((kind, value))
        return f"<{kind}>"

    def number(self, value: float, kind: Kind | None) -> float:
        self.told.append(("number", str(value), str(kind)))
        return -value if kind else value

    def text(self, value: str) -> str:
        self.told.append(("text", value))
        return value.replace("Acme", "*")

    def name(self, value: str) -> str:
        return value.replace("Acme", "+")

    def idempotency_key(self, value: str) -> str:
        return f"key {value}"

    def origin(self, value: str) -> str:
        return value.replace("management-test.", "").replace("shop.", "")

    def dropped(self, name: str, value: str) -> None:
        self.told.append(("dropped", name, value))


FIELDS = Fields(Contract())  # type: ignore[arg-type]
HOSTS = frozenset(["http://127.0.0.1:8000"])


def exchange(uri: str = f"{MANAGEMENT}/v3/hooks", **parts: Any) -> Interaction:
    return replace(Interaction("GET", uri, (), b"", 200, "OK", (), b""), **parts)


def seen(interaction: Interaction) -> Interaction:
    return visit(interaction, FIELDS, HOSTS, Telling())


def told(interaction: Interaction) -> list[tuple[str, ...]]:
    visitor = Telling()
    visit(interaction, FIELDS, HOSTS, visitor)
    return [each for each in visitor.told if each[0] not in ("at", "text")]


def body_of(value: Any, uri: str = f"{MANAGEMENT}/v3/other") -> Any:
    return json.loads(seen(exchange(uri, response_body=json.dumps(value).encode())).response_body)


def basic(text: str, coding: str = "utf-8") -> str:
    return "Basic " + base64.b64encode(text.encode(coding)).decode()


def test_one_that_only_looks_changes_nothing_but_the_order_of_headers() -> None:
    headers = (("X-API-Key", "k"), ("Authorization", basic("u:p")), ("X-Own", "o"), ("Idempotency-Key", "i"))
    body = pretty({"a": {"passPhrase": "x", "b": [1, 2.5, None, True]}, "href": "/v3/merchants/Acme?x=1"})
    parts = {"request_headers": headers, "request_body": body, "response_body": body, "meta": {"note": "n"}}
    asked = exchange(f"{MANAGEMENT}/v3/hooks?%61=%2d&company=%2d", **parts)
    clean = visit(asked, FIELDS, HOSTS, Visitor())
    linked = exchange(f"{MANAGEMENT}/v3/companies/A%2dB")
    assert visit(linked, FIELDS, HOSTS, Visitor()) == linked
    kept = (("authorization", basic("u:p")), ("idempotency-key", "i"), ("x-api-key", "k"), ("x-own", "o"))
    assert clean == replace(asked, request_headers=kept)


def test_parts_come_in_the_order_of_reading() -> None:
    visitor = Telling()
    parts = {
        "request_headers": (("X-API-Key", "k"), ("Accept", "a")),
        "request_body": b"request Acme",
        "reason": "Reason Acme",
        "response_headers": (("Content-Length", "99"), ("Allow", "Acme")),
        "response_body": b"response Acme",
        "meta": {"Acme": "note Acme"},
    }
    clean = visit(exchange(**parts), FIELDS, HOSTS, visitor)
    assert [each for each in visitor.told if each != ("text", "")] == [
        ("at", "the request's address"),
        ("text", "/v3/hooks"),
        ("at", "the request's header accept"),
        ("at", "the request's header x-api-key"),
        ("secret", "k"),
        ("at", "the request's body"),
        ("text", "request Acme"),
        ("at", "the response's reason"),
        ("text", "Reason Acme"),
        ("at", "the response's header allow"),
        ("text", "Acme"),
        ("at", "the response's header content-length"),
        ("text", "99"),
        ("at", "the response's body"),
        ("text", "response Acme"),
        ("at", "the recorder's notes"),
        ("text", "note Acme"),
    ]
    assert (clean.uri, clean.request_body, clean.reason) == ("https://adyen.com/v3/hooks", b"request *", "Reason *")
    assert clean.response_headers == (("allow", "*"), ("content-length", "10"))
    assert (clean.response_body, clean.meta) == (b"response *", {"Acme": "note *"})
    assert (clean.method, clean.status) == ("GET", 200)


class TestAddresses:
    @pytest.mark.parametrize(
        ("uri", "clean"),
        [
            (f"{MANAGEMENT}/v3/companies/Acme%20B/x", "https://adyen.com/v3/companies/%3Ccompany%3E/x"),
            (
                f"{MANAGEMENT}/v3/merchants/M/stores/S123?x=Acme",
                "https://adyen.com/v3/merchants/%3Cmerchant%3E/stores/%3Cid%3E?x=%2A",
            ),
            (f"{MANAGEMENT}/v3/Acme/companies/B/Acme", "https://adyen.com/v3/*/companies/%3Ccompany%3E/*"),
            (f"{CHECKOUT}/companies/Acme", f"{CHECKOUT}/companies/*"),
            (f"{SHOP}/companies/Acme?company=B", "https://example/companies/*?company=B"),
            (
                f"{MANAGEMENT}/v3/x?company=B&y=%41&merchant=",
                "https://adyen.com/v3/x?company=%3Ccompany%3E&y=%41&merchant=%3Cmerchant%3E",
            ),
            (
                f"{CHECKOUT}/x?MERCHANT=M&account=a+b&Acme=1&z",
                f"{CHECKOUT}/x?MERCHANT=%3Cmerchant%3E&account=%3Caccount%3E&%2A=1&z",
            ),
            ("/v3/companies/Acme", "/v3/companies/*"),
            (f"{MANAGEMENT}/v3/x#Acme", "https://adyen.com/v3/x"),
            (f"https://u:p%41@{MANAGEMENT[8:]}/v3/x", "https://adyen.com/v3/x"),
            ("http://127.0.0.1:8000/v3/companies/Acme", "http://127.0.0.1:8000/v3/companies/%3Ccompany%3E"),
        ],
    )
    def test_of_requests(self, uri: str, clean: str) -> None:
        assert seen(exchange(uri)).uri == clean

    def test_are_told_of_as_they_read(self) -> None:
        asked = exchange(f"{MANAGEMENT}/v3/companies/Acme%20B?company=a=b%3D+c")
        assert told(asked) == [("company", "Acme B"), ("company", "a=b= c")]

    def test_may_hold_a_password(self) -> None:
        assert told(exchange(f"https://u:p%41@{MANAGEMENT[8:]}/v3/x")) == [("secret", "pA")]
        assert told(exchange(f"https://u@{MANAGEMENT[8:]}/v3/x")) == []

    @pytest.mark.parametrize(
        ("link", "clean"),
        [
            ("/v3/companies/Acme/x?company=B#Acme", "/v3/companies/%3Ccompany%3E/x?company=%3Ccompany%3E#Acme"),
            (f"{MANAGEMENT}/v3/companies/Acme", "https://adyen.com/v3/companies/%3Ccompany%3E"),
            (f"{CHECKOUT}/companies/Acme", f"{CHECKOUT}/companies/*"),
            ("companies/Acme", "companies/*"),
        ],
    )
    def test_of_links(self, link: str, clean: str) -> None:
        assert body_of({"_links": {"self": {"href": link}}}) == {"_links": {"self": {"href": clean}}}
        assert body_of({"href": [link]}) == {"href": [clean]}

    @pytest.mark.parametrize(
        ("text", "clean"),
        [
            (f"see {CHECKOUT}/a?company=B&x=1 Acme", f"see {CHECKOUT}/a?company=%3Ccompany%3E&x=1 *"),
            (f"see {SHOP}/a?company=B&requestId=R", f"see {SHOP}/a?company=B&requestId=%3Creference%3E"),
            ("/a?merchant=M", "/a?merchant=%3Cmerchant%3E"),
            ("see /a?merchant=M", "see /a?merchant=M"),
            (f"{MANAGEMENT}/a?id=S123", f"{MANAGEMENT}/a?id=%3Cid%3E"),
            (f"{CHECKOUT}/a?id=S123", f"{CHECKOUT}/a?id=S123"),
            (f"{SHOP}/a?username=bot", f"{SHOP}/a?username=bot"),
            ("/a?b=%2Fc%3Fcompany%3DB", "/a?b=%2Fc%3Fcompany%3D%253Ccompany%253E"),
            ("a=b", "a=b"),
        ],
    )
    def test_in_texts(self, text: str, clean: str) -> None:
        assert body_of({"note": text}) == {"note": clean}
        if "://" in text:
            assert body_of({"note": text}, f"{CHECKOUT}/x") == {"note": clean}

    def test_of_a_host_may_be_of_any_of_its_operations(self) -> None:
        value = {"of the host": f"see {MANAGEMENT}/a?handle=h", "of this operation": "/a?handle=h"}
        clean = {**value, "of the host": f"see {MANAGEMENT}/a?handle=%3Cusername%3E"}
        assert body_of(value, f"{MANAGEMENT}/v3/plain") == clean

    def test_within_each_other_are_read_three_deep(self) -> None:
        def within(depth: int) -> str:
            text = "/a?company=B"
            for _ in range(depth):
                text = f"/a?b={text.replace('%', '%25').replace('?', '%3F').replace('=', '%3D').replace('/', '%2F')}"
            return text

        read = [
            ("company", "B") in told(exchange(response_body=json.dumps([within(depth)]).encode())) for depth in range(4)
        ]
        assert read == [True, True, True, False]
        read = [("company", "B") in told(exchange(f"{CHECKOUT}{within(depth)}")) for depth in range(4)]
        assert read == [True, True, True, False]


class TestBodies:
    def test_of_json_are_read_by_names(self) -> None:
        value = {
            "passPhrase": {"x": "a", "y": ["b", 3]},
            "companyName": "C",
            "associatedMerchantAccounts": ["M", "N"],
            "id": 1234,
            "note": 1234,
            "paymentMethod": {"number": "4111"},
            "Acme": "Acme",
            "none": [None, True, False],
        }
        assert body_of(value) == {
            "passPhrase": {"x": "<secret>", "y": ["<secret>", -3]},
            "companyName": "<company>",
            "associatedMerchantAccounts": ["<merchant>", "<merchant>"],
            "id": -1234,
            "note": 1234,
            "paymentMethod": {"number": "<secret>"},
            "+": "*",
            "none": [None, True, False],
        }
        assert body_of(value, f"{CHECKOUT}/x")["id"] == 1234
        assert body_of({"companyName": {"x": "a"}}) == {"companyName": {"x": "a"}}

    def test_are_read_by_the_names_of_their_operation(self) -> None:
        assert body_of({"handle": "h", "id": "i"}, f"{MANAGEMENT}/v3/hooks") == {"handle": "<username>", "id": "<id>"}
        assert body_of({"handle": "h", "id": "i"}, f"{MANAGEMENT}/v3/plain") == {"handle": "h", "id": "<id>"}
        assert body_of({"handle": "h"}, f"{CHECKOUT}/hooks") == {"handle": "h"}

    def test_of_json_have_numbers_that_are_none(self) -> None:
        asked = exchange(response_body=b'{"id": [true, null, 7]}')
        assert told(asked) == [("number", "7", "id")]

    def test_of_json_are_written_a_line_a_member(self) -> None:
        assert seen(exchange(request_body=b'{"a":1}')).request_body == b'{\n  "a": 1\n}'

    @pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "utf-32-le"])
    def test_of_json_in_another_encoding_are_kept_where_nothing_is_replaced(self, encoding: str) -> None:
        plain, named = '{"a": 1}'.encode(encoding), '{"id": "S123"}'.encode(encoding)
        assert seen(exchange(request_body=plain)).request_body == plain
        assert seen(exchange(request_body=named)).request_body == b'{\n  "id": "<id>"\n}'

    def test_of_forms_are_read_by_the_names_of_their_fields(self) -> None:
        form = b"passPhrase=a+b&x=%41cme&Acme=1&company=B&merchantAccount=M\r\n"
        clean = b"passPhrase=%3Csecret%3E&x=%2A&%2A=1&company=B&merchantAccount=%3Cmerchant%3E\r\n"
        asked = exchange(request_headers=FORM, request_body=form, response_body=form)
        assert seen(asked).request_body == clean
        assert seen(asked).response_body.startswith(b"passPhrase=<secret>&x=%41cme&*=1&")
        assert told(asked)[:2] == [("secret", "a b"), ("merchant", "M")]
        plain = (("content-type", "application/x-www-form-urlencoded"),)
        assert seen(exchange(request_headers=plain, request_body=form)).request_body == clean

    @pytest.mark.parametrize(
        ("text", "clean", "value"),
        [
            ('x {"passPhrase": "a\\"\\u0062"', 'x {"passPhrase": "<secret>"', 'a"b'),
            ('x \\"passPhrase\\": \\"a b\\"', 'x \\"passPhrase\\": \\"<secret>\\"', "a b"),
            ("x passPhrase=a;", "x passPhrase=<secret>;", "a"),
            ("<passPhrase>a</passPhrase>", "<passPhrase><secret></passPhrase>", "a"),
            ('{"passPhrase": "a\\q"', '{"passPhrase": "<secret>"', "a\\q"),
        ],
    )
    def test_of_text_are_read_by_names_in_it(self, text: str, clean: str, value: str) -> None:
        asked = exchange(response_body=text.encode())
        assert seen(asked).response_body == clean.encode()
        assert told(asked) == [("secret", value)]

    def test_of_bytes_keep_them(self) -> None:
        assert seen(exchange(response_body=b"\xff Acme \xfe")).response_body == b"\xff * \xfe"
        assert seen(exchange(response_body="Acme é".encode("utf-16-le"))).response_body == "* é".encode("utf-16-le")

    def test_that_are_packed_though_nothing_says_so(self) -> None:
        for plain in (b'{"a": 1}', pretty({"a": 1}), b"plain", b"a=1"):
            packed = gzip.compress(plain)
            assert seen(exchange(response_body=packed)).response_body == packed
            assert seen(exchange(request_headers=FORM, request_body=packed)).request_body == packed
        assert seen(exchange(response_body=gzip.compress(b'{"id": "S123"}'))).response_body == b'{\n  "id": "<id>"\n}'
        assert seen(exchange(response_body=gzip.compress(b"Acme"))).response_body == b"*"
        coded = exchange(response_body=gzip.compress(b"plain"), response_headers=(("Content-Encoding", "gzip"),))
        assert seen(coded).response_body == b"plain"

    def test_of_the_context_are_in_the_words_of_the_management_api(self) -> None:
        visitor = Telling()
        context = {"id": "S123", "handle": "h", "note": "Acme", "href": f"{MANAGEMENT}/v3/companies/B"}
        assert visit_context(context, FIELDS, HOSTS, visitor) == {
            "id": "<id>",
            "handle": "<username>",
            "note": "*",
            "href": "https://adyen.com/v3/companies/%3Ccompany%3E",
        }
        assert visitor.told[0] == ("at", "the context")
        assert visit_context({}, FIELDS, HOSTS, visitor) == {}


def headers_of(
    uri: str = f"{MANAGEMENT}/v3/hooks", status: int = 200, **headers: str
) -> tuple[dict[str, str], dict[str, str]]:
    """Return what a request and an answer keep of ``headers``, whose names have underscores for dashes."""
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    clean = seen(exchange(uri, status=status, request_headers=pairs, response_headers=pairs))
    return dict(clean.request_headers), dict(clean.response_headers)


def lost(uri: str = f"{MANAGEMENT}/v3/hooks", **headers: str) -> list[tuple[str, ...]]:
    pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return [each for each in told(exchange(uri, response_headers=pairs)) if each[0] == "dropped"]


class TestHeaders:
    def test_of_adyen_are_few(self) -> None:
        asked, answered = headers_of(
            X_API_KEY="k", Content_Type="t", Idempotency_Key="i", X_Own="Acme", X_Query="q", Retry_After="7", Date="d"
        )
        assert asked == {"x-api-key": "<secret>", "content-type": "t", "idempotency-key": "key i", "x-own": "*"}
        assert answered == {"content-type": "t", "idempotency-key": "key i", "retry-after": "7"}

    def test_of_other_requests_are_fewer(self) -> None:
        for uri in (f"{MANAGEMENT}/v3/other", f"{CHECKOUT}/hooks"):
            asked, answered = headers_of(uri, X_Own="o", X_Page="3", Content_Type="t")
            assert (asked, answered) == ({"content-type": "t"}, {"content-type": "t"})

    def test_of_answers_are_kept_where_they_are_documented_and_no_secret(self) -> None:
        documented = {
            "X_Page": "Acme",
            "X_Shop": "s",
            "X_Pass": "p",
            "Hmac_Key": "h",
            "Set_Cookie": "a=b",
            "X_Other": "o",
        }
        assert headers_of(**documented, X_Request_Id="r") == (
            {},
            {"x-page": "*", "x-shop": "<merchant>", "x-request-id": "<reference>"},
        )
        assert headers_of(status=404, **documented) == ({}, {})

    def test_of_other_hosts_are_kept_but_for_noise(self) -> None:
        asked, answered = headers_of(SHOP, Host="h", Date="d", X_Other="Acme", X_Api_Key="k", Server="s", Cookie="a=b")
        assert asked == {"date": "d", "x-other": "*", "x-api-key": "<secret>", "server": "s", "cookie": "a=<secret>"}
        assert answered == {"host": "h", "x-other": "*", "x-api-key": "<secret>", "cookie": "a=<secret>"}
        assert lost(SHOP, Date="d", Traceparent="t") == []

    def test_are_in_order_and_each_as_often_as_it_was(self) -> None:
        pairs = (("B", "2"), ("a", "1"), ("b", "1"), ("A", "0"))
        clean = seen(exchange(SHOP, request_headers=pairs))
        assert clean.request_headers == (("a", "1"), ("a", "0"), ("b", "2"), ("b", "1"))

    @pytest.mark.parametrize(
        ("location", "clean"),
        [
            ("/v3/companies/Acme", "/v3/companies/%3Ccompany%3E"),
            (f"{MANAGEMENT}/v3/companies/Acme", "https://adyen.com/v3/companies/%3Ccompany%3E"),
            (f"{CHECKOUT}/Acme", f"{CHECKOUT}/*"),
            (f"{SHOP}/Acme", None),
        ],
    )
    def test_that_lead_to_adyen_are_kept(self, location: str, clean: str | None) -> None:
        asked, answered = headers_of(Location=location)
        assert asked == {}
        assert answered.get("location") == clean
        asked, answered = headers_of(SHOP, Location=location)
        assert asked == answered == {"location": location.replace("Acme", "*")}

    def test_that_are_not_kept_are_noted_where_they_hold_something(self) -> None:
        assert lost(
            Cookie="a=b; c=d",
            Set_Cookie="e=f; Path=/",
            Traceparent="t",
            RequestId="r",
            X_Pass="p",
            Proxy_Authorization="q",
            Date="d",
            Server="s",
            Merchant_Account="m",
        ) == [
            ("dropped", "cookie", "b"),
            ("dropped", "cookie", "d"),
            ("dropped", "merchant-account", "m"),
            ("dropped", "proxy-authorization", "q"),
            ("dropped", "requestid", "r"),
            ("dropped", "set-cookie", "f"),
            ("dropped", "traceparent", "t"),
            ("dropped", "x-pass", "p"),
        ]

    @pytest.mark.parametrize(
        ("value", "clean"),
        [
            (basic("ws:p:q"), basic("<username>:<secret>")),
            ("basic " + basic("ws:p")[6:], basic("<username>:<secret>")),
            (basic("wsp"), "Basic <secret>"),
            ("Bearer  token ", "Bearer <secret>"),
            ("Bearer a b", "Bearer <secret>"),
            ("token", "<secret>"),
            ("a token", "<secret>"),
            ("to=ken of", "<secret>"),
            ("Bearer ", "<secret>"),
        ],
    )
    def test_that_sign_in(self, value: str, clean: str) -> None:
        assert headers_of(Authorization=value)[0] == {"authorization": clean}
        assert headers_of(SHOP, Proxy_Authorization=value)[1] == {"proxy-authorization": clean}

    def test_that_sign_in_are_told_whole(self) -> None:
        asked = exchange(request_headers=(("Authorization", basic("wé:p:q")),))
        assert told(asked) == [("username", "wé"), ("secret", "p:q")]
        asked = exchange(request_headers=(("Authorization", "Bearer  to ken "),))
        assert told(asked) == [("secret", "to ken")]
        assert told(exchange(request_headers=(("Authorization", "a token"),))) == [("secret", "a token")]

    @pytest.mark.parametrize(
        ("name", "value", "clean"),
        [
            ("cookie", "a=b; c=d", "a=<secret>; c=<secret>"),
            ("cookie", "a=b; Path=/", "a=<secret>"),
            ("set-cookie", "a=b; Path=/x; Secure; HttpOnly; Max-Age=3", "a=<secret>; Path=/x; Secure; HttpOnly"),
            ("set-cookie", "a=b; secure", "a=<secret>; Secure"),
            ("set-cookie", "a=b; HttpOnly", "a=<secret>; HttpOnly"),
            ("set-cookie", "a=b", "a=<secret>"),
            ("cookie", "no cookie", "<secret>"),
            ("cookie", "a[]=b", "<secret>"),
            ("cookie", "", "<secret>"),
        ],
    )
    def test_with_a_session(self, name: str, value: str, clean: str) -> None:
        assert dict(seen(exchange(SHOP, response_headers=((name, value),))).response_headers) == {name: clean}

    def test_with_a_session_are_told_of_by_its_values(self) -> None:
        for name in ("cookie", "set-cookie"):
            assert told(exchange(SHOP, response_headers=((name, 'a=b; c="d e"'),))) == [
                ("secret", "b"),
                ("secret", "d e"),
            ]
            assert told(exchange(SHOP, response_headers=((name, "no cookie"),))) == [("secret", "no cookie")]

    def test_with_an_address(self) -> None:
        asked = exchange(SHOP, request_headers=(("X-Proxy", "http://u:p%41@host, https://v:q@Acme"),))
        assert told(asked) == [("secret", "pA"), ("secret", "q")]
        assert seen(asked).request_headers == (("x-proxy", "http://u:<secret>@host, https://v:<secret>@*"),)

    @pytest.mark.parametrize(
        ("name", "clean"),
        [
            *((name, "<reference>") for name in ("pspreference", "request-id", "x-request-id", "x-correlation-id")),
            *((name, "<secret>") for name in ("x-api-key", "x-client-key", "Pass-Phrase")),
            ("merchant-account", "<merchant>"),
            ("merchant-account-code", "Acme"),
        ],
    )
    def test_of_a_kind(self, name: str, clean: str) -> None:
        asked = exchange(SHOP, response_headers=((name, "Acme"),))
        assert dict(seen(asked).response_headers) == {name.lower(): clean.replace("Acme", "*")}


@pytest.mark.parametrize(
    ("authorization", "pair"),
    [
        (basic("ws:p:q"), ("ws", "p:q")),
        (basic("ws:"), ("ws", "")),
        (basic("wé:p", "latin-1"), ("wé", "p")),
        (basic("ws:p").replace("Basic ", "BASIC   ") + " ", ("ws", "p")),
        (basic("ws"), None),
        ("Bearer " + basic("ws:p")[6:], None),
        (basic("ws:p") + "!", None),
        ("Basic é", None),
        ("Basic", None),
        ("", None),
    ],
)
def test_basic_credentials(authorization: str, pair: tuple[str, str] | None) -> None:
    assert basic_credentials(authorization) == pair
