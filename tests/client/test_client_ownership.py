"""Never someone else's: what is refused is refused before a byte is sent, and a budget is never exceeded."""
# ruff: noqa: RUF001

from __future__ import annotations

import base64
import contextlib
import json
import threading
from datetime import timedelta

import httpx
import pytest
from client_loopback import answer, serve
from hypothesis import given
from hypothesis import strategies as st

from pytest_adyen_creds.client import Budget, GuardedTransport, ManagementClient, Ownership, Retries, tag
from pytest_adyen_creds.client.parsing import read_target
from pytest_adyen_creds.client.transports import Network
from pytest_adyen_creds.errors import ApiError, BudgetSpent, EndpointRefused, OwnershipRefused
from pytest_adyen_creds.secrets import Secret

TAG = "pytest-adyen-creds 0a1b2c3d exp 2026-07-01T12:30Z"
ADMIN = Secret("AQE-provisioning-key-0001")
LEASED_KEY = Secret("AQE-leased-key-0002")
NO_RETRY = Retries(tries=1)


def owning(budget: int | Budget = 5, base_url: str | None = None) -> Ownership:
    """An ownership with a lease on S2-1, whose origin OR1 is known."""
    ownership = Ownership(budget, provisioning=[ADMIN], provisioning_usernames=["ws@Company.Test"], base_url=base_url)
    ownership.lease("S2-1", TAG, username="ws_1@Company.Test", api_key=LEASED_KEY)
    seen = httpx.Request("GET", (base_url or "http://127.0.0.1/v3") + "/companies/C/apiCredentials/S2-1/allowedOrigins")
    ownership.learn(seen, 200, {"data": [{"id": "OR1", "domain": "https://a.example"}]})
    return ownership


C = "/companies/C/apiCredentials"
M = "/merchants/M/apiCredentials"

REFUSED = [
    # a credential seen in a list, not leased
    ("PATCH", f"{C}/S2-2"),
    ("PATCH", f"{M}/S2-2"),
    ("POST", f"{C}/S2-2/generateApiKey"),
    ("POST", f"{C}/S2-2/generateClientKey"),
    ("POST", f"{M}/S2-2/generateApiKey"),
    ("POST", f"{C}/S2-2/allowedOrigins"),
    ("DELETE", f"{C}/S2-2/allowedOrigins/OR9"),
    ("DELETE", f"{M}/S2-2/allowedOrigins/OR9"),
    # a leased credential, somebody else's origin
    ("DELETE", f"{C}/S2-1/allowedOrigins/OR9"),
    # the provisioning key itself
    ("POST", "/me/generateClientKey"),
    ("POST", "/me/allowedOrigins"),
    ("DELETE", "/me/allowedOrigins/OR1"),
    # another spelling of an id or a path
    ("PATCH", f"{C}/s2-1"),
    ("PATCH", f"{C}/S2-1/"),
    ("PATCH", f"{C}//S2-1"),
    ("PATCH", f"{C}/S2-1%2F..%2FS2-2"),
    ("PATCH", f"{C}/S2-1%2f%2e%2e%2fS2-2"),
    ("PATCH", f"{C}/S2-1/..%2fS2-2"),
    ("PATCH", f"{C}/S2-1/%2e%2e/S2-2"),
    ("PATCH", f"{C}/S2-1/../S2-2"),
    ("PATCH", f"{C}/./S2-2"),
    ("PATCH", f"{C}/%53%32-1"),
    ("PATCH", f"{C}/S2-1%00"),
    ("PATCH", f"{C}/S2-1%20"),
    ("PATCH", f"{C}/S2-1%0d%0a"),
    ("PATCH", f"{C}/S2-1;S2-2"),
    ("PATCH", f"{C}/S2-1;x=1"),
    ("PATCH", f"{C}/S2-1,S2-2"),
    ("PATCH", f"{C}/S2-1|S2-2"),
    ("PATCH", f"{C}/*"),
    ("PATCH", f"{C}/%25"),
    ("PATCH", f"{C}/S2-1%252f..%252fS2-2"),
    ("PATCH", f"{C}/Ｓ2-1"),
    ("PATCH", "/companies/C/apicredentials/S2-1"),
    ("PATCH", "/Companies/C/apiCredentials/S2-1"),
    ("PATCH", "/companies/C%2FD/apiCredentials/S2-1"),
    ("PATCH", "/companies/../apiCredentials/S2-1"),
    ("PATCH", "/companies/%2e%2e/apiCredentials/S2-1"),
    ("PATCH", "/companies//apiCredentials/S2-1"),
    ("PATCH", "/companies/C/apiCredentials"),
    ("POST", f"{C}/S2-1/generateapikey"),
    ("POST", f"{C}/S2-1/generateApiKey/"),
    ("POST", f"{C}/S2-1/generateApiKey/../../S2-2/generateApiKey"),
    ("POST", f"{C}/S2-1/generateApiKey%2f..%2f..%2fS2-2"),
    ("DELETE", f"{C}/S2-1/allowedOrigins/"),
    ("DELETE", f"{C}/S2-1/allowedOrigins"),
    ("DELETE", f"{C}/S2-1/allowedOrigins/..%2f..%2fS2-2%2fallowedOrigins%2fOR9"),
    # what the API has no operation for
    ("DELETE", f"{C}/S2-1"),
    ("PUT", f"{C}/S2-1"),
    ("POST", f"{C}/S2-1"),
    ("PATCH", "/me"),
    ("POST", "/me"),
    ("POST", "/me/generateApiKey"),
    ("POST", "/me/apiCredentials"),
    ("POST", "/companies/C/users"),
    ("PATCH", "/companies/C"),
    ("POST", "/companies"),
    ("DELETE", "/"),
    ("POST", "/_sandbox/faults"),
    ("TRACE", "/me"),
    ("CONNECT", "/me"),
    ("QUERY", "/me"),
    ("PURGE", f"{C}/S2-1"),
    ("POST", "/me/../companies/C/apiCredentials/S2-2/generateApiKey"),
]


