"""Replay: the right answer whatever the order, names that stand for recorded ones, and misses that help."""

from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx
import pytest
from cassettes_libraries import ORIGIN
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_adyen_creds.cassettes.model import Interaction
from pytest_adyen_creds.cassettes.playback import Playback
from pytest_adyen_creds.cassettes.replay import ReplayTransport
from pytest_adyen_creds.errors import CassetteError
from pytest_adyen_creds.secrets import Secret

ADMIN, FIRST, SECOND, WRONG = (f"AQEPSEUDONYM{number:020d}" for number in range(1, 5))


def recorded(
    answer: Any, method: str = "GET", path: str = "/v3/me", *, key: str | None = None, body: Any = None, media: str = ""
) -> Interaction:
    headers = [("x-api-key", key)] if key else []
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    if content:
        headers.append(("content-type", media or "application/json"))
    status = answer if isinstance(answer, int) else 200
    return Interaction(method, ORIGIN + path, tuple(headers), content, status, "", (), json.dumps(answer).encode())


def client_for(*interactions: Interaction, **more: Any) -> httpx.Client:
    return httpx.Client(transport=ReplayTransport(Playback(interactions), "life.yaml", **more), base_url=ORIGIN)


def get(client: httpx.Client, path: str = "/v3/me", key: str | None = None) -> Any:
    return client.get(path, headers={"X-API-Key": key} if key else {}).json()


def test_the_nth_time_gets_the_nth_answer_and_the_last_one_again() -> None:
    client = client_for(recorded(401), recorded(401), recorded({"ready": True}))

    assert [get(client) for _ in range(5)] == [401, 401, {"ready": True}, {"ready": True}, {"ready": True}]


def test_a_changing_request_is_not_answered_more_often_than_recorded() -> None:
    client = client_for(recorded({"n": 1}, "POST", body={"a": 1}))
    client.post("/v3/me", json={"a": 1})

    with pytest.raises(CassetteError, match="recorded 1 time, and every answer has been given"):
        client.post("/v3/me", json={"a": 1})


@settings(max_examples=2 * settings.default.max_examples, deadline=None)
@given(st.permutations(range(12)))
def test_the_order_of_asking_does_not_matter(order: list[int]) -> None:
    client = client_for(*(recorded({"n": n}, "POST", f"/v3/x/{n % 3}?page={n}", body={"n": n}) for n in range(12)))

    assert [client.post(f"/v3/x/{n % 3}?page={n}", json={"n": n}).json()["n"] for n in order] == order


@pytest.mark.parametrize(
    ("asked", "fits"),
    [
        ({"method": "POST", "url": "/v3/x?a=1&b=2&b=3", "json": {"r": [1, 2], "n": 1}}, True),
        ({"method": "POST", "url": "/v3/x?b=2&b=3&a=1", "content": b'{ "n" : 1.0,\n"r":[1, 2]}'}, True),
        ({"method": "POST", "url": "/v3/%78?a=1&b=2&b=3", "json": {"n": 1, "r": [1, 2]}}, True),
        ({"method": "POST", "url": "/v3/x?a=1&b=3&b=2", "json": {"n": 1, "r": [1, 2]}}, False),
        ({"method": "POST", "url": "/v3/x?a=1&b=2&b=3", "json": {"n": 1, "r": [2, 1]}}, False),
        ({"method": "POST", "url": "/v3/x?a=1&b=2&b=3", "json": {"n": True, "r": [1, 2]}}, False),
        ({"method": "POST", "url": "/v3/x?a=1&b=2&b=3", "content": b'{"n":2,"n":1,"r":[1,2]}'}, False),
        ({"method": "PUT", "url": "/v3/x?a=1&b=2&b=3", "json": {"n": 1, "r": [1, 2]}}, False),
        ({"method": "POST", "url": "/v3/x/?a=1&b=2&b=3", "json": {"n": 1, "r": [1, 2]}}, False),
        (
            {
                "method": "POST",
                "url": "https://checkout-test.adyen.com/v3/x?a=1&b=2&b=3",
                "json": {"n": 1, "r": [1, 2]},
            },
            False,
        ),
    ],
)
def test_requests_are_compared_by_meaning(asked: dict[str, Any], fits: bool) -> None:
    client = client_for(recorded({"n": 7}, "POST", "/v3/x?a=1&b=2&b=3", body={"n": 1, "r": [1, 2]}))

    if fits:
        assert client.request(**asked).json() == {"n": 7}
    else:
        with pytest.raises(CassetteError):
            client.request(**asked)


def test_bodies_that_are_no_json_are_compared_byte_by_byte() -> None:
    client = client_for(recorded({"n": 1}, "POST", body=b"\xff{"), recorded({"n": 2}, "POST", body=b"{"))

    assert client.post("/v3/me", content=b"{").json() == {"n": 2}
    assert client.post("/v3/me", content=b"\xff{").json() == {"n": 1}


