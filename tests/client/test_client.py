"""The client: each operation, retries that end, paging that stays at home, and secrets that stay secret."""

from __future__ import annotations

import base64
import json
import logging
import re
import uuid
from email.utils import format_datetime

import httpx
import pytest
from client_loopback import answer, serve
from hypothesis import given
from hypothesis import strategies as st

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.client import ManagementClient, Ownership, RateLimit, Retries
from pytest_adyen_creds.errors import AdyenCredsError, ApiError, EndpointRefused, SettingsError
from pytest_adyen_creds.secrets import MASK, SECRETS, Secret

KEY = Secret("AQE-key-of-the-client-tests")
BASE = "https://management-test.adyen.com/v3"


def clients(handler, **arguments) -> ManagementClient:
    arguments = {
        "api_key": KEY,
        "ownership": Ownership.sandbox(),
        "transport": httpx.MockTransport(handler),
    } | arguments
    return ManagementClient(BASE, **arguments)


OPERATIONS = [
    *(
        (call, method, path.format(root))
        for resource, root in (
            ("client.company('C').", "/companies/C/apiCredentials"),
            ("client.merchant('M').", "/merchants/M/apiCredentials"),
        )
        for call, method, path in (
            (resource + "list(2, 50)", "GET", "{}?pageNumber=2&pageSize=50"),
            (resource + "create({'description': 'x'})", "POST", "{}"),
            (resource + "get('S2-1')", "GET", "{}/S2-1"),
            (resource + "update('S2-1', {'active': False})", "PATCH", "{}/S2-1"),
            (resource + "origins('S2-1').list()", "GET", "{}/S2-1/allowedOrigins"),
            (resource + "origins('S2-1').add('https://a.example')", "POST", "{}/S2-1/allowedOrigins"),
            (resource + "origins('S2-1').get('OR1')", "GET", "{}/S2-1/allowedOrigins/OR1"),
            (resource + "origins('S2-1').remove('OR1')", "DELETE", "{}/S2-1/allowedOrigins/OR1"),
            (resource + "generate_api_key('S2-1')", "POST", "{}/S2-1/generateApiKey"),
            (resource + "generate_client_key('S2-1')", "POST", "{}/S2-1/generateClientKey"),
        )
    ),
    ("client.me.get()", "GET", "/me"),
    ("client.me.origins.list()", "GET", "/me/allowedOrigins"),
    ("client.me.origins.add('https://a.example')", "POST", "/me/allowedOrigins"),
    ("client.me.origins.get('OR1')", "GET", "/me/allowedOrigins/OR1"),
    ("client.me.origins.remove('OR1')", "DELETE", "/me/allowedOrigins/OR1"),
    ("client.me.generate_client_key()", "POST", "/me/generateClientKey"),
]


def test_each_operation_of_the_contract_has_its_method():
    contract = load_contract("v3")
    called = [contract.match(method, f"/v3{path.partition('?')[0]}") for _, method, path in OPERATIONS]
    labels = [found and found[0].label for found in called]
    missing = set(contract.operations) - set(labels)
    assert not missing, f"{sorted(missing)}: write a method in client/client.py, and its row in OPERATIONS above"
    assert len(labels) == len(set(labels)) == len(contract.operations)


@pytest.mark.parametrize(("call", "method", "path"), OPERATIONS)
def test_each_operation_is_one_method(call, method, path):
    body = '{"id": "S2-1", "apiKey": "AQE-operations-01", "clientKey": "test_OPERATIONS02", "data": []}'
    reply = answer(204, b"") if method == "DELETE" else answer(200, body)
    with serve(reply) as server, ManagementClient(server.url, api_key=KEY, ownership=Ownership.sandbox()) as client:
        eval(call, {"client": client})
    (request,) = server.requests
    assert server.lines == [f"{method} /v3{path} HTTP/1.1"]
    head = request.decode().lower()
    assert f"x-api-key: {KEY.reveal().lower()}" in head
    key = re.search(r"idempotency-key: (\S+)", head)
    assert (key is not None) == (method == "POST")
    assert key is None or uuid.UUID(key[1]).version == 4


