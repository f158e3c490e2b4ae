"""Faults on demand: in-process and over a socket."""

from __future__ import annotations

import json

import httpx
import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import ConnectionLost, FaultKind, Sandbox
from pytest_adyen_creds.sandbox.faults import VIOLATIONS

COMPANY = "/companies/TestCompany/apiCredentials"
CREATE = "POST /companies/{companyId}/apiCredentials"
LIST = "GET /companies/{companyId}/apiCredentials"
PUBLISHED = pytest.mark.parametrize("sandbox", ["published"], indirect=True)
"""What is held to the contract has answers by Adyen's document alone."""


@pytest.fixture(params=["in-process", "socket"])
def client(request, sandbox):
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    if request.param == "socket":
        with sandbox.serve() as server, httpx.Client(base_url=f"{server.url}/v3", headers=headers) as client:
            yield client
    else:
        with httpx.Client(transport=sandbox.transport(), base_url="http://s.test/v3", headers=headers) as client:
            yield client


def total(client) -> int:
    return client.get(COMPANY).json()["itemsTotal"]


@PUBLISHED
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 418, 422, 429, 500, 502, 503, 504, 599])
def test_any_status_can_be_asked_for(sandbox, client, status):
    sandbox.faults.status(status, CREATE)
    failed = client.post(COMPANY)
    assert failed.status_code == failed.json()["status"] == status
    assert load_contract("v3").validate("RestServiceError", failed.json()) == []
    assert total(client) == 1
    assert client.post(COMPANY).status_code == 200


def test_204_has_no_body(sandbox, client):
    sandbox.faults.status(204, CREATE)
    assert client.post(COMPANY).content == b""
    assert total(client) == 1


def test_429_says_when_to_come_back(sandbox, client):
    sandbox.faults.status(429, retry_after=3)
    assert client.get("/me").headers["Retry-After"] == "3"


def test_a_reset_connection_carries_nothing_out(sandbox, client):
    sandbox.faults.reset(CREATE)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.post(COMPANY)
    assert total(client) == 1


def test_a_lost_answer_was_carried_out(sandbox, client):
    sandbox.faults.lose_answer(CREATE)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.post(COMPANY)
    assert total(client) == 2


def test_an_answer_that_times_out_was_carried_out(sandbox, client):
    sandbox.faults.time_out(CREATE)
    with pytest.raises(httpx.ReadTimeout):
        client.post(COMPANY, timeout=0.3)
    assert total(client) == 2


def test_a_truncated_answer_was_carried_out(sandbox, client):
    sandbox.faults.truncate(CREATE)
    with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
        client.post(COMPANY)
    assert total(client) == 2


def test_an_answer_can_be_announced_as_something_else(sandbox, client):
    sandbox.faults.content_type("text/html; charset=utf-8", "GET /me")
    spoilt = client.get("/me")
    assert spoilt.headers["Content-Type"] == "text/html; charset=utf-8"
    assert client.get("/me").headers["Content-Type"] == "application/json;charset=utf-8"


def test_a_duplicate_delivery_is_carried_out_twice(sandbox, client):
    sandbox.faults.duplicate(CREATE)
    arrived = client.post(COMPANY).json()
    listed = [item["id"] for item in client.get(COMPANY).json()["data"]]
    assert len(listed) == 3
    assert listed[-1] == arrived["id"]
    sandbox.faults.duplicate(CREATE)
    client.post(COMPANY, headers={"Idempotency-Key": "a-key"})
    assert total(client) == 4


def test_a_delay_comes_before_the_request_is_carried_out(sandbox, client):
    seen = []
    sandbox.app.sleep = lambda seconds: seen.append((seconds, len(sandbox.customer_area.credentials())))
    sandbox.faults.delay(2.5, CREATE)
    assert client.post(COMPANY).status_code == 200
    assert seen[0] == (2.5, 1)


def answers(client):
    """One answer of each shape, by the label of its operation."""
    yield "POST /me/allowedOrigins", client.post("/me/allowedOrigins", json={"domain": "https://a.example"})
    yield CREATE, client.post(COMPANY, json={"allowedOrigins": ["https://a.example"]})
    yield LIST, client.get(COMPANY)
    yield "GET /me", client.get("/me")
    yield "GET /me/allowedOrigins", client.get("/me/allowedOrigins")
    yield "POST /me/generateClientKey", client.post("/me/generateClientKey")