def test_a_media_type_tells_requests_apart_where_both_were_recorded() -> None:
    client = client_for(
        recorded(400, "POST", body={"a": 1}, media="text/plain"), recorded({"n": 1}, "POST", body={"a": 1})
    )

    assert client.post("/v3/me", json={"a": 1}).json() == {"n": 1}
    assert client.post("/v3/me", content=b'{"a":1}', headers={"content-type": "text/plain"}).status_code == 400


ROTATION = (
    recorded({"apiKey": FIRST}, "POST", key=ADMIN, body={}),
    recorded({"as": "first"}, key=FIRST),
    recorded({"apiKey": SECOND}, "POST", "/v3/rotate", key=ADMIN, body={}),
    recorded({"as": "second"}, key=SECOND),
    recorded(401, key=WRONG),
    recorded(403),
)


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (2, 0, 3, 1)])
def test_keys_of_the_recording_answer_for_themselves_and_others_for_what_was_there_before(
    order: tuple[int, ...],
) -> None:
    client = client_for(*ROTATION)
    steps = [
        (lambda: get(client, key=FIRST), {"as": "first"}),
        (lambda: get(client, key=SECOND), {"as": "second"}),
        (lambda: get(client, key="a wrong key"), 401),
        (lambda: get(client), 403),
    ]
    assert client.post("/v3/me", headers={"X-API-Key": "my own key"}, json={}).json() == {"apiKey": FIRST}

    for step in order:
        asked, answer = steps[step]
        assert asked() == answer
    assert client.post("/v3/rotate", headers={"X-API-Key": "my own key"}, json={}).json() == {"apiKey": SECOND}


def test_a_stranger_does_not_take_the_answers_of_who_stands_for_itself() -> None:
    basic = [f"Basic {base64.b64encode(f'ws@Company.X:{each}'.encode()).decode()}" for each in (FIRST, WRONG, "mine")]
    place = "/v3/companies/{}/apiCredentials"
    client = client_for(
        *(recorded(answer, key=key) for answer, key in ((200, FIRST), (401, WRONG), (200, FIRST))),
        *(recorded(answer, path=place.format(name)) for answer, name in ((200, "Mine"), (403, "Other"), (200, "Mine"))),
        *(
            replace(recorded(answer, path="/v3/basic"), request_headers=(("authorization", header),))
            for answer, header in ((200, basic[0]), (401, basic[1]), (200, basic[0]))
        ),
    )

    assert [get(client, key=key) for key in (FIRST, "a wrong key", FIRST)] == [200, 401, 200]
    assert [get(client, place.format(name)) for name in ("Mine", "Nope", "Mine")] == [200, 403, 200]
    answers = [client.get("/v3/basic", headers={"Authorization": header}) for header in (basic[0], basic[2], basic[0])]
    assert [answer.status_code for answer in answers] == [200, 401, 200]


def test_a_key_of_the_recording_never_gets_anothers_answer() -> None:
    client = client_for(*ROTATION[:2])

    with pytest.raises(CassetteError, match="signed in with another credential"):
        client.post("/v3/me", headers={"X-API-Key": FIRST}, json={})
    with pytest.raises(CassetteError, match="not signed in"):
        get(client)


def test_a_key_stands_for_one_credential_throughout() -> None:
    client = client_for(recorded({"n": 1}, path="/v3/a", key=ADMIN), recorded({"n": 2}, path="/v3/b", key=WRONG))
    assert get(client, "/v3/a", "mine") == {"n": 1}

    with pytest.raises(CassetteError, match="another credential"):
        get(client, "/v3/b", "mine")
    assert get(client, "/v3/b", "another") == {"n": 2}


def test_a_recording_whose_tool_dropped_the_credentials_tells_none_apart() -> None:
    client = client_for(recorded({"n": 1}))

    assert [get(client, key=key) for key in ("a", "b", None)] == [{"n": 1}] * 3


def test_accounts_stand_for_recorded_ones_of_their_own() -> None:
    def place(account: str) -> str:
        return f"/v3/companies/{account}/apiCredentials"

    client = client_for(
        recorded({"n": 1}, path=place("PseudoCompany1")),
        recorded({"n": 2}, path=place("PseudoCompany2")),
        recorded({"n": 3}, path=place("PseudoCompany1") + "/S2-1"),
        recorded({"n": 4}, "POST", "/v3/x", body={"associatedMerchantAccounts": ["PseudoMerchant1"], "a": 1}),
    )

    assert get(client, place("Mine")) == {"n": 1}
    assert get(client, place("Theirs")) == {"n": 2}
    assert get(client, place("Mine") + "/S2-1") == {"n": 3}
    assert get(client, place("PseudoCompany2")) == {"n": 2}
    assert client.post("/v3/x", json={"a": 1, "associatedMerchantAccounts": ["Shop"]}).json() == {"n": 4}
    with pytest.raises(CassetteError, match="account PseudoCompany2, recorded PseudoCompany1"):
        get(client, place("Theirs") + "/S2-1")


