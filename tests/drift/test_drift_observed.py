"""Real answers against the contract: each departure is one precise finding."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.contract.judge import Observation, judge
from pytest_adyen_creds.drift.collector import Aggregate
from pytest_adyen_creds.secrets import Secret

ERROR: dict[str, Any] = {
    "type": "https://docs.adyen.com/errors/validation",
    "errorCode": "31_007",
    "title": "Invalid",
    "detail": "The request is not valid",
    "status": 422,
    "invalidFields": [
        {"name": "roles", "value": "x", "message": "unknown"},
        {"name": "domain", "value": "y", "message": "not a URL"},
    ],
}


def seen(
    body: Any, *, status: int = 422, media: str | None = "application/json", path: str = "/v3/me", method: str = "GET"
) -> list[Observation]:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    contract = load_contract("v3")
    matched = contract.match(method, path)
    return judge(contract, matched[0], status, media, data) if matched else []


def only(observations: list[Observation]) -> tuple[str, str, str, int | None, str]:
    (observation,) = observations
    finding = observation.finding
    return finding.id, finding.level, finding.operation, finding.status, finding.location


def test_an_answer_that_keeps_to_the_contract_gives_nothing(published: Path) -> None:
    assert seen(ERROR) == []
    assert seen((published / "observed" / "get-me.200.json").read_bytes(), status=200) == []
    assert seen(b"", status=204, path="/v3/me/allowedOrigins/1", method="DELETE", media=None) == []


def test_a_missing_required_property() -> None:
    body = {key: value for key, value in ERROR.items() if key != "detail"}
    assert only(seen(body)) == ("response-required-property-missing", "breaking", "GET /me", 422, "/detail")


def test_invalid_fields_that_came_wrapped_are_one_finding() -> None:
    body = {**ERROR, "invalidFields": [{"InvalidField": each} for each in ERROR["invalidFields"]]}
    assert only(seen(body)) == ("response-property-wrapped", "breaking", "GET /me", 422, "/invalidFields/*")


def test_an_extra_property_says_that_a_strict_parser_breaks() -> None:
    observations = seen({**ERROR, "newField": "x"})
    assert only(observations) == ("response-undocumented-property", "warning", "GET /me", 422, "/newField")
    assert "strict parser" in observations[0].finding.message


def test_a_number_for_a_string_anywhere_in_a_list_is_one_finding() -> None:
    body = copy.deepcopy(ERROR)
    for item in body["invalidFields"]:
        item["value"] = 7
    assert only(seen(body)) == ("response-property-type-changed", "breaking", "GET /me", 422, "/invalidFields/*/value")


def test_null_for_a_string() -> None:
    assert only(seen({**ERROR, "title": None}))[0] == "response-property-became-nullable"


def test_a_longer_text_than_documented(published: Path) -> None:
    body = json.loads((published / "observed" / "get-me.200.json").read_text())
    body["description"] = "x" * 51
    assert only(seen(body, status=200))[::4] == ("response-property-max-length-increased", "/description")


def test_an_unknown_status() -> None:
    assert only(seen(ERROR, status=429)) == ("response-undocumented-status", "warning", "GET /me", 429, "")


@pytest.mark.parametrize("media", ["text/html; charset=utf-8", None])
def test_html_instead_of_json(media: str | None) -> None:
    body = b"\n<!DOCTYPE html><html><body>Bad gateway</body></html>"
    assert only(seen(body, media=media)) == ("response-undocumented-media-type", "breaking", "GET /me", 422, "")
    assert only(seen(body, media="application/json"))[0] == "response-body-not-json"


@pytest.mark.parametrize(
    ("body", "id_"),
    [
        (b"", "response-body-missing"),
        (b"{", "response-body-not-json"),
        (b'{"a": NaN}', "response-body-not-json"),
        (b'{"a": "\xff"}', "response-body-not-json"),
        (b"[" * 100_000, "response-body-not-json"),
        (b"[]", "response-body-type-changed"),
        (b"null", "response-body-became-nullable"),
    ],
)
def test_a_body_that_is_no_envelope(body: bytes, id_: str) -> None:
    assert only(seen(body)) == (id_, "breaking", "GET /me", 422, "")


def test_a_body_where_none_is_documented() -> None:
    found = only(seen(ERROR, status=204, path="/me/allowedOrigins/1", method="DELETE"))
    assert found == ("response-undocumented-body", "warning", "DELETE /me/allowedOrigins/{originId}", 204, "")


def test_other_operations_are_none_of_its_business() -> None:
    assert seen(ERROR, path="/v3/companies") == []


def test_several_departures_are_several_findings() -> None:
    body = {**{key: value for key, value in ERROR.items() if key != "detail"}, "status": "422", "more": 1}
    assert {(each.finding.id, each.finding.location) for each in seen(body)} == {
        ("response-required-property-missing", "/detail"),
        ("response-property-type-changed", "/status"),
        ("response-undocumented-property", "/more"),
    }


def test_nothing_shows_a_secret() -> None:
    secret = Secret("AQEsomething+unregistered/0123456789")
    body = {"apiKey": 123456789, "clientKey": "test_UNREGISTERED0123456789", secret.reveal(): secret.reveal()}
    path = "/v3/companies/X/apiCredentials/S2-1/generateApiKey"
    observations = seen(body, status=200, path=path, method="POST")
    text = "".join(each.example + json.dumps(each.finding.to_json()) for each in observations)
    assert len(observations) == 3
    for hidden in (secret.reveal(), "UNREGISTERED", "123456789"):
        assert hidden not in text


@given(st.integers(0, 2**32))
@settings(max_examples=4 * settings.default.max_examples, deadline=None)
def test_whatever_comes_is_judged(seed: int) -> None:
    rng = random.Random(seed)
    body = copy.deepcopy(ERROR)
    junk: list[Any] = [None, [], {}, "", "a/b~c*", 7, 1.5, True, [{}], {"": {"": []}}, {"\u202e\x1b": "\ud800"}]
    for _ in range(rng.randint(1, 4)):
        target = rng.choice([body, *(each for each in body["invalidFields"] if isinstance(each, dict))])
        target[rng.choice([*target, "", "a/b", "~1", "*", "0"])] = copy.deepcopy(rng.choice(junk))
        if not isinstance(body.get("invalidFields"), list):
            body["invalidFields"] = []
    observations = seen(body)
    contract = load_contract("v3")
    assert bool(observations) != contract.is_valid("RestServiceError", body)
    assert len({each.finding for each in observations}) == len(observations)
    assert all(each.finding.message.isprintable() for each in observations if "\u202e" not in json.dumps(body))


def test_counts_are_of_answers_and_add_up_over_processes() -> None:
    here, worker = Aggregate(), Aggregate()
    for _ in range(3):
        here.add(seen({**ERROR, "newField": "first"}))
    worker.add(seen({**ERROR, "newField": "second"}))
    worker.add(seen({**ERROR, "other": 1}))
    worker.add([])
    here.merge(json.loads(json.dumps(worker.to_json())))
    assert here.answers == 6
    assert [(finding.location, finding.count) for finding in here.findings] == [("/newField", 4), ("/other", 1)]
    assert "5 characters" in here.example(here.findings[0])
    assert here.example(Finding("x", "info", "", None, "", "")) == ""
    assert len(here.findings) == 2
