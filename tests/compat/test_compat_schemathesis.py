"""schemathesis' undocumented parts, each as compat/schemathesis.py has it."""

from __future__ import annotations

import httpx
import hypothesis
import pytest
import schemathesis

from pytest_adyen_creds.compat import schemathesis as compat

DISTRIBUTION = "schemathesis"

BODY = {"type": "object", "properties": {"name": {"type": "string", "maxLength": 5}}, "required": ["name"]}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "a shop", "version": "1"},
    "paths": {
        "/items": {
            "post": {
                "requestBody": {
                    "required": True,
                    "content": {"application/json": {"schema": BODY, "example": {"name": "apple"}}},
                },
                "responses": {"200": {"description": "made"}},
            }
        }
    },
}


@pytest.fixture
def operation():
    return schemathesis.openapi.from_dict(DOCUMENT, config=schemathesis.Config())["/items"]["POST"]


def test_examples(operation) -> None:
    """`APIOperation.get_strategies_from_examples` has a strategy for each example of the document."""
    [strategy] = compat.example_strategies(operation)
    bodies = []

    @hypothesis.settings(max_examples=1, database=None)
    @hypothesis.given(strategy)
    def draw(case: schemathesis.Case) -> None:
        bodies.append(case.body)

    draw()
    assert bodies == [{"name": "apple"}]


@pytest.mark.parametrize("mode", schemathesis.GenerationMode)
def test_coverage(operation, mode: schemathesis.GenerationMode) -> None:
    """`iter_coverage_cases` makes the coverage phase's cases, and each says its mode in `meta.generation.mode`."""
    cases = compat.coverage_cases(operation, mode)
    assert cases
    assert all(isinstance(case, schemathesis.Case) and case.method == "POST" for case in cases)
    valid = [isinstance(case.body, dict) and len(str(case.body.get("name", "too long"))) <= 5 for case in cases]
    assert all(valid) == (mode == schemathesis.GenerationMode.POSITIVE)


def test_failures() -> None:
    """Failures of one operation are told apart by their class and `_unique_key`; `FailureGroup` holds several."""
    one, same, other = (compat.CheckFailed("GET /me", title="t", message="m", key=key) for key in "aab")
    assert one == same
    assert one != other
    with pytest.raises(compat.FailureGroup) as raised:
        raise compat.all_of([one, other])
    assert list(raised.value.exceptions) == [one, other]


def test_responses() -> None:
    """`Response.from_any` takes an answer of httpx, also one that came from no network."""
    request = httpx.Request("GET", "http://127.0.0.1/me")
    response = compat.response_of(httpx.Response(201, headers={"x-a": "b"}, content=b"{}", request=request))
    assert isinstance(response, schemathesis.Response)
    assert (response.status_code, response.headers["x-a"], response.content) == (201, ["b"], b"{}")