@PUBLISHED
@pytest.mark.parametrize("name", VIOLATIONS)
def test_each_violation_breaks_every_answer_it_strikes(sandbox, admin, name):
    contract = load_contract("v3")
    fault = sandbox.faults.violate(name, times=None)
    broken = 0
    for label, response in answers(admin):
        struck, broken_before = sandbox.faults.struck(fault.id), broken
        operation = contract.operations[label]
        found = contract.judge(operation, response.status_code, "application/json", response.content)
        broken += bool(found)
        # what strikes breaks the contract, and what does not strike leaves the answer as it is
        assert broken == struck, (label, found)
        assert broken >= broken_before
    assert broken > 0


def test_the_field_to_break_can_be_named(sandbox, admin):
    sandbox.faults.violate("drop-required-field", "GET /me", field="roles")
    assert "roles" not in admin.get("/me").json()
    sandbox.faults.violate("wrong-type", "GET /me", field="username")
    assert not isinstance(admin.get("/me").json()["username"], str)
    sandbox.faults.violate("extra-field", "GET /me", field="surprise")
    assert "surprise" in admin.get("/me").json()


def test_a_violation_leaves_the_state_alone(sandbox, admin):
    before = admin.get(COMPANY).json()
    for name in VIOLATIONS:
        sandbox.faults.violate(name, LIST)
        admin.get(COMPANY)
    sandbox.faults.clear()
    assert admin.get(COMPANY).json() == before


def test_a_violation_that_finds_nothing_to_break_waits_for_its_chance(sandbox, admin):
    fault = sandbox.faults.violate("drop-required-field", field="itemsTotal")
    assert admin.get("/me").status_code == 200
    assert sandbox.faults.struck(fault.id) == 0
    assert "itemsTotal" not in admin.get(COMPANY).json()
    assert sandbox.faults.struck(fault.id) == 1
    assert sandbox.faults.all() == []


def test_a_fault_that_waits_for_its_chance_keeps_its_place(sandbox, admin):
    sandbox.faults.violate("drop-required-field", field="itemsTotal")
    assert admin.get("/me").status_code == 200
    sandbox.faults.status(503)
    page = admin.get(COMPANY)
    assert page.status_code == 200
    assert "itemsTotal" not in page.json()
    assert admin.get(COMPANY).status_code == 503


def test_a_fault_that_was_taken_away_does_not_come_back(sandbox):
    sandbox.faults.status(503)
    fault = sandbox.faults.take("GET /me")
    assert fault is not None
    assert sandbox.faults.all() == []
    with pytest.raises(SandboxError, match="no fault has the id"):
        sandbox.faults.remove(fault.id)
    sandbox.faults.clear()
    sandbox.faults.give_back(fault)
    assert sandbox.faults.all() == []
    assert sandbox.faults.take("GET /me") is None


def test_faults_strike_as_often_as_asked(sandbox, admin):
    sandbox.faults.status(500, "GET /me", times=2)
    assert [admin.get("/me").status_code for _ in range(3)] == [500, 500, 200]
    always = sandbox.faults.status(503, "GET /me", times=None)
    assert {admin.get("/me").status_code for _ in range(20)} == {503}
    assert admin.get(COMPANY).status_code == 200
    assert sandbox.faults.struck(always.id) == 20
    sandbox.faults.remove(always.id)
    assert admin.get("/me").status_code == 200


def test_the_fault_set_first_strikes_first(sandbox, admin):
    sandbox.faults.status(500)
    sandbox.faults.status(503, "GET /me")
    assert [admin.get("/me").status_code for _ in range(3)] == [500, 503, 200]


