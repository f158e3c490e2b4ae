"""Judging bodies: jsonschema-rs decides, jsonschema explains."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Final

from pytest_adyen_creds.contract.keywords import matches
from pytest_adyen_creds.errors import ContractError
from pytest_adyen_creds.secrets import MASK, SECRETS
from pytest_adyen_creds.text import counted, escape_pointer, plain

_LONGEST: Final = 80
"""How many characters of a found value are shown."""

_TYPES: Final = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "a boolean",
    "null": "null",
}


@dataclass(frozen=True, slots=True)
class Violation:
    """One place where a body departs from its structure.

    ``pointer`` is the JSON Pointer of the place: of the property itself where one is missing or not
    allowed. ``keyword`` is JSON Schema's. ``expected`` and ``found`` are short texts; ``found`` shows no secret.
    ``message`` is one line that says all of it, with nothing in it that a terminal would act on.
    """

    pointer: str
    keyword: str
    expected: str
    found: str
    message: str

    def to_json(self) -> dict[str, str]:
        """Return the violation as a JSON object."""
        return asdict(self)


class Validator:
    """Judges bodies by one JSON Schema 2020-12."""

    def __init__(self, schema: Mapping[str, Any], secret_properties: Collection[str] = ()) -> None:
        self.schema: Final = dict(schema)
        self._secret_properties = secret_properties

    @cached_property
    def is_valid(self) -> Any:
        """``is_valid(body) -> bool``: the fast answer, without reasons."""
        import jsonschema_rs

        try:
            decide = jsonschema_rs.validator_for(self.schema, validate_formats=True).is_valid
        except (jsonschema_rs.ValidationError, ValueError) as error:  # ValueError: no text, half a surrogate pair
            problem = str(error).partition("\n")[0]
            raise ContractError(f"structure {self.schema.get('title')}: {problem}; correct it") from None

        def is_valid(body: Any) -> bool:
            try:
                return bool(decide(body))
            except (ValueError, TypeError):  # what no JSON text holds: lone surrogates, NaN, objects of other types
                return not self._explained(body)

        return is_valid

    def validate(self, body: Any) -> list[Violation]:
        """Return each place where ``body`` departs from the schema; an empty list where it does not."""
        if self.is_valid(body):
            return []
        return self._explained(body) or [_violation("", "format", "a value of the stated format", body, False)]

    def _explained(self, body: Any) -> list[Violation]:
        try:
            return list(
                dict.fromkeys(v for error in self._explainer.iter_errors(body) for v in self._violations(error))
            )
        except RecursionError:
            return [_violation("", "type", "nested less deeply, for what is wrong in it to be found", body, False)]

    @cached_property
    def _explainer(self) -> Any:
        from jsonschema import Draft202012Validator, validators

        own = {
            "pattern": _explain_pattern,
            "patternProperties": _explain_pattern_properties,
            "additionalProperties": _explain_additional_properties,
        }
        explainer: Any = validators.extend(Draft202012Validator, own)  # type: ignore[no-untyped-call]
        return explainer(self.schema, format_checker=Draft202012Validator.FORMAT_CHECKER)

    def _violations(self, error: Any) -> Iterator[Violation]:
        path = [str(part) for part in error.absolute_path]
        keyword, expected, found = error.validator, error.validator_value, error.instance

        def at(*more: str) -> tuple[str, bool]:
            parts = [*path, *more]
            secret = any(part in self._secret_properties for part in parts)
            return "".join(f"/{escape_pointer(SECRETS.mask(part))}" for part in parts), secret

        if keyword == "required" and isinstance(found, dict):
            for name in expected:
                if name not in found:
                    pointer, _ = at(name)
                    yield Violation(pointer, keyword, "a value", "nothing", plain(f"{pointer} is required and missing"))
        elif keyword == "additionalProperties" and expected is False and isinstance(found, dict):
            for name in _additional(error.schema, found):
                # what nobody documented may be a secret that nobody knows as one
                pointer, secret = at(name)
                shown = _shown(found[name], secret or isinstance(found[name], str))
                why = plain(f"{pointer} is not in the contract; found {shown}")
                yield Violation(pointer, keyword, "no such property", shown, why)
        else:
            pointer, secret = at()
            yield _violation(pointer, keyword, _expectation(keyword, expected, error), found, secret)


def _explain_pattern(_validator: Any, pattern: str, found: Any, _schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(found, str) and not matches(pattern, found):
        yield ValidationError("pattern")


def _explain_pattern_properties(validator: Any, schemas: Mapping[str, Any], found: Any, _schema: Any) -> Iterator[Any]:
    if isinstance(found, dict):
        for pattern, schema in schemas.items():
            for name, value in found.items():
                if matches(pattern, name):
                    yield from validator.descend(value, schema, path=name, schema_path=pattern)


def _explain_additional_properties(validator: Any, extra: Any, found: Any, schema: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(found, dict):
        names = _additional(schema, found)
        if extra is False and names:
            yield ValidationError("additionalProperties")
        elif isinstance(extra, dict):
            for name in names:
                yield from validator.descend(found[name], extra, path=name)


def _additional(schema: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return the names in ``found`` that neither the properties nor the patterns of ``schema`` take."""
    known, patterns = schema.get("properties", {}), schema.get("patternProperties", {})
    return [name for name in found if name not in known and not any(matches(each, name) for each in patterns)]


def _violation(pointer: str, keyword: str, expected: str, found: Any, secret: bool) -> Violation:
    shown = _shown(found, secret)
    message = plain(f"{pointer or 'the body'} must be {expected}; found {shown}")
    return Violation(pointer, keyword, expected, shown, message)


def _expectation(keyword: str, expected: Any, error: Any) -> str:
    if keyword == "type":
        kinds = [expected] if isinstance(expected, str) else expected
        return " or ".join(_TYPES.get(kind, str(kind)) for kind in kinds)
    if keyword in ("anyOf", "oneOf"):
        reasons = {_expectation(inner.validator, inner.validator_value, inner) for inner in error.context}
        return "one of: " + "; ".join(sorted(reasons)) if reasons else "exactly one of its alternatives"
    texts = {
        "maxLength": f"at most {counted(expected, 'character')} long",
        "minLength": f"at least {counted(expected, 'character')} long",
        "minimum": f"at least {expected}",
        "maximum": f"at most {expected}",
        "exclusiveMinimum": f"more than {expected}",
        "exclusiveMaximum": f"less than {expected}",
        "maxItems": f"at most {counted(expected, 'item')} long",
        "minItems": f"at least {counted(expected, 'item')} long",
        "enum": f"one of {json.dumps(expected)}",
        "const": json.dumps(expected),
        "pattern": f"text that matches {expected}",
        "format": f"text in the format {expected}",
        "uniqueItems": "without duplicates",
        "multipleOf": f"a multiple of {expected}",
    }
    return texts.get(str(keyword), f"what {keyword} {json.dumps(expected)[:_LONGEST]} allows")


def _shown(value: Any, secret: bool) -> str:
    """Say what was found, without a secret: containers by size, strings with their length."""
    if isinstance(value, dict):
        return f"an object with {counted(len(value), 'property')}"
    if isinstance(value, list):
        return f"an array of {counted(len(value), 'item')}"
    if isinstance(value, str):
        # a value of a secret property is not shown even where nobody registered it
        size = f"a string of {counted(len(value), 'character')}"
        return size if secret else f"{size}: {_short(json.dumps(SECRETS.mask(value)))}"
    return MASK if secret else _short(SECRETS.mask(json.dumps(value, default=repr)))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
