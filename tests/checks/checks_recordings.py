"""Recorded answers, as they are and with one thing changed, for tests that judge them."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.model import Interaction
from pytest_adyen_creds.contract import bundled

Answer = tuple[str, Callable[[], tuple[int, dict[str, str], bytes]]]
"""What was changed, and what makes status, headers and body."""


def recorded(version: str) -> Iterator[tuple[Path, Interaction]]:
    for path in sorted((bundled("cassettes") / version).glob("*.yaml")):
        for interaction in serializer.read(path).interactions:
            yield path, interaction


def mutations(interaction: Interaction) -> Iterator[Answer]:
    """Yield the answer as it is, and with one thing changed."""
    headers = {name: value for name, value in interaction.response_headers if name != "content-length"}
    status, content = interaction.status, interaction.response_body
    yield "as it is", lambda: (status, headers, content)
    yield "another status", lambda: (418, headers, content)
    if not content:
        return
    yield "HTML", lambda: (status, {"content-type": "text/html"}, b"<html></html>")
    yield "problem+json", lambda: (status, {"content-type": "application/problem+json"}, content)
    yield "no media type", lambda: (status, {}, content)
    yield "a charset", lambda: (status, {"content-type": "application/json;charset=utf-8"}, content)
    yield "half of it", lambda: (status, headers, content[: len(content) // 2])
    yield "nothing", lambda: (status, headers, b"")
    body = json.loads(content)
    for what, change in changes(body):
        yield what, lambda change=change: (status, headers, json.dumps(change()).encode())


def changes(body: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield a body with one property left out, null, of another type, longer, or new: at each of its objects."""
    yield "a list around it", lambda: [body]
    for path in places(body):
        parent = at(body, path)
        yield f"a new property at {path}", partial(put, body, path, {**parent, "brandNew": 1})
        for name, value in parent.items():
            less = {each: parent[each] for each in parent if each != name}
            yield f"without {path}/{name}", partial(put, body, path, less)
            for other in (None, 7, "x" * 60, [1], {"a": 1}, True, 2**31, 1.5):
                if type(other) is not type(value) or isinstance(value, str | int):
                    yield f"{other!r} at {path}/{name}", partial(put, body, path, {**parent, name: other})


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