def test_a_throwaways_tag_is_another_one_in_every_run() -> None:
    tag = "pytest-adyen-creds {} exp {}"
    client = client_for(recorded({"n": 1}, "POST", body={"description": tag.format("RUN00001", "2099-12-31T23:59Z")}))

    body = {"description": tag.format("k3j9x0aa", "2026-11-22T02:00Z")}
    assert client.post("/v3/me", json=body).json() == {"n": 1}


def test_a_base_url_of_ones_own_is_the_recorded_host() -> None:
    client = client_for(recorded({"n": 1}), base_urls=["http://127.0.0.1:8080/v3"])

    assert client.get("http://127.0.0.1:8080/v3/me").json() == {"n": 1}
    with pytest.raises(CassetteError, match="host http://127"):
        client.get("http://127.0.0.1:8081/v3/me")


def test_a_miss_names_the_nearest_request_what_differs_and_how_to_record_it() -> None:
    client = client_for(
        recorded({}, path="/v3/companies/TestCompany/apiCredentials?pageSize=10"),
        recorded({}, "POST", "/v3/companies/TestCompany/apiCredentials", body={"roles": ["A"], "a/b": 1, "c": 1}),
        recorded({}, "PATCH", "/v3/merchants/TestMerchant/apiCredentials/S2-1", body={"active": False}),
    )

    with pytest.raises(CassetteError) as missed:
        client.post("/v3/companies/TestCompany/apiCredentials", json={"roles": ["B"], "a/b": 2, "d": None})

    assert str(missed.value).splitlines() == [
        f"life.yaml: holds no answer to POST {ORIGIN}/v3/companies/TestCompany/apiCredentials",
        f"  nearest: interaction 2, POST {ORIGIN}/v3/companies/TestCompany/apiCredentials",
        "  differs: body /a~1b is 2, recorded 1",
        "  differs: body /c is missing, recorded 1",
        "  differs: body /d is null, not recorded",
        '  differs: body /roles/0 is "B", recorded "A"',
        "  to record it: run this test with --adyen-backend=sandbox (or --adyen-live) and --adyen-record=missing, "
        "or =all for all of it",
    ]


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("GET", "/v3/companies/TestCompany/apiCredentials?pageSize=20", "query pageSize=20, recorded pageSize=10"),
        ("GET", "/v3/companies/TestCompany/apiCredentials", "query none, recorded pageSize=10"),
        ("DELETE", "/v3/companies/TestCompany/apiCredentials?pageSize=10", "method DELETE, recorded GET"),
        ("GET", "/v3/companies/TestCompany/apiCredential?pageSize=10", "path /v3/companies/*/apiCredential, recorded"),
    ],
)
def test_a_miss_says_which_part_differs(method: str, path: str, says: str) -> None:
    client = client_for(recorded({}, path="/v3/companies/TestCompany/apiCredentials?pageSize=10"))

    with pytest.raises(CassetteError) as missed:
        client.request(method, path)

    assert f"differs: {says}" in str(missed.value)


def test_a_miss_on_an_empty_cassette_says_so() -> None:
    with pytest.raises(CassetteError, match="nothing, the cassette is empty"):
        client_for().get("/v3/me")


def test_a_miss_never_shows_a_secret() -> None:
    secret = Secret("sesame-open-the-door-42")
    client = client_for(recorded({}, "POST", body={"note": "x"}))

    with pytest.raises(CassetteError) as missed:
        client.post(f"/v3/me?q={secret.reveal()}", json={"note": secret.reveal()})

    assert secret.reveal() not in str(missed.value)


def test_threads_share_the_answers_without_losing_or_doubling_one() -> None:
    client = client_for(*(recorded({"n": number}, "POST", body={}) for number in range(200)))

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post("/v3/me", json={}).json()["n"], range(200)))

    assert sorted(answers) == list(range(200))


def test_a_secret_of_a_body_stands_for_one_recorded_secret_throughout() -> None:
    first, second = (f"Pseudonym-{number:022}" for number in (1, 2))
    asked = {"key": first}, {"key": second}
    client = client_for(*(recorded({"n": number}, "POST", body=body) for number, body in enumerate(asked)))

    def answer(key: str) -> Any:
        return client.post("/v3/me", json={"key": key}).json()["n"]

    assert [answer("a-key-of-today"), answer("another-key-of-today")] == [0, 1]
    with pytest.raises(CassetteError):
        answer("a-third-key-of-today")


def test_a_body_that_a_person_changed_is_as_long_as_it_is() -> None:
    told = replace(recorded({"name": "longer than it was"}), response_headers=(("Content-Length", "2"),))
    assert get(client_for(told)) == {"name": "longer than it was"}
    assert client_for(told).get("/v3/me").headers["content-length"] == str(len(told.response_body))