@pytest.mark.parametrize(("method", "path"), REFUSED)
def test_a_change_of_what_is_not_leased_sends_nothing(method, path):
    with (
        serve() as server,
        ManagementClient(server.url, api_key=ADMIN, ownership=owning()) as client,
        pytest.raises(OwnershipRefused, match="nothing was sent"),
    ):
        client.send(method, path, content=b"{}")
    assert (server.connections, server.received) == (0, 0)


ALLOWED = [
    ("PATCH", f"{C}/S2-1"),
    ("PATCH", f"{M}/S2-1"),
    ("PATCH", f"{C}/S2-1?x=1"),
    ("POST", f"{C}/S2-1/generateApiKey"),
    ("POST", f"{C}/S2-1/generateClientKey"),
    ("POST", f"{C}/S2-1/allowedOrigins"),
    ("DELETE", f"{C}/S2-1/allowedOrigins/OR1"),
    ("GET", f"{C}/S2-2"),
    ("GET", "/me"),
    ("GET", "/companies/..%2fx/apiCredentials/%00"),
    ("HEAD", f"{C}/S2-2"),
    ("OPTIONS", f"{C}/S2-2"),
]


@pytest.mark.parametrize(("method", "path"), ALLOWED)
def test_reading_and_changing_what_is_leased_goes_through(method, path):
    with serve() as server, ManagementClient(server.url, api_key=ADMIN, ownership=owning()) as client:
        assert client.send(method, path, content=b"").status_code == 200
    assert server.lines == [f"{method} /v3{path} HTTP/1.1"]


@pytest.mark.parametrize(("method", "path"), ALLOWED[:7])
def test_a_lease_given_back_permits_nothing(method, path):
    ownership = owning()
    ownership.release("S2-1")
    with (
        serve() as server,
        ManagementClient(server.url, api_key=LEASED_KEY, ownership=ownership) as client,
        pytest.raises(OwnershipRefused),
    ):
        client.send(method, path, content=b"{}")
    assert server.connections == 0


@pytest.mark.parametrize(
    "name",
    ["X-HTTP-Method-Override", "x-http-method", "X-Method-Override", "X-Original-URL", "X-Rewrite-Url", "Forwarded"],
)
@pytest.mark.parametrize("method", ["GET", "PATCH", "HEAD"])
def test_headers_that_make_another_request_of_it_are_refused(name, method):
    with (
        serve() as server,
        ManagementClient(server.url, api_key=ADMIN, ownership=owning()) as client,
        pytest.raises(OwnershipRefused, match=name.lower()),
    ):
        client.send(method, f"{C}/S2-1", headers={name: "DELETE"})
    assert server.connections == 0


@pytest.mark.parametrize("query", ["_method=DELETE", "a=b&_METHOD=PATCH", "%5fmethod=DELETE", "_method"])
def test_a_query_that_overrides_the_method_is_refused(query):
    with (
        serve() as server,
        ManagementClient(server.url, api_key=ADMIN, ownership=owning()) as client,
        pytest.raises(OwnershipRefused),
    ):
        client.send("GET", f"{C}/S2-2?{query}")
    assert server.connections == 0


def basic(username: str, password: str = "any-password") -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()}


class TestMe:
    @pytest.mark.parametrize(
        "headers",
        [
            {"X-API-Key": LEASED_KEY.reveal()},
            {"x-api-key": LEASED_KEY.reveal()},
            basic("ws_1@Company.Test"),
            {"X-API-Key": LEASED_KEY.reveal(), **basic("ws_1@Company.Test")},
        ],
    )
    def test_a_leased_credential_may_change_itself(self, headers):
        with serve() as server, ManagementClient(server.url, api_key=ADMIN, ownership=owning()) as client:
            assert client.send("POST", "/me/generateClientKey", headers=headers).status_code == 200
        assert server.connections == 1

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"X-API-Key": ""},
            {"X-API-Key": ADMIN.reveal()},
            {"X-API-Key": LEASED_KEY.reveal() + " "},
            {"X-API-Key": LEASED_KEY.reveal().lower()},
            {"X-API-Key": f"{LEASED_KEY.reveal()}, {ADMIN.reveal()}"},
            {"X-API-Key": ADMIN.reveal(), **basic("ws_1@Company.Test")},
            {"X-API-Key": LEASED_KEY.reveal(), **basic("ws@Company.Test")},
            basic("ws@Company.Test"),
            basic("ws_1@company.test"),
            basic(" ws_1@Company.Test"),
            {"Authorization": f"Bearer {LEASED_KEY.reveal()}"},
            {"Authorization": "Basic"},
            {"Authorization": "Basic !!!!"},
            {"Authorization": "Basic /////w=="},
            {"Authorization": LEASED_KEY.reveal()},
            {"Cookie": f"x-api-key={LEASED_KEY.reveal()}"},
        ],
    )
    def test_nobody_else_may(self, headers):
        with (
            serve() as server,
            ManagementClient(server.url, ownership=owning()) as client,
            pytest.raises(OwnershipRefused),
        ):
            client.send("POST", "/me/generateClientKey", headers=headers, auth=None)
        assert server.connections == 0

    def test_the_typed_method_with_the_provisioning_key_is_refused(self):
        with serve() as server, ManagementClient(server.url, api_key=ADMIN, ownership=owning()) as client:
            with pytest.raises(OwnershipRefused, match="never with the provisioning key"):
                client.me.generate_client_key()
            with pytest.raises(OwnershipRefused):
                client.me.origins.add("https://a.example")
        assert server.connections == 0

    @pytest.mark.parametrize(("method", "path"), [("PATCH", "/me"), ("POST", "/me/generateApiKey"), ("POST", "/me")])
    def test_the_throwaway_may_do_no_more_than_the_api_documents(self, method, path):
        with (
            serve() as server,
            ManagementClient(server.url, api_key=LEASED_KEY, ownership=owning()) as client,
            pytest.raises(OwnershipRefused, match="not one of the API's changing operations"),
        ):
            client.send(method, path, content=b"{}")
        assert server.connections == 0

    def test_two_keys_in_two_headers_are_refused(self):
        ownership = owning()
        request = httpx.Request(
            "POST",
            "http://127.0.0.1/v3/me/generateClientKey",
            headers=[("x-api-key", LEASED_KEY.reveal()), ("x-api-key", ADMIN.reveal())],
        )
        with pytest.raises(OwnershipRefused):
            ownership.admit(request)

    def test_an_origin_it_has_listed_may_be_removed_by_the_throwaway_only(self):
        listed = answer(200, '{"data": [{"id": "OR7", "domain": "https://b.example"}]}')
        with (
            serve(listed, answer(204, b"")) as server,
            ManagementClient(server.url, api_key=LEASED_KEY, ownership=owning()) as client,
        ):
            with pytest.raises(OwnershipRefused, match="read or add the credential's origins first"):
                client.me.origins.remove("OR7")
            assert [origin["id"] for origin in client.me.origins.list()] == ["OR7"]
            client.me.origins.remove("OR7")
        assert server.lines[-1] == "DELETE /v3/me/allowedOrigins/OR7 HTTP/1.1"

    def test_what_somebody_else_s_me_lists_is_not_the_throwaway_s(self):
        listed = answer(200, '{"data": [{"id": "OR7", "domain": "https://b.example"}]}')
        with serve(listed) as server, ManagementClient(server.url, api_key=ADMIN, ownership=owning()) as client:
            client.me.origins.list()
            with pytest.raises(OwnershipRefused):
                client.send("DELETE", "/me/allowedOrigins/OR7", auth=LEASED_KEY)
        assert server.connections == 1


