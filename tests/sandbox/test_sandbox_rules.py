"""The evidence registry: no rule decides an answer without saying what it rests on."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest

from pytest_adyen_creds.errors import SandboxError
from pytest_adyen_creds.sandbox import Clock, Evidence, Rule, Sandbox, behaviours, rules
from pytest_adyen_creds.sandbox.roles import API_CREDENTIALS_ROLE
from pytest_adyen_creds.sandbox.rules import RECORDED, REPORTED, SDKS, is_implemented

COMPANY = "/companies/TestCompany/apiCredentials"
MERCHANT = "/merchants/TestMerchant/apiCredentials"


def test_no_rule_can_decide_that_is_not_among_the_behaviours(monkeypatch):
    monkeypatch.setattr(rules, "_REGISTRY", dict(rules._REGISTRY))
    stray = Rule("credentials.stray", "credentials", "Decides in secret.", Evidence.ASSUMED, "nobody")
    assert stray in behaviours()


def test_a_look_alike_of_a_rule_cannot_be_made():
    known = behaviours()[0]
    with pytest.raises(SandboxError, match="registered twice"):
        Rule(known.id, known.subject, known.says, known.evidence, known.source)
    with pytest.raises(SandboxError, match="registered twice"):
        replace(known, says="Something else.")


def test_a_rule_is_registered_once_and_with_its_source():
    known = behaviours()[0]
    with pytest.raises(SandboxError, match="twice"):
        Rule.assumed(known.id, "Again.", "nobody")
    with pytest.raises(SandboxError, match="no text or no source"):
        Rule.assumed("credentials.sourceless", "Says something.", "")


def test_there_are_at_least_40_rules_and_none_without_a_source():
    there = behaviours()
    assert len(there) >= 40
    assert len({rule.id for rule in there}) == len(there)
    for rule in there:
        assert rule.source.strip()
        assert rule.says.endswith(".")
        assert rule.id.startswith(f"{rule.subject}.")
    assert {rule.evidence for rule in there} == set(Evidence)


def test_documented_and_observed_rules_name_a_document():
    for rule in behaviours():
        if rule.evidence is Evidence.DOCUMENTED:
            assert "specification" in rule.source or "docs.adyen.com" in rule.source, (
                f"{rule.id} is documented: its source names the specification or a page of docs.adyen.com, unlike "
                f"{rule.source!r}"
            )
        if rule.evidence is Evidence.OBSERVED:
            assert any(source in rule.source for source in (RECORDED, REPORTED, SDKS)), (
                f"{rule.id} is observed: its source has RECORDED, REPORTED or SDKS of sandbox/rules.py, which say "
                f"who published what, unlike {rule.source!r}"
            )


def tour() -> Sandbox:
    """Take a sandbox through everything that a rule decides."""
    sandbox = Sandbox(clock=Clock(flowing=False))
    own = sandbox.provisioning
    with httpx.Client(transport=sandbox.transport(), base_url="http://s.test/v3") as client:

        def ask(method: str, path: str, key: object = own.api_key, **options: object) -> httpx.Response:
            headers = {"X-API-Key": getattr(key, "reveal", lambda: key)()} if key else {}
            return client.request(method, path, headers={**headers, **options.pop("headers", {})}, **options)

        json = {"Content-Type": "application/json"}
        idempotent = {"Idempotency-Key": "k"}
        created = ask("POST", COMPANY, json={"roles": [API_CREDENTIALS_ROLE]}).json()
        one = f"{COMPANY}/{created['id']}"
        at_merchant = ask("POST", MERCHANT).json()
        lesser = ask("POST", COMPANY, json={"roles": ["Management API - Stores read"]}).json()["apiKey"]
        powerless = ask("POST", COMPANY).json()["apiKey"]
        user = sandbox.customer_area.create_legal_entity_user()
        ask("GET", "/nothing")
        ask("PUT", "/me")
        ask("GET", "/me", None)
        ask("GET", "/me", "AQEwrong")
        ask("GET", "/me", str(own.api_key))
        ask("GET", "/me", powerless)
        ask("GET", "/me", user.api_key)
        ask("GET", "/me", auth=(created["username"], created["password"]))
        ask("GET", COMPANY, lesser)
        for path in ("/me", "/me/allowedOrigins", COMPANY, f"{COMPANY}?pageNumber=9", f"{COMPANY}?pageSize=0"):
            ask("GET", path)
        for path in (f"{COMPANY}?pageSize=x", f"{COMPANY}?pageSize=101", one, f"{COMPANY}/none"):
            ask("GET", path)
        ask("GET", "/merchants/TestMerchantEU/apiCredentials")
        ask("GET", f"{MERCHANT}/{at_merchant['id']}/allowedOrigins")
        ask("GET", "/companies/Other/apiCredentials")
        ask("GET", "/merchants/Other/apiCredentials")
        ask("POST", COMPANY, content=b"{", headers=json)
        ask("POST", COMPANY, content=b"[]", headers=json)
        ask("POST", COMPANY, content=b"{}")
        ask("POST", COMPANY, content=b" " * 1_100_000, headers=json)
        for body in (
            {"unknown": 1},
            {"roles": 1},
            {"roles": []},
            {"roles": ["None such"]},
            {"description": "x" * 51},
            {"associatedMerchantAccounts": ["Other"]},
            {"allowedOrigins": ["no"]},
            {"allowedOrigins": ["https://a.example/"]},
            {"allowedOrigins": ["https://a.*.example"]},
            {"allowedOrigins": ["https://a.example", "https://a.example"]},
        ):
            ask("POST", COMPANY, json=body)
        ask("POST", "/me/allowedOrigins", json={})
        added = ask("POST", "/me/allowedOrigins", json={"domain": "https://a.example"}).json()
        ask("POST", "/me/allowedOrigins", json={"domain": "https://b.example", "id": "x"})
        for method in ("GET", "DELETE", "DELETE"):
            ask(method, f"/me/allowedOrigins/{added['id']}")
        ask("PATCH", one, json={})
        ask("PATCH", one, json={"allowedOrigins": ["https://c.example"]})
        ask("PATCH", f"{COMPANY}/{at_merchant['id']}", json={"associatedMerchantAccounts": []})
        ask("PATCH", f"{COMPANY}/{own.id}", json={"active": False})
        ask("POST", f"{one}/generateClientKey")
        ask("PATCH", one, json={"associatedMerchantAccounts": ["TestMerchant"]})
        ask("GET", COMPANY, created["apiKey"])
        ask("PATCH", one, json={"active": False})
        ask("GET", "/me", created["apiKey"])
        ask("POST", f"{one}/generateApiKey")
        ask("PATCH", one, json={"active": True})
        ask("POST", f"{one}/generateApiKey")
        ask("POST", COMPANY, headers=idempotent)
        ask("POST", COMPANY, headers=idempotent)
        ask("POST", MERCHANT, headers=idempotent)
        ask("POST", MERCHANT, headers={"Idempotency-Key": "k" * 65})
        sandbox.app.sleep = lambda seconds: seconds and ask("POST", COMPANY, headers={"Idempotency-Key": "slow"})
        sandbox.faults.delay(1)
        ask("POST", COMPANY, headers={"Idempotency-Key": "slow"})
        sandbox.faults.status(500)
        ask("GET", "/me")
        sandbox.customer_area.set_allowed_ips(own.id, ["192.0.2.1"])
        ask("GET", "/me")
    return sandbox


# decided by settings of their own, with tests of their own
ELSEWHERE = {"api-keys.propagation", "limits.rate", "errors.internal"}


def test_every_answer_is_decided_by_a_registered_rule_and_every_rule_decides_or_shapes_one():
    known = {rule.id for rule in behaviours()}
    decided = {exchange.rule for exchange in tour().app.journal}
    assert decided <= known
    shaped = {rule.id for rule in behaviours() if is_implemented(rule)}
    never = known - shaped - decided - ELSEWHERE
    assert not never, (
        f"{sorted(never)}: no request of tour() above is answered by it; add one that is. A rule that decides no "
        "answer and shapes one is named by @implements at what follows it"
    )
    assert not ELSEWHERE & (shaped | decided), "tour() meets it now: take it out of ELSEWHERE"
    assert known >= ELSEWHERE


def test_what_the_sandbox_cannot_decide_is_a_500_and_no_silence(sandbox, admin, monkeypatch, caplog):
    monkeypatch.setattr("pytest_adyen_creds.sandbox.rendering.show_me", lambda *_: {}["broken"])
    failed = admin.get("/me")
    assert (failed.status_code, failed.json()["errorCode"]) == (500, "00_500")
    assert sandbox.app.journal[-1].rule == "errors.internal"
    assert "GET /me" in caplog.text
