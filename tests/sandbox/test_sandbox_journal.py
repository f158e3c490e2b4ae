"""The journal keeps what the sandbox was asked and answered, within bounds, and nothing that signs a request."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from pytest_adyen_creds.sandbox import Sandbox, journal
from pytest_adyen_creds.sandbox.wire import ConnectionLost


@pytest.fixture
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def client(sandbox: Sandbox) -> httpx.Client:
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    return httpx.Client(transport=sandbox.transport(), base_url="http://sandbox.example/v3", headers=headers)


def test_an_entry_says_what_was_asked_and_answered(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.clock.advance(hours=1)
    before = sandbox.clock.now()
    made = client.post("/companies/TestCompany/apiCredentials?of=us", json={"description": "one"})
    (entry,) = sandbox.app.journal
    assert (entry.number, entry.method, entry.status, entry.fault) == (1, "POST", made.status_code, "")
    assert entry.target == "/v3/companies/TestCompany/apiCredentials?of=us"
    assert entry.origin == "http://sandbox.example"
    assert entry.operation == "POST /companies/{companyId}/apiCredentials"
    assert entry.rule == "credentials.created"
    assert timedelta() <= entry.at - before < timedelta(minutes=1)
    assert entry.sent is not None
    assert entry.answered is not None
    assert b'"description":"one"' in entry.sent.body
    assert ("content-type", "application/json") in entry.sent.headers
    assert entry.answered.document["id"] == made.json()["id"]
    assert dict(entry.answered.headers)["content-type"] == made.headers["Content-Type"]


def test_what_signs_a_request_is_not_kept(sandbox: Sandbox, client: httpx.Client) -> None:
    canary = "AQEcanary" + "0123456789abcdef" * 8
    client.get("/me", headers={"X-API-Key": canary, "Cookie": f"key={canary}"}, auth=("someone", canary))
    (entry,) = sandbox.app.journal
    assert canary not in repr(entry)
    assert entry.sent is not None
    assert sorted(entry.sent.signed_by) == ["authorization", "cookie", "x-api-key"]


def test_no_entry_shows_a_secret_of_an_answer(sandbox: Sandbox, client: httpx.Client) -> None:
    made = client.post("/companies/TestCompany/apiCredentials", json={}).json()
    shown = repr(list(sandbox.app.journal))
    assert not [name for name in ("apiKey", "clientKey", "password") if made[name] in shown]


def test_faults_are_named_with_what_they_did(sandbox: Sandbox, client: httpx.Client) -> None:
    sandbox.faults.status(503)
    sandbox.faults.violate("drop-required-field", field="id")
    sandbox.faults.duplicate()
    sandbox.faults.lose_answer()
    client.get("/me")
    client.get("/me")
    client.get("/me")
    with pytest.raises(httpx.ReadError) as lost:
        client.get("/me")
    assert isinstance(lost.value.__cause__, ConnectionLost)
    seen = [(entry.status, entry.fault) for entry in sandbox.app.journal]
    assert seen == [(503, "status"), (200, "violation"), (200, "duplicate"), (200, "duplicate"), (200, "lost-answer")]
    broken = sandbox.app.journal[1].answered
    assert broken is not None
    assert "id" not in broken.document


def test_entries_are_found_by_number_and_the_newest_first(sandbox: Sandbox, client: httpx.Client) -> None:
    for _ in range(5):
        client.get("/me")
    kept = sandbox.app.journal
    assert [entry.number for entry in kept.after(0, most=2)] == [5, 4]
    assert [entry.number for entry in kept.after(3)] == [5, 4]
    third = kept.get(3)
    assert third is not None
    assert third.number == 3
    assert kept.get(0) is kept.get(6) is None
    kept.clear()
    assert (len(kept), kept.get(5), kept.after(0)) == (0, None, [])
    client.get("/me")
    assert kept[0].number == 6


def test_the_oldest_entries_go_and_their_messages_go_first(
    sandbox: Sandbox, client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal, "MOST_BYTES", 10_000)
    monkeypatch.setattr(journal, "MOST_ENTRIES", 20)
    sandbox.app.journal.__init__()  # type: ignore[misc]
    for _ in range(30):
        client.get("/me")
    kept = list(sandbox.app.journal)
    assert [entry.number for entry in kept] == list(range(11, 31))
    whole = [entry.number for entry in kept if entry.sent is not None]
    assert whole == list(range(31 - len(whole), 31))
    assert 1 <= len(whole) <= 5


def test_an_earlier_journal_is_put_back_and_goes_on(sandbox: Sandbox, client: httpx.Client) -> None:
    told: list[journal.Entry] = []
    sandbox.app.journal.on_entry = told.append
    client.get("/me")
    client.get("/nothing")
    later = Sandbox().app.journal
    later.restore(told)
    assert [(entry.number, entry.operation) for entry in later] == [(1, "GET /me"), (2, None)]
    assert later.add(**{name: getattr(told[0], name) for name in told[0].__slots__ if name != "number"}).number == 3