class TestLease:
    @pytest.mark.parametrize("description", [None, "", "Our integration", TAG + " ", TAG.upper(), TAG + "\n"])
    def test_an_untagged_credential_cannot_be_leased(self, description):
        ownership = Ownership()
        with pytest.raises(OwnershipRefused, match=r"^credential S2-1 .* belongs to someone else.* only$"):
            ownership.lease("S2-1", description)
        assert ownership.leased == frozenset()

    @pytest.mark.parametrize(
        ("credential_id", "shown"),
        [
            *((each, each) for each in ("", "..", "a/b", "a%2fb", "/" * 100)),
            ("/" * 101, "/" * 97 + "..."),
            ("S2-1\n", r"S2-1\n"),
            ("Ｓ2-1", r"\uff332-1"),
            (None, "None"),
            (7, "7"),
        ],
    )
    def test_what_is_no_id_cannot_be_leased(self, credential_id, shown):
        with pytest.raises(OwnershipRefused) as caught:
            Ownership().lease(credential_id, TAG)
        assert str(caught.value) == f"{shown} is not the id of a credential; nothing was sent"

    @pytest.mark.parametrize(
        "known",
        [
            {"api_key": ADMIN},
            {"username": "ws_0@Company.Test"},
            {"username": "ws_9@Company.Test"},  # as an answer has shown
            {"username": "ws@Company.Other"},  # a company's first user, whoever provisions
        ],
    )
    def test_the_provisioning_credential_cannot_be_leased(self, known):
        ownership = Ownership(provisioning=[ADMIN], provisioning_usernames=["ws_0@Company.Test"])
        ownership.protect({"id": 9, "username": "ws_9@Company.Test"})
        with pytest.raises(OwnershipRefused, match=r"that is never changed; .*: take a throwaway$"):
            ownership.lease("S2-1", TAG, **known)
        assert ownership.leased == frozenset()

    def test_what_is_not_held_may_be_given_back(self):
        ownership = owning()
        ownership.release("S2-2")
        assert ownership.leased == {"S2-1"}

    def test_a_leased_credential_may_have_a_second_key(self):
        ownership = owning()
        ownership.lease("S2-1", TAG, api_key=Secret("AQE-a-second-key"))
        for key in (LEASED_KEY.reveal(), "AQE-a-second-key"):
            assert ownership.admit(asking("POST", "/me/generateClientKey", headers={"x-api-key": key})) is None

    def test_a_generated_key_of_a_leased_credential_is_known_once_it_has_signed_in(self):
        me = answer(200, json.dumps({"id": "S2-1", "username": "ws_1@Company.Test", "description": TAG}))
        with (
            serve(answer(200, '{"apiKey": "AQE-generated-key-77"}'), me) as server,
            ManagementClient(server.url, api_key=ADMIN, ownership=owning()) as client,
        ):
            key = client.company("C").generate_api_key("S2-1")
            with pytest.raises(OwnershipRefused, match="ask GET /me with it first"):
                client.send("POST", "/me/generateClientKey", auth=key)
            client.send("GET", "/me", auth=key)
            client.send("POST", "/me/generateClientKey", auth=key)
        assert server.connections == 3

    @pytest.mark.parametrize(
        "body",
        [
            b'{"description": "mine now"}',
            b'{"description": null}',
            b'{"description": ""}',
            b'{"Description": "mine now"}',
            b'{"description": "%s", "description": "mine now"}' % TAG.encode(),
            b'{"description": "mine now", "description": "%s"}' % TAG.encode(),
            '{"description": "mine now"}'.encode("utf-16"),
            b'\xef\xbb\xbf{"description": "mine now"}',
            b'{"descri\\u0070tion": "mine now"}',
        ],
    )
    def test_an_update_cannot_take_the_tag_away(self, body):
        with (
            serve() as server,
            ManagementClient(server.url, api_key=ADMIN, ownership=owning()) as client,
            pytest.raises(OwnershipRefused, match="replace the tag"),
        ):
            client.send("PATCH", f"{C}/S2-1", content=body)
        assert server.connections == 0

    @pytest.mark.parametrize(
        "body", [{"active": False}, {"description": TAG}, {"description": 7}, {"description": "x" * 51}, [], "x"]
    )
    def test_an_update_that_leaves_it_or_cannot_be_accepted_is_sent(self, body):
        with serve() as server, ManagementClient(server.url, api_key=ADMIN, ownership=owning()) as client:
            client.send("PATCH", f"{C}/S2-1", json=body)
        assert server.connections == 1


