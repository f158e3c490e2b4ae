"""What the comparison must stand: recursion, dialects, broken documents, and its own grammar."""

from __future__ import annotations

import copy
import itertools
import json
import random
from datetime import date
from typing import Any

import pytest
from drift_documents import documents
from drift_samples import LISTED, as_listed
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_adyen_creds.contract.baseline import Baseline
from pytest_adyen_creds.contract.finding import Finding, arrange, group
from pytest_adyen_creds.drift.specification import compare
from pytest_adyen_creds.errors import FileRefused


def document(schema: Any, *, version: str = "3.1.0", **schemas: Any) -> dict[str, Any]:
    answer = {"200": {"description": "", "content": {"application/json": {"schema": schema}}}}
    return {
        "openapi": version,
        "paths": {"/me": {"get": {"responses": answer}}},
        "components": {"schemas": schemas},
    }


def ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/schemas/{name}"}


def places(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str]]:
    return [(finding.id, finding.location) for finding in compare(old, new)]


def tree(**leaf: Any) -> dict[str, Any]:
    children = {"type": "array", "items": ref("Tree")}
    return {"type": "object", "properties": {"leaf": {"type": "string", **leaf}, "children": children}}


def test_a_recursive_schema_gives_its_change_once() -> None:
    old, new = document(ref("Tree"), Tree=tree()), document(ref("Tree"), Tree=tree(maxLength=3))
    assert compare(old, copy.deepcopy(old)) == []
    assert places(old, new) == [("response-property-max-length-set", "/leaf")]


def test_schemas_that_hold_each_other_show_their_changes_from_wherever_they_are_reached() -> None:
    def pair(**leaf: Any) -> dict[str, Any]:
        return {
            "A": {"type": "object", "properties": {"b": ref("B")}},
            "B": {"type": "object", "properties": {"a": ref("A"), "leaf": {"type": "string", **leaf}}},
        }

    root = {"type": "object", "properties": {"first": ref("A"), "second": ref("B")}}
    found = places(document(root, **pair()), document(root, **pair(maxLength=1)))
    assert ("response-property-max-length-set", "/first/b/leaf") in found


def test_what_one_body_showed_of_recursive_schemas_hides_nothing_in_the_next() -> None:
    def both(**leaf: Any) -> dict[str, Any]:
        text = {"type": "string", **leaf}
        schemas = {
            "A": {"type": "object", "properties": {"b": ref("B"), "leaf": text}},
            "B": {"type": "object", "properties": {"a": ref("A"), "leaf": text}},
        }
        whole = document(ref("A"), **schemas)
        whole["paths"]["/other"] = document(ref("B"))["paths"]["/me"]
        return whole

    found = {(finding.operation, finding.location) for finding in compare(both(), both(maxLength=1))}
    assert found == {("GET /me", "/leaf"), ("GET /me", "/b/leaf"), ("GET /other", "/leaf"), ("GET /other", "/a/leaf")}


def test_schemas_that_all_hold_each_other_are_compared_once_each() -> None:
    names = [f"S{number}" for number in range(12)]

    def knot(**leaf: Any) -> dict[str, Any]:
        properties = {name: ref(name) for name in names}
        return {
            name: {"type": "object", "properties": {**properties, "leaf": {"type": "string", **leaf}}} for name in names
        }

    found = places(document(ref("S0"), **knot()), document(ref("S0"), **knot(maxLength=1)))
    assert {id_ for id_, _ in found} == {"response-property-max-length-set"}
    assert len(found) == len(names)


def test_a_schema_used_twice_shows_its_change_at_both_places() -> None:
    root = {"type": "object", "properties": {"one": ref("Link"), "two": {"type": "array", "items": ref("Link")}}}
    link = {"type": "object", "properties": {"href": {"type": "string"}}}
    closed = {**link, "additionalProperties": False}
    assert places(document(root, Link=link), document(root, Link=closed)) == [
        ("response-property-additional-properties-closed", "/one"),
        ("response-property-additional-properties-closed", "/two/*"),
    ]