def test_ids_are_one_segment_whatever_they_hold():
    seen = []
    body = {"id": "../me?x#y"}
    with clients(lambda request: seen.append(request.url.raw_path) or httpx.Response(200, json=body)) as client:
        client.company("A/../B").get("../me?x#y")
    assert seen == [b"/v3/companies/A%2F..%2FB/apiCredentials/..%2Fme%3Fx%23y"]


class TestSigningIn:
    def sent(self, client: ManagementClient, **arguments) -> httpx.Headers:
        return client.send("GET", "/me", **arguments).request.headers

    def test_by_key_by_username_by_another_or_not_at_all(self):
        with clients(lambda _: httpx.Response(200)) as client:
            assert self.sent(client)["x-api-key"] == KEY.reveal()
            assert "x-api-key" not in self.sent(client, auth=None)
            assert self.sent(client, auth=Secret("AQE-another-key"))["x-api-key"] == "AQE-another-key"
            own = self.sent(client, headers={"Authorization": "Basic xyz"})
            assert "x-api-key" not in own
            given = self.sent(client, auth=("ws@Company.Test", Secret("Sésame-42-öffne")))
            token = base64.b64decode(given["authorization"].removeprefix("Basic ")).decode()
            assert token == "ws@Company.Test:Sésame-42-öffne"
            assert "x-api-key" not in given


TEXT = st.text().filter(lambda text: "live_" not in text)  # a key of the live environment stops the run


class TestBodies:
    @pytest.mark.parametrize(
        "content", [b"", b"{", b'{"a": 1, "a": 2}', b"\xff\xfe\x00", b"null", b"[" * 2000, b'{"a": NaN}', b" {} "]
    )
    def test_a_malformed_body_arrives_as_it_is(self, content):
        with serve() as server, ManagementClient(server.url, ownership=Ownership.sandbox()) as client:
            client.send("POST", "/me/x", content=content, headers={"Content-Type": "text/plain; charset=x"})
        head, _, body = server.requests[0].partition(b"\r\n\r\n")
        assert body == content
        assert b"text/plain; charset=x" in head

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | TEXT,
            lambda c: st.lists(c) | st.dictionaries(TEXT, c),
            max_leaves=20,
        )
    )
    def test_any_json_value_is_sent_as_such(self, value):
        with clients(lambda request: httpx.Response(200, content=request.content)) as client:
            response = client.send("POST", "/me/x", json=value)
        assert json.loads(response.content) == value
        assert response.request.headers["content-type"] == "application/json"

    def test_a_lone_surrogate_has_a_spelling(self):
        with clients(lambda _: httpx.Response(200)) as client:
            assert client.send("POST", "/me/x", json="\ud800").request.content == b'"\\ud800"'

    @pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 418, 422])
    def test_no_status_is_an_error_for_send(self, status):
        with clients(lambda _: httpx.Response(status, content=b"<html>")) as client:
            assert client.send("GET", "/me").status_code == status


def retrying(replies, clock, **arguments) -> tuple[ManagementClient, list[httpx.Request]]:
    left, requests = list(replies), []

    def handler(request: httpx.Request) -> httpx.Response:
        requests.append(request)
        reply = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(reply, Exception):
            raise reply
        status, headers, body = reply if isinstance(reply, tuple) else (reply, {}, {})
        return httpx.Response(status, headers=headers, json=body)

    retries = Retries(jitter=lambda: 0.0, **arguments)
    return clients(handler, clock=clock, retries=retries), requests