CREATED = answer(200, json.dumps({"id": "S2-77", "username": "ws_77@Company.C", "apiKey": "AQE-created-key-77"}))


def create(client: ManagementClient, key: str | None = None, body: object = None) -> httpx.Response:
    headers = {"Idempotency-Key": key} if key else None
    json_body = {"description": TAG} if body is None else body
    return client.send("POST", C, json=json_body, headers=headers, retries=NO_RETRY)


class TestBudget:
    def test_a_creation_beyond_it_sends_nothing(self):
        with serve(CREATED) as server, ManagementClient(server.url, api_key=ADMIN, ownership=Ownership(2)) as client:
            create(client)
            create(client)
            with pytest.raises(BudgetSpent, match="raise --adyen-max-created"):
                create(client)
        assert server.connections == 2

    def test_without_one_nothing_is_created(self):
        with (
            serve(CREATED) as server,
            ManagementClient(server.url, api_key=ADMIN, ownership=Ownership()) as client,
            pytest.raises(BudgetSpent),
        ):
            create(client)
        assert server.connections == 0

    @pytest.mark.parametrize(
        ("written", "passes"),
        [
            (TAG, True),
            ("pytest-adyen-creds 0a1b2c3d exp 2026-07-01T14:01Z", True),
            ("pytest-adyen-creds 0a1b2c3d exp 9999-12-31T23:59Z", False),
            ("pytest-adyen-creds 00000000 exp 2026-07-01T12:30Z", False),
        ],
    )
    def test_only_the_runs_own_tag_and_no_later_one_is_written(self, clock, written, passes):
        ownership = owning()
        ownership.write_tags_of("0a1b2c3d", clock)  # at 12:00
        for method, path in (("POST", C), ("PATCH", f"{C}/S2-1")):
            request = httpx.Request(method, f"http://127.0.0.1/v3{path}", json={"description": written})
            with contextlib.nullcontext() if passes else pytest.raises(OwnershipRefused, match="the tag of this run"):
                ownership.admit(request)

    def test_the_same_intent_sent_again_is_one_creation(self):
        ownership = Ownership(1)
        with serve(CREATED) as server, ManagementClient(server.url, api_key=ADMIN, ownership=ownership) as client:
            for _ in range(3):
                create(client, "11111111-1111-4111-8111-111111111111")
        assert server.connections == 3
        assert (ownership.budget.spent, ownership.created) == (1, ("S2-77",))

    def test_the_same_key_for_another_account_is_another_creation(self):
        with serve(CREATED) as server, ManagementClient(server.url, api_key=ADMIN, ownership=Ownership(1)) as client:
            create(client, "key-1")
            with pytest.raises(BudgetSpent):
                client.send("POST", M, json={"description": TAG}, headers={"Idempotency-Key": "key-1"})
        assert server.connections == 1

    def test_a_key_that_a_server_may_not_honour_joins_nothing(self):
        with serve(CREATED) as server, ManagementClient(server.url, api_key=ADMIN, ownership=Ownership(1)) as client:
            create(client, "k" * 65)
            with pytest.raises(BudgetSpent):
                create(client, "k" * 65)
        assert server.connections == 1

    def test_two_idempotency_keys_join_nothing(self):
        ownership = Ownership(1)
        headers = [("idempotency-key", "key-1"), ("idempotency-key", "key-2")]
        body = json.dumps({"description": TAG}).encode()
        request = httpx.Request("POST", f"http://127.0.0.1/v3{C}", headers=headers, content=body)
        ownership.admit(request)
        with pytest.raises(BudgetSpent):
            ownership.admit(request)

    def test_a_refusal_says_nothing_about_an_attempt_still_under_way(self):
        ownership = Ownership(1)
        body = json.dumps({"description": TAG}).encode()
        request = httpx.Request("POST", f"http://127.0.0.1/v3{C}", headers={"idempotency-key": "k"}, content=body)
        intents = [ownership.admit(request), ownership.admit(request)]
        ownership.settle(intents[0], "refused")
        assert ownership.budget.spent == 1
        ownership.settle(intents[1], "refused")
        assert ownership.budget.spent == 0

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429])
    def test_a_refused_creation_gives_its_slot_back(self, status):
        ownership = Ownership(1)
        with (
            serve(answer(status), answer(status), CREATED) as server,
            ManagementClient(server.url, api_key=ADMIN, ownership=ownership) as client,
        ):
            create(client)
            create(client)
            assert ownership.budget.spent == 0
            create(client)
            with pytest.raises(BudgetSpent):
                create(client)
        assert server.connections == 3

    @pytest.mark.parametrize(
        "reply",
        [
            None,
            answer(500),
            answer(503),
            answer(408),
            answer(307, b"", "Location: /v3/me"),
            answer(201, b"<html>"),
            answer(204, b""),
            answer(409, '{"errorCode": "704"}'),
            answer(422, '{"errorCode": "704"}'),
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{",
            b"\x00\x01garbage",
        ],
    )
    def test_a_lost_or_unclear_answer_keeps_it(self, reply):
        with serve(reply) as server, ManagementClient(server.url, api_key=ADMIN, ownership=Ownership(1)) as client:
            with contextlib.suppress(ApiError):
                create(client)
            with pytest.raises(BudgetSpent):
                create(client)
        assert server.connections == 1

    def test_a_refusal_after_a_lost_answer_does_not_say_that_nothing_was_created(self):
        ownership = Ownership(1)
        with (
            serve(None, answer(429)) as server,
            ManagementClient(server.url, api_key=ADMIN, ownership=ownership) as client,
        ):
            with pytest.raises(ApiError):
                create(client, "key-1")
            assert create(client, "key-1").status_code == 429
            assert ownership.budget.spent == 1
        assert server.connections == 2

    def test_a_refusal_in_another_process_says_nothing_about_what_this_one_created(self):
        budget = Budget(1)
        here, elsewhere = Ownership(budget), Ownership(budget)
        request = httpx.Request(
            "POST",
            f"https://management-test.adyen.com/v3{C}",
            json={"description": TAG},
            headers={"idempotency-key": "1"},
        )
        one, other = here.admit(request), elsewhere.admit(request)
        here.settle(str(one), "created")
        elsewhere.settle(str(other), "refused")
        assert budget.spent == 1

    def test_what_never_connected_created_nothing(self):
        ownership = Ownership(1)
        with serve() as server:
            url = server.url
        with ManagementClient(url, api_key=ADMIN, ownership=ownership) as client, pytest.raises(ApiError):
            create(client)
        assert ownership.budget.spent == 0

    def test_threads_never_exceed_it_together(self):
        ownership = Ownership(5)
        outcomes: list[str] = []
        gate = threading.Barrier(16)

        def work(client: ManagementClient) -> None:
            gate.wait(10)
            for _ in range(5):
                try:
                    outcomes.append(str(create(client).status_code))
                except BudgetSpent:
                    outcomes.append("spent")

        with serve(CREATED) as server, ManagementClient(server.url, api_key=ADMIN, ownership=ownership) as client:
            threads = [threading.Thread(target=work, args=(client,)) for _ in range(16)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
        assert server.connections == 5
        assert sorted(outcomes) == ["200"] * 5 + ["spent"] * 75

    def test_what_was_created_is_leased_once_reads_have_shown_that_it_is_ours(self):
        ownership = Ownership(1)
        shown = {"id": "S2-77", "username": "ws_77@Company.C", "description": TAG}
        answers = answer(200, json.dumps({**shown, "apiKey": "AQE-created-key-77"})), answer(200, json.dumps(shown))
        with serve(*answers) as server, ManagementClient(server.url, api_key=ADMIN, ownership=ownership) as client:
            create(client)
            with pytest.raises(OwnershipRefused, match="read it first"):
                client.company("C").update("S2-77", {"active": False})
            client.company("C").get("S2-77")
            client.company("C").update("S2-77", {"active": False})
            key = Secret("AQE-created-key-77")
            client.send("GET", "/me", auth=key)
            client.send("POST", "/me/generateClientKey", auth=key)
        assert server.connections == 5

    def test_an_answer_without_an_id_leases_nothing(self):
        ownership = Ownership(3)
        odd = ['{"id": "../S2-1"}', '{"id": 7}', "[]"]
        with (
            serve(*[answer(200, body) for body in odd]) as server,
            ManagementClient(server.url, api_key=ADMIN, ownership=ownership) as client,
        ):
            for _ in odd:
                create(client)
        assert ownership.leased == frozenset()
        assert (server.connections, ownership.budget.spent) == (3, 3)

    @pytest.mark.parametrize(
        "body", [{}, {"description": None}, {"description": "x"}, {"roles": []}, {"description": TAG + "!"}]
    )
    def test_a_creation_that_nobody_could_sweep_is_refused(self, body):
        ownership = Ownership(5)
        with (
            serve(CREATED) as server,
            ManagementClient(server.url, api_key=ADMIN, ownership=ownership) as client,
            pytest.raises(OwnershipRefused, match="put the tag"),
        ):
            create(client, body=body)
        assert (server.connections, ownership.budget.spent) == (0, 0)

    @pytest.mark.parametrize("body", [b"", b" \n", b"null"])
    def test_so_is_one_without_a_body(self, body):
        ownership = Ownership(5)
        with (
            serve(CREATED) as server,
            ManagementClient(server.url, api_key=ADMIN, ownership=ownership) as client,
            pytest.raises(OwnershipRefused, match="put the tag"),
        ):
            client.send("POST", C, content=body)
        assert (server.connections, ownership.budget.spent) == (0, 0)

    @pytest.mark.parametrize("path", ["/companies/%43/apiCredentials", f"{C}/", "/companies/C/x/apiCredentials"])
    def test_another_spelling_of_the_path_creates_nothing(self, path):
        with (
            serve(CREATED) as server,
            ManagementClient(server.url, api_key=ADMIN, ownership=Ownership(5)) as client,
            pytest.raises(OwnershipRefused),
        ):
            client.send("POST", path, json={"description": TAG})
        assert server.connections == 0


def test_the_sandbox_may_do_everything_but_its_rights_do_not_travel():
    with serve() as server, ManagementClient(server.url, ownership=Ownership.sandbox()) as client:
        for method, path in REFUSED:
            if method not in ("CONNECT", "TRACE") and path.isascii():
                assert client.send(method, path, content=b"").status_code == 200
    base_url = "https://management-test.adyen.com/v3"
    with (
        ManagementClient(base_url, ownership=Ownership.sandbox()) as client,
        pytest.raises(EndpointRefused, match="over the network"),
    ):
        client.send("GET", "/me")


class TestAnotherServer:
    """Such as a stub that a test has put up: what it answers is about no credential of the run's server."""

    @pytest.mark.parametrize(("method", "path"), [*ALLOWED[:7], ("POST", C)])
    def test_is_sent_no_change(self, method, path):
        ownership = owning(base_url="https://management-test.adyen.com/v3")
        with (
            serve(CREATED) as server,
            ManagementClient(server.url, api_key=LEASED_KEY, ownership=ownership) as client,
            pytest.raises(OwnershipRefused, match="at https://management-test"),
        ):
            client.send(method, path, json={"description": TAG})
        assert (server.connections, ownership.budget.spent, ownership.created) == (0, 0, ())

    def test_does_not_say_whose_an_origin_is(self):
        listed = answer(200, json.dumps({"data": [{"id": "OR9"}]}))
        with serve() as here, serve(listed) as there:
            ownership = owning(base_url=here.url)
            path = f"{C}/S2-1/allowedOrigins"
            with ManagementClient(there.url, ownership=ownership) as client:
                client.send("GET", path)
            with (
                ManagementClient(here.url, api_key=ADMIN, ownership=ownership) as client,
                pytest.raises(OwnershipRefused, match="not known to belong"),
            ):
                client.send("DELETE", f"{path}/OR9")
        assert here.connections == 0

    def test_is_not_the_runs_own_under_its_other_name(self):
        with serve() as server:
            ownership = owning(base_url=server.url.replace("127.0.0.1", "localhost"))
            with ManagementClient(server.url, api_key=ADMIN, ownership=ownership) as client:
                client.company("C").update("S2-1", {"active": False})
        assert server.connections == 1


@given(st.text(max_size=80))
def test_only_canonical_paths_are_understood(text):
    for prefix in ("", "/v3/companies/C/apiCredentials/", "/v3/me/"):
        target = read_target((prefix + text).encode())
        if target is None:
            continue
        for item in (target.account, target.credential, target.origin):
            assert item is None or (item.isascii() and not item.startswith(".") and not set(item) & set("/%?#\\; \n"))


@pytest.mark.anyio
@pytest.mark.parametrize("anyio_backend", ["asyncio"])
async def test_the_asynchronous_transport_asks_the_same_guards(anyio_backend):
    ownership = owning(1)
    with serve(CREATED) as server:
        transport = GuardedTransport(Network(), ownership)
        headers = {"x-api-key": ADMIN.reveal()}
        async with httpx.AsyncClient(transport=transport, headers=headers, trust_env=False) as client:
            for method, path in REFUSED[:14]:
                with pytest.raises(OwnershipRefused):
                    await client.request(method, server.url + path)
            with pytest.raises(EndpointRefused):
                await client.get("https://management-live.adyen.com/v3/me")
            assert server.connections == 0
            response = await client.post(server.url + C, json={"description": TAG})
            assert response.json()["id"] == "S2-77"
            with pytest.raises(BudgetSpent):
                await client.post(server.url + C, json={"description": TAG})
        assert server.connections == 1
    assert ownership.created == ("S2-77",)


@pytest.mark.parametrize("odd", [[], {}, 7, None, ["ws@Company.Test"]])
@pytest.mark.parametrize("name", ["id", "username", "apiKey"])
def test_what_a_creation_is_answered_with_never_keeps_it_from_being_known(name, odd):
    ownership = owning()
    request = httpx.Request("POST", f"http://127.0.0.1/v3{C}")
    body = {"id": "CRED42ABC", "username": "ws_2@Company.Test", "apiKey": "k"} | {name: odd}
    ownership.learn(request, 200, body)
    assert ownership.created == (() if name == "id" else ("CRED42ABC",))
    assert not ownership.is_protected(body)


HERE = "https://management-test.adyen.com/v3"
SHOWN = {"id": "S2-77", "username": "ws_77@Company.C", "description": TAG}


def asking(method: str, path: str, base_url: str = HERE, **arguments) -> httpx.Request:
    return httpx.Request(method, base_url + path, **arguments)


def created(ownership: Ownership, path: str = C, **said) -> None:
    ownership.learn(asking("POST", path), 200, {**SHOWN, **said})


WHAT_IT_SAYS = {
    "elsewhere": (
        asking("POST", f"{C}/S2-1/generateApiKey?a=b", "http://127.0.0.1:8000/v3"),
        "POST /v3/companies/C/apiCredentials/S2-1/generateApiKey goes to http://127.0.0.1:8000/, and this run changes "
        f"credentials at {HERE} only; nothing was sent: give code under test adyen_settings.base_url",
    ),
    "another spelling": (
        asking("PATCH", f"{C}/S2-1/"),
        "PATCH /v3/companies/C/apiCredentials/S2-1/ is not one of the API's changing operations in its canonical "
        "spelling; nothing was sent: use the paths of the contract, without encodings, empty or dot segments",
    ),
    "signed in as nobody": (
        asking("POST", "/me/generateClientKey"),
        "POST /v3/me/generateClientKey is signed in with something else than the key of one leased credential; "
        "nothing was sent: change /me only as a throwaway, never with the provisioning key",
    ),
    "signed in with what is unproven": (
        asking("POST", "/me/generateClientKey", headers={"x-api-key": "AQE-unproven-key-3"}),
        "POST /v3/me/generateClientKey is signed in with what an answer said is credential S2-1's, and GET /me has not "
        "shown that; nothing was sent: ask GET /me with it first",
    ),
    "no lease": (
        asking("PATCH", f"{C}/S2-2"),
        "PATCH /v3/companies/C/apiCredentials/S2-2: this run holds no lease on credential S2-2; nothing was sent: "
        "change only credentials that the adyen_credential fixtures lease to you",
    ),
    "no read": (
        asking("PATCH", f"{C}/S2-77"),
        "PATCH /v3/companies/C/apiCredentials/S2-77: that credential S2-77 is this run's only the answer to its "
        "creation says, and no read of it; nothing was sent: read it first",
    ),
    "another's origin": (
        asking("DELETE", f"{C}/S2-1/allowedOrigins/OR9"),
        "DELETE /v3/companies/C/apiCredentials/S2-1/allowedOrigins/OR9: the origin is not known to belong to leased "
        "credential S2-1; nothing was sent: read or add the credential's origins first",
    ),
    "another description": (
        asking("PATCH", f"{C}/S2-1", json={"description": "mine"}),
        "PATCH /v3/companies/C/apiCredentials/S2-1 would replace the tag of this run in the description, and nobody "
        "could sweep the credential any more; nothing was sent: leave description out, or write "
        "adyen_credentials.description()",
    ),
    "no tag": (
        asking("POST", C, json={}),
        "POST /v3/companies/C/apiCredentials would leave a credential without the tag of this run, and nobody could "
        "sweep it; nothing was sent: put the tag that adyen_credentials.description() gives into description",
    ),
}


@pytest.mark.parametrize(("request_", "message"), WHAT_IT_SAYS.values(), ids=WHAT_IT_SAYS)
def test_a_refusal_says_what_was_not_sent_and_what_to_do(request_, message):
    ownership = owning(base_url=HERE)
    ownership.learn(asking("POST", f"{C}/S2-1/generateApiKey"), 200, {"apiKey": "AQE-unproven-key-3"})
    created(ownership)
    with pytest.raises(OwnershipRefused) as caught:
        ownership.admit(request_)
    assert str(caught.value) == message


@pytest.mark.parametrize(("method", "path"), [("PATCH", f"{C}/S2-1"), ("POST", C)])
def test_a_body_that_can_be_read_as_two_is_refused_by_name(method, path):
    body = json.dumps({"description": TAG})[:-1] + ', "roles": [], "roles": ["x"]}'
    with pytest.raises(OwnershipRefused) as caught:
        owning().admit(asking(method, path, content=body))
    assert str(caught.value).startswith(f"{method} /v3{path} says 'roles' twice in its JSON, so a server may read")


def test_what_becomes_of_an_attempt_is_told_to_the_budget():
    class Noting(Budget):
        def lost(self, intent: str) -> None:
            noted.append(("lost", intent))

        def free(self, intent: str) -> None:
            noted.append(("free", intent))

    noted: list[tuple[str, str]] = []
    ownership = Ownership(Noting(1))
    for outcome in ("created", "unknown", "refused"):
        ownership.settle(f"an attempt, {outcome}", outcome)
    assert noted == [("lost", "an attempt, unknown"), ("free", "an attempt, refused")]


def test_a_tag_may_expire_as_late_as_this_and_no_later(clock):
    ownership = owning()
    ownership.write_tags_of("0a1b2c3d", clock)
    latest = clock.now() + tag.TIME_TO_LIVE + tag.SKEW
    assert ownership.admit(asking("PATCH", f"{C}/S2-1", json={"description": tag.make("0a1b2c3d", latest)})) is None
    later = tag.make("0a1b2c3d", latest + timedelta(minutes=1))
    with pytest.raises(OwnershipRefused, match="replace the tag"):
        ownership.admit(asking("PATCH", f"{C}/S2-1", json={"description": later}))


def test_once_halted_every_request_is_refused_for_the_first_reason():
    ownership = Ownership()
    for reason in ("a live key came back", "another came back"):
        ownership.halt(reason)
    assert ownership.halted == "a live key came back"
    with pytest.raises(EndpointRefused) as caught:
        ownership.admit(asking("GET", "/me"))
    assert str(caught.value) == "a live key came back; nothing more is sent"


class TestItsServer:
    @pytest.mark.parametrize(
        ("base_url", "other"),
        [
            (HERE, "https://management-test.adyen.example/v3"),
            (HERE, "http://management-test.adyen.com/v3"),
            (HERE, "https://management-test.adyen.com:8443/v3"),
            ("http://127.0.0.1:8000/v3", "http://127.0.0.2:8000/v3"),
        ],
    )
    def test_is_that_host_by_that_scheme_at_that_port(self, base_url, other):
        ownership = owning(base_url=base_url)
        ownership.admit(asking("POST", f"{C}/S2-1/generateApiKey", base_url))
        with pytest.raises(OwnershipRefused, match="goes to"):
            ownership.admit(asking("POST", f"{C}/S2-1/generateApiKey", other))

    @pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "[::1]"])
    def test_may_have_any_name_of_this_machine(self, name):
        ownership = owning(base_url="http://localhost:8000/v3")
        assert ownership.admit(asking("POST", f"{C}/S2-1/generateApiKey", f"http://{name}:8000/v3")) is None