def test_recursion_unrolled_once_is_the_same_recursion() -> None:
    unrolled = tree()
    unrolled["properties"]["children"] = {"type": "array", "items": tree()}
    assert compare(document(ref("Tree"), Tree=tree()), document(unrolled, Tree=tree())) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ({"type": "string", "nullable": True}, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        ({"allOf": [{"$ref": "#/components/schemas/T"}], "nullable": True}, {"oneOf": [ref("T"), {"type": "null"}]}),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 1}),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, {"type": "integer", "minimum": 2}),
        ({"type": "string", "enum": ["a", None], "nullable": True}, {"type": ["string", "null"], "enum": ["a", None]}),
        ({"type": "integer", "format": "int64"}, {"type": "integer", "minimum": -(2**63), "maximum": 2**63 - 1}),
        ({"type": "string", "enum": ["a"]}, {"const": "a"}),
        ({"enum": [1, 2]}, {"type": "integer", "enum": [2, 1]}),
        ({"properties": {"a": {}}}, {"type": "object", "properties": {"a": True}, "additionalProperties": True}),
        ({"type": "object"}, {"type": "object", "properties": {}, "additionalProperties": {}}),
        ({"$ref": "#/components/schemas/T", "maxLength": 1}, ref("T")),
    ],
)
def test_both_dialects_say_the_same(old: Any, new: Any) -> None:
    shared = {"type": "object", "properties": {"x": {"type": "string"}}}
    one, other = document(old, version="3.0.3", T=shared), document(new, T=shared)
    assert compare(one, other) == []
    assert compare(other, one) == []


def test_keywords_beside_a_reference_count_in_3_1() -> None:
    beside = {**ref("T"), "maxLength": 1, "description": "…"}
    shared = {"type": "string"}
    assert places(document(ref("T"), T=shared), document(beside, T=shared)) == [("response-body-max-length-set", "")]


def test_all_of_that_no_one_schema_can_say_is_compared_branch_by_branch() -> None:
    closed = {"type": "object", "properties": {"a": {}}, "additionalProperties": False}
    one = {"allOf": [closed, {"type": "object", "properties": {"b": {}}}]}
    other = {"allOf": [closed, {"type": "object", "properties": {"c": {}}}]}
    assert compare(document(one), document({"allOf": one["allOf"][::-1]})) == []
    assert places(document(one), document(other)) == [("response-body-all-of-changed", "")]


def test_names_of_keywords_are_names_of_properties_too() -> None:
    old = {"type": "object", "properties": {"title": {"type": "string"}, "$ref": {"type": "string"}}}
    new = {"type": "object", "properties": {"title": {"type": "integer"}, "$ref": {"type": "string"}}}
    assert places(document(old), document(new)) == [("response-property-type-changed", "/title")]


def test_only_the_wanted_operations_are_compared() -> None:
    old, new = document({"type": "string"}), document({"type": "integer"})
    new["paths"]["/other/{id}"] = {"get": {}}
    assert [finding.id for finding in compare(old, new, operations=["GET /other/{anything}"])] == ["endpoint-added"]
    assert [finding.operation for finding in compare(old, new, operations=["GET /me"])] == ["GET /me"]


@pytest.mark.parametrize("deprecated", [False, True])
def test_a_path_that_is_gone_with_all_of_its_operations_is_named_so(deprecated: bool) -> None:
    old = document({})
    old["paths"]["/you"] = {"get": {"responses": {}, "deprecated": deprecated}, "post": {"responses": {}}}
    partly, wholly = copy.deepcopy(old), copy.deepcopy(old)
    del partly["paths"]["/you"]["get"], wholly["paths"]["/you"]
    end = "with-deprecation" if deprecated else "without-deprecation"
    assert [finding.id for finding in compare(old, partly)] == [f"api-removed-{end}"]
    assert {(finding.id, finding.operation) for finding in compare(old, wholly)} == {
        (f"api-path-removed-{end}", "GET /you"),
        ("api-path-removed-without-deprecation", "POST /you"),
    }


@pytest.mark.parametrize("required", [False, True])
def test_a_write_only_property_of_an_answer_has_an_id_of_its_own(required: bool) -> None:
    without = {"type": "object", "properties": {"a": {"type": "string"}}}
    inner = {"type": "string", "writeOnly": True}
    having = {"type": "object", "properties": {**without["properties"], "b": inner}}  # type: ignore[dict-item]
    if required:
        having["required"] = ["b"]
    stem = f"response-{'required' if required else 'optional'}-write-only-property"
    for old, new, id_ in ((without, having, f"{stem}-added"), (having, without, f"{stem}-removed")):
        (finding,) = compare(document(old), document(new))
        assert (finding.id, finding.level, finding.location) == (id_, "info", "/b")