class TestRetries:
    @pytest.mark.parametrize(
        "passing",
        [
            429,
            500,
            502,
            503,
            504,
            httpx.ReadError("reset"),
            httpx.ConnectError("refused"),
            httpx.ReadTimeout("slow"),
            httpx.RemoteProtocolError("closed"),
            (400, {"transient-error": "true"}, {}),
            (422, {"Transient-Error": "TRUE"}, {}),
            (409, {}, {"errorCode": "704"}),
            (422, {}, {"errorCode": "704"}),
        ],
        ids=repr,
    )
    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE", "POST"])
    def test_what_passes_is_tried_again(self, clock, passing, method):
        client, requests = retrying([passing, passing, 200], clock)
        headers = {"Idempotency-Key": str(uuid.uuid4())} if method == "POST" else None
        assert client.send(method, "/me", headers=headers).status_code == 200
        assert clock.slept == [0.5, 1.0]
        assert len({request.headers.get("idempotency-key") for request in requests}) == 1

    @pytest.mark.parametrize(
        "final",
        [
            200,
            301,
            400,
            401,
            403,
            404,
            422,
            (409, {}, {"errorCode": "705"}),
            (400, {}, {"errorCode": "704"}),
            (422, {}, ["704"]),
            (400, {"transient-error": "false"}, {}),
        ],
        ids=repr,
    )
    def test_what_does_not_is_not(self, clock, final):
        client, requests = retrying([final], clock)
        client.send("GET", "/me")
        assert (len(requests), clock.slept) == (1, [])

    @pytest.mark.parametrize("passing", [429, 500, httpx.ReadError("reset")], ids=repr)
    @pytest.mark.parametrize("headers", [{}, {"Idempotency-Key": ""}, {"Idempotency-Key": "k" * 65}])
    def test_a_post_without_a_usable_idempotency_key_is_sent_once(self, clock, passing, headers):
        client, requests = retrying([passing], clock)
        if isinstance(passing, int):
            assert client.send("POST", "/me/x", headers=headers).status_code == passing
        else:
            with pytest.raises(ApiError, match="no answer after 1 attempt "):
                client.send("POST", "/me/x", headers=headers)
        assert len(requests) == 1

    def test_typed_creations_keep_one_key_over_all_attempts(self, clock):
        client, requests = retrying([500, httpx.ReadError("lost"), (200, {}, {"id": "S2-1"})], clock)
        assert client.company("C").create({"description": "x"})["id"] == "S2-1"
        assert len(requests) == 3
        assert len({request.headers["idempotency-key"] for request in requests}) == 1

    def test_tries_are_bounded(self, clock):
        client, requests = retrying([503], clock, tries=4)
        assert client.send("GET", "/me").status_code == 503
        assert (len(requests), clock.slept) == (4, [0.5, 1.0, 2.0])

    def test_each_wait_is_bounded(self, clock):
        client, _ = retrying([503], clock, tries=9, longest_wait=3.0)
        client.send("GET", "/me")
        assert clock.slept == [0.5, 1.0, 2.0, 3.0, 3.0, 3.0, 3.0, 3.0]

    def test_the_time_in_all_is_bounded(self, clock):
        client, _ = retrying([503], clock, tries=99, total_wait=10.0)
        client.send("GET", "/me")
        assert sum(clock.slept) <= 10.0

    @given(st.floats(0, 1, exclude_max=True), st.integers(1, 8))
    def test_jitter_takes_away_up_to_half(self, jitter, tried):
        retries = Retries(jitter=lambda: jitter, tries=99)
        request = httpx.Request("GET", BASE)
        wait = retries.wait(request, httpx.Response(500), tried, 0.0, None)
        most = min(30.0, 0.5 * 2 ** (tried - 1))
        assert most / 2 <= wait <= most

    def test_retry_after_in_seconds_and_as_a_date(self, clock):
        from datetime import timedelta

        date = format_datetime(clock.start + timedelta(seconds=7 + 20), usegmt=True)
        client, _ = retrying([(429, {"Retry-After": "7"}, {}), (503, {"Retry-After": date}, {}), 200], clock)
        assert client.send("GET", "/me").status_code == 200
        assert clock.slept == [7.0, 20.0]

    @pytest.mark.parametrize(
        "value",
        ["", "-5", "soon", "1e9", "٣", "NaN", "Wed, 01 Jan 1990 00:00:00 GMT", "Wed, 99 Foo 2026", "\x00", "," * 50],
    )
    def test_a_retry_after_that_makes_no_sense_is_not_waited_for(self, clock, value):
        retries = Retries(jitter=lambda: 0.0)
        response = httpx.Response(429, headers=[(b"retry-after", value.encode())])
        assert retries.wait(httpx.Request("GET", BASE), response, 1, 0.0, clock.now()) == 0.5

    def test_a_retry_after_beyond_the_bound_ends_it(self, clock):
        client, requests = retrying([(429, {"Retry-After": "3600"}, {})], clock)
        assert client.send("GET", "/me").status_code == 429
        assert (len(requests), clock.slept) == (1, [])

    def test_generated_traffic_keeps_its_500(self, clock):
        client, requests = retrying([429, 500], clock)
        only = Retries(only_rate_limit=True, jitter=lambda: 0.0)
        assert client.send("GET", "/me", retries=only).status_code == 500
        assert len(requests) == 2

    def test_no_answer_at_all_is_one_clear_error(self, clock):
        client, _ = retrying([httpx.ConnectError("[Errno 111] Connection refused")], clock, tries=2)
        with pytest.raises(ApiError, match=r"GET .*/v3/me: no answer after 2 attempts \(ConnectError: .*check that"):
            client.me.get()

    def test_over_a_real_connection_that_breaks(self):
        fast = Retries(first_wait=0.0)
        broken = [None, b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", answer(200, '{"id": "S2-1"}')]
        with (
            serve(*broken) as server,
            ManagementClient(server.url, ownership=Ownership.sandbox(), retries=fast) as client,
        ):
            assert client.me.get()["id"] == "S2-1"
        assert server.connections == 3


class TestRateLimit:
    def test_a_burst_and_then_the_rate(self, clock):
        limit = RateLimit(60, burst=3, clock=clock)
        assert [limit.acquire() for _ in range(6)] == [0.0, 0.0, 0.0, 1.0, 1.0, 1.0]

    @given(st.lists(st.floats(0, 10), min_size=1, max_size=60))
    def test_no_window_holds_more_than_the_burst_and_the_rate(self, pauses):
        class Ticking:
            time = 0.0

            def monotonic(self):
                return self.time

            def now(self):
                raise AssertionError

            def sleep(self, seconds):
                self.time += seconds

        ticking = Ticking()
        limit = RateLimit(60, burst=4, clock=ticking)
        moments = []
        for pause in pauses:
            ticking.time += pause
            limit.acquire()
            moments.append(ticking.time)
        for i, start in enumerate(moments):
            for j in range(i, len(moments)):
                assert j - i + 1 <= 4 + (moments[j] - start) * 1.0 + 1e-6

    def test_every_attempt_takes_its_turn(self, clock):
        limit = RateLimit(60, burst=1, clock=clock)
        replies = iter([500, 500, 200])
        retries = Retries(first_wait=0.0)
        with clients(lambda _: httpx.Response(next(replies)), rate_limit=limit, clock=clock, retries=retries) as client:
            client.send("GET", "/me")
        assert sum(clock.slept) == 2.0

    def test_what_waited_too_long_for_its_turn_is_not_sent(self, clock):
        seen = []
        limit = RateLimit(60, burst=1, clock=clock)
        reply = lambda request: seen.append(request.method) or httpx.Response(200, json={})  # noqa: E731
        with clients(reply, rate_limit=limit, clock=clock) as client:
            client.me.get()
            with pytest.raises(ApiError, match=r"PATCH .* was not sent, because its turn came too late"):
                client.company("C").update("S2-1", {}, not_after=0.9)
            client.company("C").update("S2-1", {}, not_after=clock.monotonic() + 1.5)
        assert seen == ["GET", "PATCH"]

    @pytest.mark.parametrize("arguments", [{"requests": 0}, {"requests": -1}, {"requests": 1, "burst": 0}])
    def test_a_rate_that_is_none_is_refused(self, arguments):
        with pytest.raises(ValueError, match="rate"):
            RateLimit(**arguments)


def page(number: int, last: int, **links: object) -> dict[str, object]:
    href = f"{BASE}/companies/C/apiCredentials?pageNumber={number + 1}&pageSize=2"
    body: dict[str, object] = {
        "itemsTotal": last * 2,
        "pagesTotal": last,
        "data": [{"id": f"S2-{number}-{i}"} for i in range(2)],
        "_links": {"next": {"href": href}} if number < last else {},
    }
    return body | links


class TestPaging:
    def numbered(self, answers):
        seen = []

        def handler(request):
            seen.append(str(request.url))
            return httpx.Response(200, json=answers(int(request.url.params["pageNumber"])))

        return clients(handler), seen

    def test_all_pages_in_order(self):
        client, seen = self.numbered(lambda number: page(number, 5))
        ids = [credential["id"] for credential in client.company("C").iterate(page_size=2)]
        assert ids == [f"S2-{number}-{i}" for number in range(1, 6) for i in range(2)]
        assert len(seen) == 5
        assert all("pageSize=2" in url for url in seen)

    @pytest.mark.parametrize(
        "href",
        [
            "https://evil.example/v3/companies/C/apiCredentials?pageNumber=2",
            "https://management-live.adyen.com/v3/companies/C/apiCredentials?pageNumber=2",
            "https://management-test.adyen.com@evil.example/v3/companies/C/apiCredentials?pageNumber=2",
            "http://management-test.adyen.com:1/v3/companies/C/apiCredentials?pageNumber=2",
            f"{BASE}/companies/OTHER/apiCredentials?pageNumber=2",
            f"{BASE}/merchants/C/apiCredentials?pageNumber=2",
            f"{BASE}/companies/C/apiCredentials/../x?pageNumber=2",
            f"{BASE}/companies/C/apiCredentials",
            f"{BASE}/companies/C/apiCredentials?pageNumber=two",
            f"{BASE}/companies/C/apiCredentials?pageNumber=2&pageNumber=3",
            f"{BASE}/companies/C/apiCredentials?pageNumber=-1",
            f"{BASE}/companies/C/apiCredentials?pageNumber=٢",
            "//[",
            7,
            ["x"],
        ],
    )
    def test_a_link_that_leads_elsewhere_is_not_followed(self, href):
        client, seen = self.numbered(lambda number: page(number, 5, _links={"next": {"href": href}}))
        with pytest.raises(ApiError, match="leads elsewhere; it is not followed"):
            list(client.company("C").iterate())
        assert len(seen) == 1

    @pytest.mark.parametrize("to", [1, 2])
    def test_links_in_a_circle_end(self, to):
        href = f"{BASE}/companies/C/apiCredentials?pageNumber={to}"
        client, seen = self.numbered(lambda number: page(number, 5, _links={"next": {"href": href}}))
        with pytest.raises(ApiError, match="circle"):
            list(client.company("C").iterate())
        assert len(seen) == to

    def test_a_link_that_names_the_other_version_stays_with_ours(self):
        href = BASE.replace("v3", "v1") + "/companies/C/apiCredentials?pageNumber=2"
        client, seen = self.numbered(
            lambda number: page(number, 2, **({"_links": {"next": {"href": href}}} if number == 1 else {}))
        )
        assert len(list(client.company("C").iterate())) == 4
        assert all("/v3/" in url for url in seen)

    @pytest.mark.parametrize(
        "body", [{}, {"data": None}, {"data": "x", "_links": []}, {"data": [1, None], "_links": {"next": 1}}]
    )
    def test_an_odd_page_is_an_empty_one(self, body):
        client, _ = self.numbered(lambda _: body)
        assert list(client.merchant("M").iterate()) == []

    def test_no_content_is_an_empty_page(self):
        with clients(lambda _: httpx.Response(204)) as client:
            assert client.merchant("M").list().items == ()


ERROR = {
    "type": "https://docs.adyen.com/errors/forbidden",
    "errorCode": "00_403",
    "title": "Forbidden",
    "detail": "Not\nentitled",
    "requestId": "R1",
    "status": 403,
}


class TestErrors:
    def test_what_it_says_and_what_to_do(self):
        with clients(lambda _: httpx.Response(403, json=ERROR)) as client, pytest.raises(ApiError) as caught:
            client.me.get()
        error = caught.value
        assert (error.status, error.error_code, error.request_id, error.title) == (403, "00_403", "R1", "Forbidden")
        assert str(error) == (
            "GET /v3/me answered 403 Forbidden: Not entitled (errorCode 00_403, requestId R1); "
            "give the credential the role 'Management API - API credentials read and write'"
        )

    def test_a_merchant_account_that_may_be_wrong_is_named(self):
        with clients(lambda _: httpx.Response(403, json=ERROR)) as client, pytest.raises(ApiError) as caught:
            client.merchant("Nope").list()
        assert str(caught.value).endswith(
            "check that Nope is a merchant account of the company, and that the credential has the role "
            "'Management API - API credentials read and write'"
        )

    @pytest.mark.parametrize("wrap", [lambda field: field, lambda field: {"InvalidField": field}], ids=["v3", "v1"])
    def test_invalid_fields_are_named_without_their_values(self, wrap):
        fields = [
            {"name": "associatedMerchantAccounts[0]", "value": "Nope", "message": f"Nope is unknown to {KEY.reveal()}"},
            {"name": "roles", "value": ""},
        ]
        body = ERROR | {"invalidFields": [7, *map(wrap, fields), {}]}
        with clients(lambda _: httpx.Response(422, json=body)) as client, pytest.raises(ApiError) as caught:
            client.me.get()
        assert f": associatedMerchantAccounts[0] (... is unknown to {MASK}); roles; check the" in str(caught.value)

    def test_a_secret_in_it_is_masked(self):
        body = ERROR | {"title": f"Bad key {KEY.reveal()}", "detail": KEY.reveal()}
        with clients(lambda _: httpx.Response(401, json=body)) as client, pytest.raises(ApiError) as caught:
            client.me.get()
        assert KEY.reveal() not in str(caught.value)
        assert caught.value.title == f"Bad key {MASK}"

    @pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 409, 418, 422, 429, 500])
    @pytest.mark.parametrize(
        "body", [b"", b"<html>", b"[]", b'"x"', b"null", b"{", b'{"title": {}, "errorCode": []}', b"[" * 100_000]
    )
    def test_an_answer_outside_the_envelope_is_an_error_and_no_crash(self, status, body):
        client = clients(lambda _: httpx.Response(status, content=body), retries=Retries(tries=1))
        with client, pytest.raises(ApiError, match=f"answered {status}; ") as caught:
            client.me.get()
        assert caught.value.status == status

    @pytest.mark.parametrize("body", [b"<html>", b"[]", b'"x"', b"{"])
    def test_a_success_without_json_is_an_error_too(self, body):
        with (
            clients(lambda _: httpx.Response(200, content=body)) as client,
            pytest.raises(ApiError, match="no JSON object"),
        ):
            client.me.get()

    @pytest.mark.parametrize(
        "reply", [httpx.Response(204), httpx.Response(200, json={}), httpx.Response(200, json={"apiKey": 7})]
    )
    def test_a_generated_key_that_is_missing_is_an_error(self, reply):
        with clients(lambda _: reply) as client, pytest.raises(ApiError):
            client.company("C").generate_api_key("S2-1")


