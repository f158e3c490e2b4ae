"""Random documents: the same one gives no finding however it is written, one change gives exactly one."""

from __future__ import annotations

import copy
import random
from typing import Any

import pytest
from drift_changes import BASE, CHANGES, OPERATION_CHANGES, OPPOSITE, Change, Effect
from drift_disguise import disguise
from drift_documents import Site, documents, operations, planted, sites
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_adyen_creds.contract.finding import Finding
from pytest_adyen_creds.drift.specification import compare

# each of many tests: an eighth of the usual number
QUICK = settings(
    max_examples=settings.default.max_examples // 8, deadline=None, suppress_health_check=list(HealthCheck)
)
BELOW = {
    "request-body": "request-property",
    "request-parameter": "request-parameter-property",
    "response-body": "response-property",
    "response-header": "response-header-property",
}


def seeds() -> st.SearchStrategy[random.Random]:
    return st.integers(0, 2**32).map(random.Random)


def found(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[Any, ...]]:
    return [_seen(finding) for finding in compare(old, new)]


def _seen(finding: Finding) -> tuple[Any, ...]:
    method, _, path = finding.operation.partition(" ")
    bare = "/".join("{}" if part.startswith("{") else part for part in path.split("/"))
    location = finding.location.lower() if "header" in finding.location else finding.location
    if location.startswith("/path/"):
        # a path parameter's name is the document's own
        location = (
            "/path/" + location.split("/", 3)[2].rstrip("0123456789") + location[len("/path/") :].partition("/")[1]
        )
    return finding.id, finding.level, f"{method} {bare}" if path else method, finding.status, location


def expected(id_: str, level: str, operation: str, status: int | None = None, location: str = "") -> tuple[Any, ...]:
    return _seen(Finding(id_, level, operation, status, location, ""))  # type: ignore[arg-type]


def law(kind: str, effect: Effect) -> str:
    if effect in ("differs", "unknown"):
        return "breaking" if effect == "differs" else "warning"
    reader = "narrows" if kind.startswith("request") else "widens"
    return "breaking" if effect == reader else "info"


@given(documents(), seeds())
@settings(deadline=None, suppress_health_check=list(HealthCheck))
def test_a_document_is_equal_to_itself_however_it_is_written(document: dict[str, Any], rng: random.Random) -> None:
    assert compare(document, copy.deepcopy(document)) == []
    assert compare(document, disguise(document, rng)) == []
    assert compare(disguise(document, rng), disguise(document, rng)) == []


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.name)
def test_one_change_of_a_schema_is_one_finding_at_its_place(change: Change) -> None:
    @given(documents(), st.data(), seeds())
    @QUICK
    def check(document: dict[str, Any], data: st.DataObject, rng: random.Random) -> None:
        site: Site = data.draw(st.sampled_from(sites(document)))
        old = disguise(planted(document, site, change.before), rng)
        new = disguise(planted(document, site, change.after), rng)
        kind = BELOW[site.kind] if site.pointer + change.at else site.kind
        if (
            site.base.startswith("/header")
            and change.name in ("required", "enum")
            and kind == BELOW["request-parameter"]
        ):
            kind = "request-header-property"
        place = (site.operation, site.status, site.location + change.at)
        back = OPPOSITE.get(change.effect, change.effect)
        other = "request-parameter-property" if kind.startswith("request-header") else kind
        assert found(old, new) == [expected(f"{kind}-{change.forward}", law(kind, change.effect), *place)]
        assert found(new, old) == [expected(f"{other}-{change.back}", law(kind, back), *place)]

    check()


CLOSED = {**BASE, "additionalProperties": False}


def _with(schema: dict[str, Any], inner: dict[str, Any], *, required: bool = False) -> dict[str, Any]:
    result = copy.deepcopy(schema)
    result["properties"]["new/one"] = inner
    return result | ({"required": ["new/one"]} if required else {})


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("closed", [False, True])
def test_a_property_that_comes_or_goes_is_one_finding(required: bool, closed: bool) -> None:
    @given(documents(), st.data(), seeds())
    @QUICK
    def check(document: dict[str, Any], data: st.DataObject, rng: random.Random) -> None:
        bodies = [site for site in sites(document) if site.kind.endswith("body")]
        site: Site = data.draw(st.sampled_from(bodies))
        before = CLOSED if closed else BASE
        old = disguise(planted(document, site, before), rng)
        new = disguise(planted(document, site, _with(before, {"type": "integer"}, required=required)), rng)
        place = (site.operation, site.status, site.location + "/new~1one")
        presence = "required" if required else "optional"
        if site.kind == "request-body":
            came = (f"new-{presence}-request-property", "breaking" if required else "info")
            went = ("request-property-removed", "breaking" if closed else "warning")
        else:
            came = (f"response-{presence}-property-added", "info")
            went = (f"response-{presence}-property-removed", "breaking" if required else "warning")
        assert found(old, new) == [expected(*came, *place)]
        assert found(new, old) == [expected(*went, *place)]

    check()


