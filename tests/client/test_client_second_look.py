"""A second look: what only an answer says is this run's is not changed before a read has shown it."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from pytest_adyen_creds.client import GuardedTransport, ManagementClient, Ownership, Retries
from pytest_adyen_creds.client.parsing import repeated_key
from pytest_adyen_creds.errors import ApiError, OwnershipRefused
from pytest_adyen_creds.secrets import Secret

BASE = "https://management-test.adyen.com/v3"
C = "/companies/C/apiCredentials"
TAG = "pytest-adyen-creds 0a1b2c3d exp 2026-07-01T12:30Z"
OTHER = "pytest-adyen-creds 00000000 exp 2026-07-01T12:30Z"
ADMIN = Secret("AQE-provisioning-key-0001")
KEY = "AQE-created-key-77"

HREF = f"{BASE}{C}/S2-77"
SHOWN = {
    "id": "S2-77",
    "username": "ws_77@Company.C",
    "description": TAG,
    "companyName": "C",
    "active": True,
    "_links": {"self": {"href": HREF}},
}
FOREIGN = {**SHOWN, "id": "S2-1", "username": "ws_1@Company.C", "description": "Production"}


class Server:
    """Answers a creation, a read by id and ``GET /me`` as it is told, and notes what is asked."""

    def __init__(self, clock: Any, created: Any = None, read: Any = SHOWN, me: Any = SHOWN, looks: bool = True) -> None:
        self.asked: list[str] = []
        self._answers = {"POST": {**SHOWN, "apiKey": KEY} if created is None else created, "GET": read, "me": me}
        self.ownership = Ownership(5, provisioning=[ADMIN])
        self.ownership.write_tags_of("0a1b2c3d", clock)
        transport = httpx.MockTransport(self._answer)
        self.client = ManagementClient(
            BASE, api_key=ADMIN, transport=transport, ownership=self.ownership, retries=Retries(tries=1)
        )
        if looks:
            self.ownership.look_by(lambda path, headers: self.client.send("GET", path, headers=headers))
        self.code = httpx.Client(transport=GuardedTransport(transport, self.ownership), base_url=BASE)

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path.removeprefix('/v3')}")
        kind = "me" if request.url.path.endswith("/me") else request.method
        said = (
            self._answers.get(kind, {})
            if request.url.path.endswith(("/apiCredentials", "/me")) or (request.method == "GET")
            else {}
        )
        if isinstance(said, int):
            return httpx.Response(said, json={})
        return httpx.Response(200, content=said if isinstance(said, bytes) else json.dumps(said).encode())

    def create(self) -> None:
        self.code.post(C, json={"description": TAG}, headers={"X-API-Key": ADMIN.reveal()})

    def changes(self) -> list[str]:
        return [line for line in self.asked if not line.startswith("GET") and not line.endswith("apiCredentials")]


def patch(server: Server, credential_id: str) -> None:
    server.code.patch(f"{C}/{credential_id}", json={"roles": []}, headers={"X-API-Key": ADMIN.reveal()})


CHANGES: dict[str, Callable[[Server, str], object]] = {
    "a change": patch,
    "a new key": lambda server, id: server.client.company("C").generate_api_key(id),
    "a new client key": lambda server, id: server.client.company("C").generate_client_key(id),
    "an origin": lambda server, id: server.client.company("C").origins(id).add("https://a.example"),
    "a switch-off": lambda server, id: server.client.company("C").update(id, {"active": False}),
    "a change of /me": lambda server, id: server.code.post("/me/generateClientKey", headers={"X-API-Key": KEY}),
    "a change at the merchant's": lambda server, id: server.client.merchant("M").update(id, {"active": False}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_read_shows_to_be_ours_is_read_once_and_changed(clock, change):
    server = Server(clock)
    server.create()
    for _ in range(2):
        try:
            CHANGES[change](server, "S2-77")
        except ApiError:
            assert "key" in change  # this server answers without one
    looks = [f"GET {C}/S2-77", "GET /me"][: 1 + (change == "a change of /me")]
    assert server.asked[1 : 1 + len(looks)] == looks
    assert len(server.changes()) == 2
    assert len(server.asked) == 3 + len(looks)


DISAGREEING: dict[str, tuple[Any, Any]] = {
    "a foreign id": ({**SHOWN, "id": "S2-1"}, FOREIGN),
    "a foreign id with our tag echoed": ({**FOREIGN, "description": TAG, "apiKey": KEY}, FOREIGN),
    "a foreign id, and the read without a description": ({**SHOWN, "id": "S2-1"}, {"id": "S2-1"}),
    "another credential is read": (SHOWN, FOREIGN),
    "a read with another run's tag": (SHOWN, {**SHOWN, "description": OTHER}),
    "another run's tag in both": ({**SHOWN, "description": OTHER}, {**SHOWN, "description": OTHER}),
    "a tag with something behind it": (SHOWN, {**SHOWN, "description": f"{TAG}."}),
    "another user": (SHOWN, {**SHOWN, "username": "ws_1@Company.C"}),
    "another company": (SHOWN, {**SHOWN, "companyName": "D"}),
    "another level": (SHOWN, {**SHOWN, "_links": {"self": {"href": HREF.replace("companies/C", "merchants/M")}}}),
    "another account": (SHOWN, {**SHOWN, "_links": {"self": {"href": HREF.replace("companies/C", "companies/D")}}}),
    "an answer without its tag": ({**SHOWN, "description": None}, SHOWN),
    "no read": (SHOWN, 404),
    "a read that fails": (SHOWN, 500),
    "a read of nothing": (SHOWN, b""),
    "a read that is a list": (SHOWN, [SHOWN]),
    "a read with two ids": (SHOWN, b'{"id": "S2-1", ' + json.dumps(SHOWN).encode()[1:]),
    "a read with two tags": (SHOWN, json.dumps(SHOWN).encode()[:-1] + b', "description": "Production"}'),
    "a read with a key twice deep down": (SHOWN, json.dumps(SHOWN).encode()[:-1] + b', "x": [{"a": 1, "\\u0061": 2}]}'),
    "an answer with two ids": (json.dumps(SHOWN).encode()[:-1] + b', "id": "S2-1"}', FOREIGN),
    "an answer with two ids, ours last": (b'{"id": "S2-1", ' + json.dumps(SHOWN).encode()[1:], SHOWN),
}


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("name", DISAGREEING)
def test_what_no_read_shows_to_be_ours_is_left_alone(clock, name, change):
    created, read = DISAGREEING[name]
    server = Server(clock, created, read, me=read)
    server.create()
    for credential_id in ("S2-77", "S2-1"):
        with pytest.raises(OwnershipRefused, match="nothing was sent"):
            CHANGES[change](server, credential_id)
    assert server.changes() == []
    assert set(server.ownership.unread) == set(server.ownership.created)


@pytest.mark.parametrize(
    "me", [FOREIGN, {**SHOWN, "id": "S2-1"}, {**SHOWN, "description": "x"}, 403, 401, b"", [SHOWN]]
)
def test_a_key_that_signs_in_as_somebody_else_changes_nothing(clock, me):
    server = Server(clock, me=me)
    server.create()
    with pytest.raises(OwnershipRefused, match=r"GET /me|nothing was sent"):
        CHANGES["a change of /me"](server, "S2-77")
    patch(server, "S2-77")
    assert server.changes() == [f"PATCH {C}/S2-77"]


@pytest.mark.parametrize("change", CHANGES)
def test_where_nobody_looks_what_was_created_cannot_be_changed_unread(clock, change):
    server = Server(clock, looks=False)
    server.create()
    with pytest.raises(OwnershipRefused, match=r"read it first|ask GET /me"):
        CHANGES[change](server, "S2-77")
    assert server.changes() == []


def test_what_was_there_before_was_not_created(clock):
    server = Server(clock, created={**FOREIGN, "description": TAG}, read={"data": [FOREIGN]})
    list(server.client.company("C").iterate())
    with pytest.raises(OwnershipRefused, match="was there before"):
        server.create()
    assert server.ownership.created == ()


def test_a_disagreement_is_not_forgotten_when_the_answer_comes_again(clock):
    server = Server(clock, {**SHOWN, "id": "S2-1"}, FOREIGN)
    for _ in range(2):
        server.create()
        with pytest.raises(OwnershipRefused):
            patch(server, "S2-1")
    assert server.changes() == []


@pytest.mark.parametrize(
    ("body", "key"),
    [
        (b'{"a": 1, "a": 1}', "a"),
        (b'{"a": [{"b": {"c": 1, "\\u0063": 2}}]}', "c"),
        (b'[{"id": 1}, {"id": 2}]', None),
        ('{"id": 1, "id": 2}'.encode("utf-16"), "id"),
        (b'{"id": 1, "id"', None),
        (b"[" * 100_000, None),
    ],
)
def test_a_key_that_stands_twice_is_found(body, key):
    assert repeated_key(body) == key


@pytest.mark.parametrize(
    "ask", [lambda c: c.get("S2-77"), lambda c: list(c.iterate()), lambda c: c.update("S2-77", {})]
)
def test_a_typed_operation_does_not_believe_it(ask):
    body = b'{"data": [], "_links": {}, "_links": {}, "id": "S2-77"}'
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=body))
    with (
        ManagementClient(BASE, transport=transport, ownership=Ownership.sandbox()) as client,
        pytest.raises(ApiError, match="'_links' stands twice, and it is not believed"),
    ):
        ask(client.company("C"))