class TestLearning:
    def test_where_a_credential_was_made(self):
        ownership = Ownership(5)
        created(ownership)
        created(ownership, M, id="S2-78")
        created(ownership, M)  # the same one, said again
        assert ownership.places == {"S2-77": ("company", "C"), "S2-78": ("merchant", "M")}
        assert ownership.created == ("S2-77", "S2-78")

    def test_what_was_created_signs_in_by_its_username(self):
        ownership = Ownership(5)
        created(ownership)
        ownership.learn(asking("GET", f"{C}/S2-77"), 200, SHOWN)
        change = asking("POST", "/me/generateClientKey", headers=basic("ws_77@Company.C"))
        with pytest.raises(OwnershipRefused, match="ask GET /me with it first"):
            ownership.admit(change)
        ownership.learn(asking("GET", "/me", headers=basic("ws_77@Company.C")), 200, SHOWN)
        assert ownership.admit(change) is None

    def test_why_no_read_has_shown_that_a_credential_is_the_runs(self):
        ownership = Ownership(5)
        for number in range(4):
            created(ownership, id=f"S2-{number}")
        unread = "no read has shown yet that it is this run's"
        assert ownership.unread == dict.fromkeys(("S2-0", "S2-1", "S2-2", "S2-3"), unread)
        for number, differing in enumerate(({}, {"username": "ws_1@Company.C"}, {"description": "Production"})):
            read = {**SHOWN, "id": f"S2-{number}", **differing}
            ownership.learn(asking("GET", f"{C}/S2-{number}"), 200, read)
        assert ownership.unread == {
            "S2-1": "a read of it shows another username than the answer to its creation",
            "S2-2": "a read of it shows another description than the answer to its creation",
            "S2-3": unread,
        }
        created(ownership, id="S2-4", description="Production")
        ownership.learn(asking("GET", f"{C}/S2-4"), 200, {**SHOWN, "id": "S2-4", "description": "Production"})
        assert ownership.unread["S2-4"] == "a read of it does not show this run's tag in its description"
        assert ownership.leased == {"S2-0", "S2-3"}

    def test_only_from_a_read_of_the_credential_itself(self):
        ownership = Ownership(5)
        created(ownership)
        ownership.learn(asking("GET", f"{C}/S2-77/allowedOrigins"), 200, SHOWN)
        ownership.learn(asking("GET", f"{C}/S2-9"), 200, {**SHOWN, "id": "S2-9"})
        ownership.learn(asking("GET", f"{C}/S2-77"), 200, {**SHOWN, "id": "S2-9"})
        assert list(ownership.unread) == ["S2-77"]
        assert ownership.leased == {"S2-77"}

    @pytest.mark.parametrize(
        "data", [7, None, {"id": "S2-77"}, "S2-77", [7, None, {"id": []}, {"id": 7}, {}]], ids=repr
    )
    def test_nothing_from_a_list_of_something_else(self, data):
        ownership = Ownership(5)
        ownership.learn(asking("GET", C), 200, {"data": data})
        created(ownership)
        assert ownership.created == ("S2-77",)

    def test_that_what_was_there_before_was_not_created(self):
        ownership = Ownership(5)
        ownership.learn(asking("GET", C), 200, {"data": [{**SHOWN, "description": "Production"}]})
        with pytest.raises(OwnershipRefused) as caught:
            created(ownership)
        assert str(caught.value) == (
            "the server answered a creation with credential S2-77, which was there before and is not this run's; it is "
            "left as it is: check what serves it"
        )
        assert ownership.created == ()

    @pytest.mark.parametrize("said", [{"username": "ws@Company.Test"}, {"apiKey": ADMIN.reveal()}, {"id": "S2-0"}])
    def test_that_the_provisioning_credential_was_not_created(self, said):
        ownership = owning()
        ownership.protect({"id": "S2-0"})
        shown = said.get("id", "S2-77")
        with pytest.raises(OwnershipRefused) as caught:
            created(ownership, **said)
        assert str(caught.value) == (
            f"the server answered a creation with credential {shown}, which has the provisioning credential's own key "
            "or username; it is left as it is: check what serves it"
        )
        assert ownership.created == ()
        with pytest.raises(OwnershipRefused, match="is the provisioning credential"):
            ownership.lease(shown, TAG)

    @pytest.mark.parametrize("status", [199, 300, 404])
    def test_nothing_from_an_answer_that_is_no_success(self, status):
        ownership = Ownership(5)
        ownership.learn(asking("POST", C), status, SHOWN)
        assert (ownership.created, ownership.leased) == ((), frozenset())

    def test_no_keys_of_what_is_not_leased(self):
        ownership = owning()
        answers = {"S2-2": {"apiKey": "AQE-of-another-1"}, "S2-1": [{"apiKey": "AQE-in-a-list-1"}]}
        for credential_id, body in answers.items():
            ownership.learn(asking("POST", f"{C}/{credential_id}/generateApiKey"), 200, body)
        assert ownership.leased == {"S2-1"}

    def test_the_origins_that_a_credential_shows(self):
        ownership = owning()
        ownership.learn(asking("GET", f"{C}/S2-1"), 200, {"id": "S2-1", "allowedOrigins": [{"id": "OR7"}]})
        assert ownership.admit(asking("DELETE", f"{C}/S2-1/allowedOrigins/OR7")) is None
        with pytest.raises(OwnershipRefused):
            ownership.admit(asking("DELETE", f"{C}/S2-1/allowedOrigins/S2-1"))

    def test_no_origins_where_none_were_shown(self):
        ownership = Ownership()
        ownership.lease("S2-1", TAG)
        with pytest.raises(OwnershipRefused, match="not known to belong"):
            ownership.admit(asking("DELETE", f"{C}/S2-1/allowedOrigins/OR1"))


@pytest.mark.parametrize(("path", "read"), [(C, f"{C}/S2-77"), (M, f"{M}/S2-77")])
def test_what_is_to_be_changed_is_read_where_it_was_made(path, read):
    ownership, asked = Ownership(5), []
    created(ownership, path)
    ownership.look_by(lambda *given: asked.append(given))
    with pytest.raises(OwnershipRefused, match="read it first"):
        ownership.admit(asking("PATCH", f"{C}/S2-77"))
    assert asked == [(read, {})]


def test_a_read_that_fails_is_said():
    ownership = Ownership(5)
    created(ownership)

    def look(path, headers):
        raise ApiError("no answer")

    ownership.look_by(look)
    with pytest.raises(OwnershipRefused) as caught:
        ownership.admit(asking("PATCH", f"{C}/S2-77"))
    assert str(caught.value) == (
        "PATCH /v3/companies/C/apiCredentials/S2-77: credential S2-77 is to be read before it is changed, and that "
        "failed, so nothing was sent: no answer"
    )
