"""Named ways for an answer to break the contract, so that drift can be rehearsed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

Document = dict[str, Any]

# what the specification requires in one answer or another, most telling first
_REQUIRED: Final = ("apiKey", "clientKey", "itemsTotal", "errorCode", "domain")
_WRONG: Final[Mapping[str, Any]] = {
    "active": "true",
    "itemsTotal": "many",
    "status": "422",
    "apiKey": 1234567890,
    "clientKey": 1234567890,
    "domain": ["https://example.com"],
}


def _drop_required(document: Document, field: str | None) -> Document | None:
    return _edit(document, (field,) if field else _REQUIRED, lambda target, name: target.pop(name))


def _null(document: Document, field: str | None) -> Document | None:
    return _edit(document, (field,) if field else _REQUIRED, lambda target, name: target.update({name: None}))


def _wrong_type(document: Document, field: str | None) -> Document | None:
    names = (field,) if field else tuple(_WRONG)
    return _edit(document, names, lambda target, name: target.update({name: _WRONG.get(name, {"unexpected": True})}))


def _extra(document: Document, field: str | None) -> Document:
    return {**document, field or "undocumentedProperty": "something new"}


def _long_description(document: Document, _: str | None) -> Document | None:
    return _edit(document, ("username",), lambda target, _: target.update({"description": "x" * 51}))


def _wrong_items(document: Document, field: str | None) -> Document | None:
    names = (field,) if field else ("roles", "data", "invalidFields")
    return _edit(document, names, lambda target, name: target.update({name: [1]}))


def _overflow(document: Document, field: str | None) -> Document | None:
    names = (field,) if field else ("itemsTotal", "status")
    return _edit(document, names, lambda target, name: target.update({name: 2**31}))


def _renamed(document: Document, field: str | None) -> Document | None:
    names = (field,) if field else _REQUIRED
    return _edit(document, names, lambda target, name: target.update({name.upper(): target.pop(name)}))


def _array(document: Document, _: str | None) -> list[Document]:
    return [document]


def _edit(document: Document, names: tuple[str, ...], change: Callable[[Document, str], Any]) -> Document | None:
    # the answer itself first, then the first item of a list: that is where lists keep what they require
    copy = {**document, "data": [dict(item) for item in document["data"]]} if "data" in document else dict(document)
    for target in (copy, *copy.get("data", [])[:1]):
        for name in names:
            if name in target:
                change(target, name)
                return copy
    return None


VIOLATIONS: Final[Mapping[str, tuple[str, Callable[[Document, str | None], Any]]]] = {
    "drop-required-field": ("leaves out a required property", _drop_required),
    "extra-field": ("adds a property that the contract does not have", _extra),
    "wrong-type": ("gives a property a value of another type", _wrong_type),
    "null-field": ("gives a required property the value null", _null),
    "renamed-field": ("writes a required property's name in capitals", _renamed),
    "long-description": ("gives a credential a description of 51 characters", _long_description),
    "wrong-items": ("gives an array an item of another type", _wrong_items),
    "int32-overflow": ("gives a 32-bit integer a larger value", _overflow),
    "array-body": ("puts the answer inside an array", _array),
}
"""The ways by name: what each does in words, and the function that does it to a document.

Each function takes the document and, where it makes sense, the property to break; it returns the broken document, or
``None`` where the document has nothing to break in this way.
"""
