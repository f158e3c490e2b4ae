"""What one operation of an OpenAPI document takes and answers, as the comparison reads it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_adyen_creds.drift.shape import Schema


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an operation; ``place`` is ``path``, ``query``, ``header`` or ``cookie``."""

    place: str
    name: str
    required: bool
    deprecated: bool
    schema: Schema
    serialization: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Body:
    """A request body: media type -> schema."""

    required: bool
    content: Mapping[str, Schema]


@dataclass(frozen=True, slots=True)
class Header:
    """A response header."""

    name: str
    required: bool
    schema: Schema


@dataclass(frozen=True, slots=True)
class Response:
    """One documented answer: lower-case header name -> header, media type -> schema."""

    headers: Mapping[str, Header]
    content: Mapping[str, Schema]


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation. ``security`` holds the alternatives, each a mapping of scheme name -> scopes."""

    key: tuple[str, str]
    label: str
    id: str | None
    deprecated: bool
    path_names: tuple[str, ...]
    parameters: Mapping[tuple[str, str], Parameter]
    body: Body | None
    responses: Mapping[str, Response]
    security: tuple[Mapping[str, frozenset[str]], ...]