def test_a_property_of_a_header_parameter_has_the_ids_that_oasdiff_gives_it() -> None:
    def with_header(schema: dict[str, Any]) -> dict[str, Any]:
        whole = document({})
        whole["paths"]["/me"]["get"]["parameters"] = [{"in": "header", "name": "X-Filter", "schema": schema}]
        return whole

    plain = {"type": "object", "properties": {"a": {"type": "string"}}}
    required = {"type": "object", "properties": {**plain["properties"], "b": {}}, "required": ["b"]}  # type: ignore[dict-item]
    enum = {"type": "object", "properties": {"a": {"type": "string", "enum": ["x", "y"]}}}
    longer = {"type": "object", "properties": {"a": {"type": "string", "maxLength": 3}}}
    for new, id_ in (
        (required, "new-required-request-header-property"),
        ({**plain, "required": ["a"]}, "request-header-property-became-required"),
        (enum, "request-header-property-became-enum"),
        (longer, "request-parameter-property-max-length-set"),
    ):
        assert [finding.id for finding in compare(with_header(plain), with_header(new))] == [id_]


def test_another_default_matters_to_who_sends_the_value() -> None:
    def with_both(schema: dict[str, Any]) -> dict[str, Any]:
        whole = document(schema)
        whole["paths"]["/me"]["get"]["parameters"] = [{"in": "query", "name": "size", "schema": schema}]
        return whole

    found = compare(with_both({"default": 1}), with_both({"default": 2}))
    assert [(finding.id, finding.level) for finding in found] == [
        ("request-parameter-default-value-changed", "warning"),
        ("response-body-default-value-changed", "info"),
    ]


def test_why_a_change_is_less_serious_than_others_is_said() -> None:
    def with_one(*, required: bool, **more: Any) -> dict[str, Any]:
        schema = {"type": "object", "properties": {"a": {"type": "string", **more}}, "required": ["a"] * required}
        whole = document(schema)
        whole["paths"]["/me"]["get"]["requestBody"] = {"content": {"application/json": {"schema": schema}}}
        return whole

    found = compare(with_one(required=False, readOnly=True), with_one(required=True, readOnly=True))
    assert [(finding.id, finding.level, finding.message.partition("; ")[2]) for finding in found] == [
        ("request-property-became-required", "info", "it is read-only, so no request has it"),
        ("response-property-became-required", "info", ""),
    ]
    found = compare(with_one(required=True, writeOnly=True), with_one(required=False, writeOnly=True))
    assert [(finding.id, finding.level, finding.message.partition("; ")[2]) for finding in found] == [
        ("request-property-became-optional", "info", ""),
        ("response-property-became-optional", "info", "it is write-only, so no answer has it"),
    ]


@pytest.mark.parametrize("bound", [float("inf"), float("nan")])
def test_what_is_no_number_bounds_nothing(bound: float) -> None:
    assert compare(document({"type": "number"}), document({"type": "number", "maximum": bound})) == []


def test_a_name_in_a_document_is_no_place_to_fill_in() -> None:
    old, new = ({"type": "object", "properties": {"{it}": {"enum": [value]}}} for value in ("{it}", "{old}"))
    found = compare(document({**old, "{in}": 1}), document(new))
    assert [(finding.id, finding.message) for finding in found] == [
        ("response-property-enum-value-added", 'the value "{old}" of the response property `{it}` is new'),
        ("response-body-{in}-removed", "{in} of the response body is gone"),
        ("response-property-enum-value-removed", 'the value "{it}" of the response property `{it}` is gone'),
    ]


def test_a_limit_is_shown_whole() -> None:
    old, new = ({"type": "number", "exclusiveMaximum": 2**31 + step} for step in (1, 2))
    (finding,) = compare(document(old), document(new))
    assert "from 2147483649 (exclusive) to 2147483650 (exclusive)" in finding.message


def test_each_of_several_patterns_is_a_finding() -> None:
    old, new = ({"type": "object", "patternProperties": {name: {} for name in names}} for names in ("ab", "bcd"))
    found = compare(document(old), document(new))
    assert [finding.id.rpartition("-")[2] for finding in found] == ["added", "added", "removed"]
    assert len({finding.message for finding in found}) == 3
    first, *others = found
    assert Baseline().updated([first], date(2026, 1, 1)).judge(found, date(2026, 1, 1)).findings == tuple(others)