class TestSecrets:
    BODY = (
        ("json", '{"apiKey": "AQE-new-%d", "password": "Pw-new-%d", "clientKey": "test_NEW%d"}'),
        ("deep", '{"a": [{"x": [{"APIKEY": "AQE-new-%d"}, {"password": "Pw-new-%d", "clientkey": "test_NEW%d"}]}]}'),
        ("torn", '{"apiKey": "AQE-new-%d", "apiKey": "AQE-last", "password":"Pw-new-%d", "clientKey": "test_NEW%d"'),
        ("html", '<p>{\\"apiKey\\": \\"AQE-new-%d\\", \\"password\\": \\"Pw-new-%d\\", "clientKey":"test_NEW%d'),
    )

    @pytest.mark.parametrize(
        ("number", "body"), list(enumerate(text for _, text in BODY)), ids=[name for name, _ in BODY]
    )
    @pytest.mark.parametrize("status", [200, 422, 500])
    def test_every_secret_of_an_answer_is_registered_before_anyone_sees_it(self, number, body, status):
        number += 10_000 + status * 10
        seen: list[str] = []
        text = body % (number, number, number)
        client = clients(lambda _: httpx.Response(status, content=text.encode()), retries=Retries(tries=1))
        client.observers.append(lambda response: seen.append(SECRETS.mask(response.text)))
        with client:
            client.send("GET", "/me")
        for secret in (f"AQE-new-{number}", f"Pw-new-{number}", f"test_NEW{number}"):
            assert secret in text
            assert secret not in seen[0]
            assert SECRETS.mask(f"x{secret}x") == f"x{MASK}x"

    def test_typed_methods_hand_out_secret_objects(self):
        body = {"id": "S2-1", "apiKey": "AQE-typed-0001", "password": "Pw-typed-0002", "clientKey": "test_TYPED0003"}
        with clients(lambda _: httpx.Response(200, json=body)) as client:
            created = client.company("C").create({"description": "x"})
            key = client.company("C").generate_api_key("S2-1")
        assert isinstance(created["password"], Secret)
        assert created["apiKey"] == key == Secret("AQE-typed-0001")
        assert "0001" not in repr(created)
        assert "0003" not in repr(created)

    @pytest.mark.parametrize(
        "body",
        [
            b'{"clientKey": "live_ABCDEFGHIJ"}',
            b'{"data": [{"clientKey": "live_X"}]}',
            b'{"note": "live_ABCDEFGHIJ0123456789"}',
            b'{"clientKey": "live_TORN',
        ],
    )
    def test_a_live_client_key_stops_everything_at_once(self, body):
        sent: list[str] = []
        observed: list[httpx.Response] = []
        ownership = Ownership.sandbox()

        def handler(request):
            sent.append(request.method)
            return httpx.Response(200, content=body)

        with clients(handler, ownership=ownership) as client, clients(handler, ownership=ownership) as other:
            client.observers.append(observed.append)
            with pytest.raises(EndpointRefused, match="live environment"):
                client.send("GET", "/me")
            for one in (client, other):
                with pytest.raises(EndpointRefused, match="nothing more is sent"):
                    one.send("GET", "/me")
        assert ownership.halted
        assert (sent, observed) == (["GET"], [])

    def test_logs_hold_none(self, caplog):
        caplog.set_level(logging.DEBUG)
        body = '{"apiKey": "AQE-logged-0001", "clientKey": "test_LOGGED0002"}'
        with serve(answer(200, body)) as server:
            with ManagementClient(server.url, api_key=KEY, ownership=Ownership.sandbox()) as client:
                client.company("C").generate_api_key("S2-1")
            basic = ("ws@Company.Test", Secret("Pw-logged-0003"))
            with ManagementClient(server.url, ownership=Ownership.sandbox()) as client:
                client.send("GET", "/me", auth=basic)
                assert "Pw-logged" not in repr(client)
        assert "generateApiKey" in caplog.text
        token = base64.b64encode(b"ws@Company.Test:Pw-logged-0003").decode()
        for secret in (KEY.reveal(), "AQE-logged-0001", "test_LOGGED0002", "Pw-logged-0003", token):
            assert secret not in caplog.text