@pytest.mark.parametrize("required", [False, True])
@pytest.mark.parametrize("word", ["readOnly", "writeOnly"])
def test_a_property_that_becomes_read_only_or_write_only_is_one_finding(required: bool, word: str) -> None:
    @given(documents(), st.data(), seeds())
    @QUICK
    def check(document: dict[str, Any], data: st.DataObject, rng: random.Random) -> None:
        bodies = [site for site in sites(document) if site.kind.endswith("body")]
        site: Site = data.draw(st.sampled_from(bodies))
        before = _with(BASE, {"type": "integer"}, required=required)
        after = _with(BASE, {"type": "integer", word: True}, required=required)
        old, new = (disguise(planted(document, site, schema), rng) for schema in (before, after))
        place = (site.operation, site.status, site.location + "/new~1one")
        side = site.kind.partition("-")[0]
        stem = f"{side}-{'required' if required else 'optional'}-property-became"
        hidden = (side, word) in (("request", "readOnly"), ("response", "writeOnly"))
        noun = "read-only" if word == "readOnly" else "write-only"
        assert found(old, new) == [expected(f"{stem}-{noun}", "warning" if hidden else "info", *place)]
        assert found(new, old) == [expected(f"{stem}-not-{noun}", "info", *place)]

    check()


@pytest.mark.parametrize("name", OPERATION_CHANGES)
def test_one_change_of_an_operation_is_one_finding(name: str) -> None:
    before, change, forward, back, status, location = OPERATION_CHANGES[name]

    @given(documents(), st.data(), seeds())
    @QUICK
    def check(document: dict[str, Any], data: st.DataObject, rng: random.Random) -> None:
        label, (_, path, method), operation = data.draw(st.sampled_from(list(operations(document))))
        if before:
            before(operation)
        changed = copy.deepcopy(document)
        change(changed["paths"][path][method])
        old, new = disguise(document, rng), disguise(changed, rng)
        assert found(old, new) == [expected(*forward, label, status, location)]
        assert found(new, old) == [expected(*back, label, status, location)]

    check()


@given(documents(), st.booleans(), seeds())
@QUICK
def test_an_operation_that_comes_or_goes_is_one_finding(
    document: dict[str, Any], deprecated: bool, rng: random.Random
) -> None:
    changed = copy.deepcopy(document)
    label, (_, path, _), operation = next(operations(document))
    added = {**copy.deepcopy(operation), "operationId": "new", "deprecated": deprecated}
    changed["paths"][path]["delete"] = added
    place = f"DELETE {label.partition(' ')[2]}"
    old, new = disguise(document, rng), disguise(changed, rng)
    assert found(old, new) == [expected("endpoint-added", "info", place)]
    gone = (
        ("api-removed-with-deprecation", "warning") if deprecated else ("api-removed-without-deprecation", "breaking")
    )
    assert found(new, old) == [expected(*gone, place)]


@given(documents(), seeds())
@QUICK
def test_a_sign_in_that_works_otherwise_is_a_finding_at_each_operation(
    document: dict[str, Any], rng: random.Random
) -> None:
    changed = copy.deepcopy(document)
    changed["components"]["securitySchemes"]["key"]["name"] = "X-Other"
    labels = sorted(expected("api-security-updated", "breaking", label) for label, _, _ in operations(document))
    assert sorted(found(document, changed)) == labels
    assert sorted(found(changed, document)) == labels


@given(documents(), seeds())
@QUICK
def test_a_server_that_comes_or_goes_is_one_finding(document: dict[str, Any], rng: random.Random) -> None:
    changed = copy.deepcopy(document)
    changed["servers"].append({"url": "https://two.example"})
    old, new = disguise(document, rng), disguise(changed, rng)
    assert found(old, new) == [expected("api-server-added", "info", "*")]
    assert found(new, old) == [expected("api-server-removed", "info", "*")]


def test_there_are_at_least_forty_kinds_of_change() -> None:
    assert len({(change.forward, change.back) for change in CHANGES}) + len(OPERATION_CHANGES) >= 40