def test_probability_is_kept_and_repeats_with_the_seed():
    def struck(seed: int) -> list[bool]:
        sandbox = Sandbox(seed=seed)
        sandbox.faults.status(500, times=None, probability=0.3)
        headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
        with httpx.Client(transport=sandbox.transport(), base_url="http://s.test/v3", headers=headers) as client:
            return [client.get("/me").status_code == 500 for _ in range(200)]

    first = struck(1)
    assert first == struck(1)
    assert first != struck(2)
    assert 40 < sum(first) < 80
    sandbox = Sandbox()
    sandbox.faults.status(500, times=None, probability=0)
    assert sandbox.faults.take("GET /me") is None


def test_httpx_own_wsgi_transport_sees_a_connection_reset_error(sandbox):
    sandbox.faults.reset()
    transport = httpx.WSGITransport(app=sandbox.app)
    with httpx.Client(transport=transport, base_url="http://s.test/v3") as client, pytest.raises(ConnectionLost):
        client.get("/me")
    assert issubclass(ConnectionLost, ConnectionResetError)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda f: f.status(500, "GET /you"), "operation='GET /you' of a status fault cannot be"),
        (lambda f: f.status(99), r"status=99 of a status fault cannot be; write a final HTTP status"),
        (lambda f: f.status(429, retry_after=-1), "write whole seconds, 0 or more"),
        (lambda f: f.status(500, times=0), "write 1 or more, or None for always"),
        (lambda f: f.status(500, probability=1.5), "write a number from 0 to 1"),
        (lambda f: f.status("429"), "status='429' of a status fault cannot be; write a final HTTP status"),
        (lambda f: f.status(429.0), "write a final HTTP status"),
        (lambda f: f.status(429, retry_after="3"), "retry_after='3' of a status fault cannot be"),
        (lambda f: f.delay("5"), "seconds='5' of a delay fault cannot be; write seconds, 0 to 300"),
        (lambda f: f.delay(True), "write seconds"),
        (lambda f: f.reset(times="2"), "times='2' of a reset fault cannot be"),
        (lambda f: f.reset(times=True), "write 1 or more"),
        (lambda f: f.reset(operation=3), "operation=3 of a reset fault cannot be; write a label like 'GET /me'"),
        (lambda f: f.reset(["GET /me"]), "write a label like 'GET /me'"),
        (lambda f: f.truncate(probability="often"), "probability='often'"),
        (lambda f: f.duplicate(optional="yes"), "optional='yes' of a duplicate fault cannot be; write True or False"),
        (lambda f: f.violate("extra-field", field=7), "field=7 of a violation fault cannot be"),
        (lambda f: f.violate(None), "drop-required-field"),
        (lambda f: f.content_type(None), "printable ASCII"),
        (lambda f: f.time_out(tmies=2), "a timeout fault takes no 'tmies'; write one of: operation, times, "),
        (lambda f: f.reset(status=500), "a reset fault takes no 'status'"),
        (lambda f: f.delay(301), "0 to 300"),
        (lambda f: f.delay(float("nan")), "0 to 300"),
        (lambda f: f.violate("unheard-of"), "drop-required-field"),
        (lambda f: f.content_type("text/html\r\nX: y"), "printable ASCII"),
        (lambda f: f.remove(99), "list the faults"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_with_the_next_step(sandbox, ask, said):
    with pytest.raises(SandboxError, match=said):
        ask(sandbox.faults)


def test_an_answer_to_a_fault_is_not_said_to_be_adyens(sandbox, admin):
    sandbox.faults.status(500)
    admin.get("/me")
    assert sandbox.app.journal[-1].rule == "faults.asked-for"


def test_every_kind_can_be_set_over_http(sandbox, admin):
    details = {"status": {"status": 503}, "delay": {"seconds": 0}, "content-type": {"content_type": "text/html"}}
    details["violation"] = {"violation": "extra-field"}
    for kind in FaultKind:
        asked = {"kind": kind, "operation": "GET /me", **details.get(kind, {})}
        made = admin.post("http://sandbox.test/_sandbox/faults", json=asked)
        assert made.status_code == 200, made.text
        assert made.json()["kind"] == kind
    listed = admin.get("http://sandbox.test/_sandbox/faults").json()
    assert [fault["kind"] for fault in listed] == list(FaultKind)
    assert json.dumps(listed)
    assert admin.delete("http://sandbox.test/_sandbox/faults").status_code == 204
    assert sandbox.faults.all() == []


FAULTY = """
def test_met(adyen_sandbox, adyen_client):
    adyen_sandbox.faults.status(500, "GET /me", times=2)
    assert adyen_client.get("/me").status_code == 500

def test_unmet(adyen_sandbox, adyen_client):
    adyen_sandbox.faults.status(503, "GET /me", times=2)
    adyen_sandbox.faults.reset(times=None)
    assert adyen_client.get("/me").status_code == 503

def test_unmet_without_a_credential(adyen_sandbox):
    adyen_sandbox.faults.violate("extra-field", "GET /me")

def test_may_be_unmet(adyen_sandbox, adyen_client):
    adyen_sandbox.faults.delay(0, optional=True)
    adyen_sandbox.faults.lose_answer("GET /me", times=None, probability=0)
    adyen_sandbox.faults.status(500)
    adyen_sandbox.faults.clear()

def test_failed(adyen_sandbox):
    adyen_sandbox.faults.reset()
    assert False

def test_skipped(adyen_sandbox):
    adyen_sandbox.faults.reset()
    import pytest
    pytest.skip("for a reason")
"""


@pytest.mark.parametrize("backend", ["sandbox", "replay"])
def test_a_test_whose_fault_nothing_met_fails_at_its_end(pytester, backend):
    pytester.makepyfile(FAULTY)
    ran = pytester.runpytest_inprocess(f"--adyen-backend={backend}")
    ran.assert_outcomes(passed=4, errors=2, failed=1, skipped=1)
    said = "\n".join(line for line in ran.stdout.lines if "nothing met" in line)
    assert "1 fault that the test set: reset of any operation, always. Send a request" in said
    assert "1 fault that the test set: violation of GET /me, 1 time. Send a request" in said
    assert "optional=True" in said
    ran.stdout.fnmatch_lines_random(["*ERROR at teardown of test_unmet *", "*of test_unmet_without_a_credential *"])


def test_unmet_faults_are_forgotten_once_they_are_told(sandbox):
    unmet = sandbox.faults.status(500)
    sandbox.faults.reset(optional=True)
    assert sandbox.faults.end() == [unmet]
    assert sandbox.faults.all() == []
    assert sandbox.faults.end() == []


@pytest.mark.parametrize(
    ("details", "said"),
    [
        ({"kind": "reset", "self": 1}, "'self' is not known here"),
        ({"kind": "reset", "status": 500}, "takes no 'status'"),
        ({"kind": "status"}, "a status fault has a status; give one"),
        ({"kind": "delay", "seconds": "5"}, "write seconds"),
    ],
)
def test_wrong_details_over_http_are_400_with_the_same_words(admin, details, said):
    refused = admin.post("http://sandbox.test/_sandbox/faults", json=details)
    assert refused.status_code == 400
    assert said in refused.json()["error"]


def test_faults_outlive_a_credential_that_is_given_back(pytester):
    pytester.makepyfile(
        """
        def test_it(adyen_sandbox, adyen_client, adyen_credentials):
            extra = adyen_credentials.lease()
            fault = adyen_sandbox.faults.status(500, times=1)
            adyen_credentials.give_back(extra)
            assert adyen_sandbox.faults.struck(fault.id) == 0
            assert adyen_client.get("/me").status_code == 500
        """
    )
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.mark.parametrize("kind", FaultKind)
def test_a_kind_can_be_named(sandbox, client, kind):
    needed = {"status": {"status": 500}, "delay": {"seconds": 0}, "violation": {"violation": "extra-field"}}
    needed["content-type"] = {"content_type": "text/html"}
    fault = sandbox.faults.add(str(kind), operation="GET /me", **needed.get(kind, {}))
    assert fault.kind is kind
    assert str(kind) in str(fault)


@pytest.mark.parametrize("kind", ["nothing", "", "RESET", 7, None, []])
def test_what_is_no_kind_is_refused(sandbox, kind):
    with pytest.raises(SandboxError, match="is no kind of fault; write one of: status, delay, reset"):
        sandbox.faults.add(kind)
    assert sandbox.faults.all() == []