def test_an_operation_id_that_follows_a_renamed_path_parameter_is_the_same() -> None:
    def named(parameter: str, operation_id: str) -> dict[str, Any]:
        return {"openapi": "3.1.0", "paths": {f"/a/{{{parameter}}}": {"get": {"operationId": operation_id}}}}

    old = named("merchantId", "get-a-merchantId")
    assert compare(old, named("id", "get-a-id")) == []
    assert [finding.level for finding in compare(old, named("id", "get-a"))] == ["info"]


@pytest.mark.parametrize(
    ("broken", "says"),
    [
        ({"paths": []}, "/paths"),
        ({"paths": {"/me": {"get": "x"}}}, "/paths/~1me/get"),
        ({"paths": {"/me": {"get": {"responses": []}}}}, "/paths/~1me/get/responses"),
        ({"paths": {"/me": {"$ref": "#/nowhere"}}}, "#/nowhere"),
        ({"paths": {"/me": {"$ref": "other.yaml#/x"}}}, "bundle"),
        (document(ref("A"), A=ref("B"), B=ref("A")), "$ref"),
        (document(ref("A"), A={"allOf": [ref("A")]}), "itself"),
        (document({"allOf": [ref("A"), {"type": "string"}]}, A={"anyOf": [ref("A")]}), "itself"),
    ],
)
def test_a_broken_document_is_refused_with_one_line(broken: dict[str, Any], says: str) -> None:
    with pytest.raises(FileRefused) as refusal:
        compare({"openapi": "3.1.0", **broken}, document({"type": "string"}))
    assert says in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_schema_that_unfolds_without_bound_is_refused() -> None:
    names = [f"S{number}" for number in range(40)]
    schemas: dict[str, Any] = {
        name: {"type": "object", "properties": {"a": ref(deeper), "b": ref(deeper)}}
        for name, deeper in itertools.pairwise(names)
    }
    old = document(ref("S0"), **schemas, S39={"type": "string"})
    new = document(ref("S0"), **schemas, S39={"type": "integer"})
    assert compare(old, copy.deepcopy(old)) == []
    with pytest.raises(FileRefused, match="changes in one body"):
        compare(old, new)


def test_a_schema_nested_without_bound_is_refused() -> None:
    schema: dict[str, Any] = {"type": "string"}
    for _ in range(190):
        schema = {"type": "array", "items": schema}
    with pytest.raises(FileRefused, match="levels"):
        compare(document(schema), document(schema | {"x-other": 1}))


JUNK: list[Any] = [None, [], {}, "", "x", 7, -1.5, True, ["a"], {"a": 1}, {"$ref": "#/paths"}, {"type": ["string"]}]


@given(documents(), st.integers(0, 2**32))
@settings(max_examples=3 * settings.default.max_examples, deadline=None, suppress_health_check=list(HealthCheck))
def test_whatever_a_document_holds_there_is_an_answer_or_one_refusal(whole: dict[str, Any], seed: int) -> None:
    rng = random.Random(seed)
    broken = copy.deepcopy(whole)
    for _ in range(3):
        node: Any = broken
        while True:
            children = list(node) if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else []
            if not children:
                break
            parent, key = node, rng.choice(list(children))
            node = parent[key]
            if rng.random() < 0.15:
                break
        parent[key] = copy.deepcopy(rng.choice(JUNK))
    for one, other in ((whole, broken), (broken, whole), (broken, broken)):
        said = None
        try:
            assert as_listed(compare(one, other)) <= LISTED
        except FileRefused as refusal:
            said = str(refusal)
        assert said is None or "\n" not in said


def test_equal_findings_are_added_up_and_grouped_the_worst_first() -> None:
    info = Finding("b", "info", "GET /me", 200, "/x", "same")
    bad = Finding("a", "breaking", "GET /me", None, "", "other")
    elsewhere = Finding("b", "info", "POST /me", 401, "/y", "same")
    arranged = arrange([info, bad, elsewhere, info])
    assert [(finding.id, finding.count) for finding in arranged] == [("a", 1), ("b", 2), ("b", 1)]
    worst, other = group(arranged)
    assert (worst.id, worst.operations, worst.statuses) == ("a", ("GET /me",), ())
    assert (other.count, other.statuses, other.locations) == (3, (200, 401), ("/x", "/y"))


def test_a_finding_goes_to_json_and_back() -> None:
    finding = Finding("response-undocumented-property", "warning", "GET /me", 200, "/data/*/new", "new", 3)
    assert Finding.from_json(json.loads(json.dumps(finding.to_json()))) == finding