class TestObservers:
    def test_they_see_every_attempt_whole(self, clock):
        seen: list[httpx.Response] = []
        client, _ = retrying([500, (200, {}, {"id": "S2-1"})], clock)
        client.observers.append(seen.append)
        client.send("PATCH", "/me", json={"a": 1})
        assert [response.status_code for response in seen] == [500, 200]
        last = seen[-1]
        assert last.request.content == b'{"a":1}'
        assert last.json() == {"id": "S2-1"}
        assert last.elapsed.total_seconds() >= 0

    @pytest.mark.parametrize("encoding", ["gzip", "deflate"])
    def test_compressed_answers_are_read_by_both_sides(self, encoding):
        import gzip
        import zlib

        raw = (gzip.compress if encoding == "gzip" else zlib.compress)(b'{"apiKey": "AQE-compressed-01"}')
        seen: list[httpx.Response] = []
        with clients(
            lambda _: httpx.Response(200, headers={"content-encoding": encoding}, stream=httpx.ByteStream(raw))
        ) as client:
            client.observers.append(seen.append)
            assert client.send("GET", "/me").json() == {"apiKey": "AQE-compressed-01"}
        assert seen[0].json() == {"apiKey": "AQE-compressed-01"}
        assert SECRETS.mask("AQE-compressed-01") == MASK

    def test_the_answer_has_what_httpx_gives(self):
        with (
            serve(answer(200, '{"a": 1}')) as server,
            ManagementClient(server.url, ownership=Ownership.sandbox()) as client,
        ):
            response = client.send("GET", "/me")
        assert response.elapsed.total_seconds() > 0
        assert response.http_version == "HTTP/1.1"
        assert response.headers["content-length"] == "8"
        assert response.request.url == f"{server.url}/me"


