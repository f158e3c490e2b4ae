"""Judge and referee: on every recording, as it is and with one thing changed, they say the same."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from checks_referee import case_of, passes

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.model import Interaction
from pytest_adyen_creds.contract import Contract, bundled
from pytest_adyen_creds.contract.judge import judge

JSON = {"content-type": "application/json"}
Answer = tuple[str, int, dict[str, str], bytes]
"""What was changed, status, headers and body."""


def recorded(version: str) -> Iterator[tuple[Path, Interaction]]:
    for path in sorted((bundled("cassettes") / version).glob("*.yaml")):
        for interaction in serializer.read(path).interactions:
            yield path, interaction


def mutations(interaction: Interaction) -> Iterator[Answer]:
    """Yield the answer as it is, and with one thing changed."""
    headers = {name: value for name, value in interaction.response_headers if name != "content-length"}
    status, content = interaction.status, interaction.response_body
    yield "as it is", status, headers, content
    yield "another status", 418, headers, content
    if not content:
        return
    yield "HTML", status, {"content-type": "text/html"}, b"<html></html>"
    yield "problem+json", status, {"content-type": "application/problem+json"}, content
    yield "no media type", status, {}, content
    yield "a charset", status, {"content-type": "application/json;charset=utf-8"}, content
    yield "half of it", status, headers, content[: len(content) // 2]
    yield "nothing", status, headers, b""
    body = json.loads(content)
    for what, changed in changes(body):
        yield what, status, headers, json.dumps(changed).encode()


def changes(body: Any) -> Iterator[tuple[str, Any]]:
    """Yield a body with one property left out, null, of another type, longer, or new: at each of its objects."""
    yield "a list around it", [body]
    for path in places(body):
        parent = at(body, path)
        yield f"a new property at {path}", put(body, path, {**parent, "brandNew": 1})
        for name, value in parent.items():
            yield f"without {path}/{name}", put(body, path, {k: v for k, v in parent.items() if k != name})
            for other in (None, 7, "x" * 60, [1], {"a": 1}, True, 2**31, 1.5):
                if type(other) is not type(value) or isinstance(value, str | int):
                    yield f"{other!r} at {path}/{name}", put(body, path, {**parent, name: other})


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        yield path
        for name, item in value.items():
            yield from places(item, (*path, name))
    elif isinstance(value, list) and value:
        yield from places(value[0], (*path, 0))


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


def put(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    changed = copy.deepcopy(body)
    at(changed, path[:-1])[path[-1]] = value
    return changed


def disagreements(contract: Contract, version: str, every: int) -> tuple[int, int, list[str]]:
    """Return how many answers were judged, how many depart, and where judge and referee disagree.

    All recordings as they are; of those that were changed one in ``every``.
    """
    judged = departing = number = 0
    found = []
    for path, interaction in recorded(version):
        request = httpx.Request(
            interaction.method,
            interaction.uri,
            headers=interaction.request_headers,
            content=interaction.request_body,
        )
        matched = contract.match(request.method, request.url.raw_path.decode())
        assert matched is not None
        case = case_of(contract, matched[0], request)
        for what, status, headers, content in mutations(interaction):
            number += 1
            if what != "as it is" and number % every:
                continue
            response = httpx.Response(status, headers=headers, content=content, request=request)
            media = response.headers.get("content-type", "")
            observed = judge(contract, matched[0], status, media, content, response.headers)
            judged += 1
            departing += bool(observed)
            if bool(observed) == passes(case, response):
                found.append(f"{path.name}: {what}: {[each.finding.id for each in observed]}")
    return judged, departing, found


EVERY = int(os.environ.get("ADYEN_CHECKS_MUTATED", "100"))
"""One in so many of the changed recordings is judged; 1 in a full run."""


@pytest.mark.parametrize("version", ["v3", "v1"])
def test_judge_and_referee_agree(version: str) -> None:
    judged, departing, found = disagreements(load_contract(version), version, every=EVERY)
    assert found == []
    assert judged > 1400
    assert departing > 600


def test_a_body_where_none_is_documented_is_for_the_judge_alone() -> None:
    contract = load_contract("v3")
    label = "DELETE /me/allowedOrigins/{originId}"
    request = httpx.Request("DELETE", "https://management-test.adyen.com/v3/me/allowedOrigins/S2-1")
    response = httpx.Response(204, headers=JSON, content=b'{"a": 1}', request=request)
    case = case_of(contract, contract.operations[label], request)
    assert passes(case, response)
    observed = judge(contract, contract.operations[label], 204, "application/json", b'{"a": 1}', JSON)
    assert [each.finding.id for each in observed] == ["response-undocumented-body"]