def test_cookies_are_not_kept():
    cookie = answer(200, "{}", "Set-Cookie: session=stolen")
    with serve(cookie) as server, ManagementClient(server.url, ownership=Ownership.sandbox()) as client:
        client.send("GET", "/me")
        client.send("GET", "/me")
    assert all(b"cookie" not in request.lower() for request in server.requests)


def test_an_answer_without_end_is_cut_off(monkeypatch):
    monkeypatch.setattr("pytest_adyen_creds.client.transports.LARGEST_ANSWER", 1_000_000)

    def endless():
        while True:
            yield b"x" * 65_536

    with (
        clients(lambda _: httpx.Response(200, content=endless()), retries=Retries(tries=1)) as client,
        pytest.raises(ApiError, match="larger than"),
    ):
        client.send("GET", "/me")


@pytest.mark.parametrize(
    "url", [BASE + "/", BASE[:-3], BASE[:-1] + "2", BASE + "/v4", "http://127.0.0.1/x/v3", BASE + "?v3"]
)
def test_a_base_url_that_is_not_one_is_refused(url):
    with pytest.raises(SettingsError, match="/v1 or /v3"):
        ManagementClient(url, ownership=Ownership.sandbox())


@pytest.mark.parametrize(
    "path",
    ["me", "", f"{BASE}x/me", "https://checkout-test.adyen.com/v3/me", BASE.replace("v3", "v1") + "/me", "/\x00"],
)
def test_a_path_that_is_not_below_the_base_is_refused(path):
    with clients(lambda _: pytest.fail("sent")) as client, pytest.raises(EndpointRefused):
        client.send("GET", path)


def test_a_long_answer_of_backslashes_is_read_once():
    # each of them was a place to start from: a megabyte would have taken minutes
    with clients(lambda _: httpx.Response(200, content=b"\\" * 1_000_000)) as client:
        assert client.send("GET", "/me").status_code == 200


def test_a_client_that_was_closed_says_so():
    with clients(lambda _: httpx.Response(200)) as client:
        pass
    with pytest.raises(AdyenCredsError, match="GET /v3/me was not sent, because the client is closed; use a client"):
        client.send("GET", "/me")


def test_a_url_below_the_base_is_taken_as_it_is():
    with clients(lambda request: httpx.Response(200, text=str(request.url))) as client:
        assert client.send("GET", f"{BASE}/me?a=1").text == f"{BASE}/me?a=1"
