"""A cassette's file: vcrpy's YAML with a ``provenance`` beside the interactions; read strictly, written whole.

What browsers and proxies write of a session, HAR files (HTTP Archive 1.2), is read as a cassette, too.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final, NoReturn

import yaml

from pytest_adyen_creds.cassettes.model import Cassette, Headers, Interaction, Provenance
from pytest_adyen_creds.errors import CassetteError, FileRefused
from pytest_adyen_creds.files import read_text, write_text
from pytest_adyen_creds.formats import parse_document, read_json

VERSION: Final = 1
"""The version of vcrpy's cassette format, which plain vcrpy reads as well."""

END: Final = "..."
"""The last line of a cassette that was written here: a file without it was cut off."""

LARGEST: Final = 64 * 1024 * 1024
"""The largest cassette or HAR file that is read, in bytes."""

AGAIN: Final = "record it again with --adyen-record=all"
"""What to do about a cassette that is of no use as it is."""

_BACKENDS: Final = {
    "sandbox": (
        "# Recorded from the embedded sandbox: its answers are not Adyen's answers.\n"
        "# Every secret and id below is a pseudonym, and so is every name but the sandbox's own accounts.\n"
    ),
    "live": (
        "# Recorded from Adyen's test endpoint.\n# Every secret, account name, user name and id below is a pseudonym.\n"
    ),
}
_METHOD: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,40}")
# what YAML prints as it is, less the characters that some readers take for a line break
_UNPRINTABLE: Final = re.compile("[^\n -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_SURROGATE: Final = re.compile("[\ud800-\udfff]")
_SIMPLE_KEY: Final = re.compile("[ -~]{1,99}")
"""A key that stands on one line, whoever writes it."""
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_./@%+=~;,()?&-]*(?:[ :][A-Za-z0-9_./@%+=~;,()?&-]+)*")
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})


def dumps(cassette: Cassette) -> str:
    """Return the text of ``cassette``: the same for the same cassette, and read back to exactly the same bodies.

    Raises ValueError for what no cassette can hold: in the context, a value that is not JSON.
    """
    lead = _BACKENDS[cassette.provenance.backend] if cassette.provenance else ""
    document = _document(cassette)
    # each alone, so that what is beyond libyaml has only itself written by Python
    listed = "".join(_yaml([each]) for each in document.pop("interactions"))
    text = _yaml(document) + (f"interactions:\n{listed}" if listed else "interactions: []\n")
    return f"{lead}{text}{END}\n"


def _yaml(value: Any) -> str:
    try:
        return _dumped(value, _FastDumper)
    except _Beyond:
        return _dumped(value, _Dumper)


def _dumped(value: Any, dumper: type[Any]) -> str:
    text: str = yaml.dump(value, Dumper=dumper, sort_keys=False, allow_unicode=True, width=1 << 30)
    return text


def dumps_json(cassette: Cassette) -> str:
    """Return the text of ``cassette``, another tool's, as vcrpy's serializer for JSON writes it.

    Raises ValueError for what JSON cannot hold, as :func:`dumps` does: a request's body that is no text.
    """
    document = _document(cassette)
    for number, each in enumerate(document["interactions"], 1):
        if isinstance(each["request"]["body"], bytes):
            raise ValueError(f"JSON cannot hold the request's body of interaction {number}, which is no text")
        body = each["response"]["body"]
        if isinstance(body["string"], bytes):  # which vcrpy does not write; what does calls it so
            body["base64_string"] = base64.b64encode(body.pop("string")).decode()
    return json.dumps(document, indent=4) + "\n"


def _document(cassette: Cassette) -> dict[str, Any]:
    document: dict[str, Any] = {"version": VERSION}
    if cassette.provenance is not None:
        provenance = asdict(cassette.provenance)
        versions = provenance.pop("versions")
        document["provenance"] = provenance | ({"versions": dict(sorted(versions.items()))} if versions else {})
    if cassette.context:
        document["context"] = dict(cassette.context)
    if cassette.metadata:
        document["metadata"] = dict(cassette.metadata)
    return document | {"interactions": [_interaction_out(interaction) for interaction in cassette.interactions]}


def is_json(text: str) -> bool:
    """Tell whether ``text``, a cassette's, is JSON, whatever its file is called."""
    return text.lstrip("\ufeff \t\r\n").startswith("{")


def loads(text: str, name: str) -> Cassette:
    """Return the cassette that ``text`` holds; ``name`` is what an error calls it.

    Raises :class:`CassetteError` for a document that is no cassette of :data:`VERSION`, was cut off, or is no plain
    YAML at all (tags, aliases, deeper than 200 levels).
    """
    try:
        return _cassette_in(parse_document(text, name), complete=text.rstrip().endswith(f"\n{END}"))
    except FileRefused as error:
        raise CassetteError(f"{str(error).rpartition('; ')[0]}; {AGAIN}") from None
    except _Unreadable as error:
        raise CassetteError(f"{name}: {error}; {AGAIN}") from None


def read(path: Path | str) -> Cassette:
    """Return the cassette in the file at ``path``; raises like :func:`loads`, and for a file that cannot be read."""
    return loads(read_text(path, largest=LARGEST, empty=AGAIN), str(path))


def write(path: Path, cassette: Cassette, *, as_json: bool = False) -> None:
    """Write ``cassette``, scrubbed already, to ``path``: there is the old file or the new one, never half of one.

    ``as_json``: as vcrpy's serializer for JSON does, not as YAML.
    """
    try:
        write_text(path, dumps_json(cassette) if as_json else dumps(cassette))
    except ValueError as error:
        what = "record it with vcrpy's serializer for YAML" if as_json else "write it as a text in quotes"
        raise CassetteError(f"{path}: cannot be written: {error}; {what}") from None
    except FileRefused as error:
        raise CassetteError(str(error)) from None


def pretty(value: Any) -> bytes:
    """Return ``value`` as the JSON that cassettes hold: a line per member, what YAML can print as it is."""
    text = json.dumps(value, indent=2, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()


class _Beyond(Exception):
    """What libyaml writes otherwise: characters of four bytes, and keys that are empty, long or not ASCII."""


class _Dumper(yaml.SafeDumper):
    """Writes the JSON values, and bytes, the same way each time."""

    by_libyaml: Final = False

    def ignore_aliases(self, data: Any) -> bool:
        return True


class _FastDumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes what :class:`_Dumper` does, in a sixth of the time where PyYAML has libyaml; or raises _Beyond."""

    by_libyaml: Final = True

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def represent_mapping(self, tag: str, mapping: Any, flow_style: bool | None = None) -> Any:
        if not all(_SIMPLE_KEY.fullmatch(str(key)) for key in mapping):
            raise _Beyond
        return super().represent_mapping(tag, mapping, flow_style)


def _text_out(dumper: Any, text: str) -> yaml.ScalarNode:
    if _SURROGATE.search(text):
        raise ValueError("a cassette cannot hold half a surrogate pair")
    if dumper.by_libyaml and text and max(text) > "\uffff":
        raise _Beyond
    is_plain = _PLAIN.fullmatch(text) and text.lower() not in _WORDS
    style = "|" if _fits_a_block(text) else "" if is_plain else '"'
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)
    return node


def _bytes_out(dumper: Any, data: bytes) -> yaml.ScalarNode:
    encoded = base64.encodebytes(data).decode()
    node: yaml.ScalarNode = dumper.represent_scalar("tag:yaml.org,2002:binary", encoded.removesuffix("\n"), style="|")
    return node


def _refuse(dumper: Any, value: Any) -> NoReturn:
    raise ValueError(f"a cassette cannot hold {type(value).__name__} {value!r}")


_Dumper.yaml_representers = {
    kind: yaml.SafeDumper.yaml_representers[kind] for kind in (type(None), bool, int, float, list, dict)
}
_Dumper.add_representer(str, _text_out)
_Dumper.add_representer(bytes, _bytes_out)
_Dumper.add_representer(None, _refuse)  # type: ignore[arg-type]  # for all else
_FastDumper.yaml_representers = _Dumper.yaml_representers


def _fits_a_block(text: str) -> bool:
    """Tell whether ``text`` has several lines that YAML can hold as they are."""
    if "\n" not in text[:-1] or text[0] in " \n" or text.endswith(("\n\n", " ")) or " \n" in text:
        return False
    return not _UNPRINTABLE.search(text)


def _interaction_out(interaction: Interaction) -> dict[str, Any]:
    result: dict[str, Any] = {
        "request": {
            "method": interaction.method,
            "uri": interaction.uri,
            "headers": _headers_out(interaction.request_headers),
            "body": _body_out(interaction.request_body) if interaction.request_body else None,
        },
        "response": {
            "status": {"code": interaction.status, "message": interaction.reason},
            "headers": _headers_out(interaction.response_headers),
            "body": {"string": _body_out(interaction.response_body)},
        },
    }
    if interaction.meta:
        result["meta"] = dict(sorted(interaction.meta.items()))
    return result


def _headers_out(headers: Headers) -> dict[str, list[str]]:
    result: dict[str, list[str]] = {}
    for name, value in headers:
        result.setdefault(name, []).append(value)
    return result


def _body_out(body: bytes) -> str | bytes:
    try:
        return body.decode()
    except UnicodeDecodeError:
        return body


class _Unreadable(Exception):
    """What is wrong with a document that is no cassette."""


def _cassette_in(document: Any, *, complete: bool) -> Cassette:
    if not isinstance(document, dict) or "interactions" not in document:
        raise _Unreadable("is not a cassette: it has no interactions")
    if document.get("version") != VERSION:
        raise _Unreadable(f"is a cassette of version {document.get('version')!r}, and this release reads {VERSION}")
    provenance = document.get("provenance")
    if provenance is not None and not complete:
        raise _Unreadable(f"ends without its last line ({END}): it was cut off")
    if not isinstance(document["interactions"], list):
        raise _Unreadable("holds interactions that are not a list")
    context = document.get("context", {})
    if not isinstance(context, dict):
        raise _Unreadable("holds a context that is not a mapping")
    metadata = document.get("metadata") or {}
    if not isinstance(metadata, dict) or not _has_texts_for_names(metadata):
        raise _Unreadable("holds metadata that is not a mapping with texts for names")
    return Cassette(
        interactions=tuple(_interaction_in(item, number) for number, item in enumerate(document["interactions"], 1)),
        provenance=None if provenance is None else _provenance_in(provenance),
        context=context,
        metadata=metadata,
    )


def _has_texts_for_names(value: Any) -> bool:
    if isinstance(value, dict):
        return all(isinstance(name, str) and _has_texts_for_names(item) for name, item in value.items())
    return not isinstance(value, list) or all(map(_has_texts_for_names, value))


def _provenance_in(value: Any) -> Provenance:
    if not isinstance(value, dict) or str(value.get("backend")) not in _BACKENDS:
        raise _Unreadable("has a provenance that names no backend (sandbox or live)")
    keys = ("recorded_at", "contract", "contract_digest", "generator")
    for key in keys:
        if not isinstance(value.get(key), str):
            raise _Unreadable(f"has a provenance without {key}")
    versions = value.get("versions", {})
    if not _is_text_mapping(versions):
        raise _Unreadable("has a provenance whose versions are not texts")
    return Provenance(backend=value["backend"], versions=versions, **{key: value[key] for key in keys})


def _interaction_in(item: Any, number: int) -> Interaction:
    try:
        request, response = item["request"], item["response"]
        method, uri = request["method"], request["uri"]
        # older releases of vcrpy wrote an answer of httpx as status_code and content
        status = {"code": response["status_code"]} if "status_code" in response else response["status"]
        if not (isinstance(method, str) and _METHOD.fullmatch(method) and isinstance(uri, str)):
            raise TypeError
        code, reason = status["code"], status.get("message") or ""
        if type(code) is not int or not 100 <= code <= 599 or not isinstance(reason, str):
            raise TypeError
        body = response["content"] if "content" in response else response["body"]
        meta = item.get("meta", {})
        if not _is_text_mapping(meta):
            raise TypeError
        return Interaction(
            method=method.upper(),
            uri=uri,
            request_headers=_headers_in(request.get("headers")),
            request_body=_body_in(request.get("body")),
            status=code,
            reason=reason,
            response_headers=_headers_in(response.get("headers")),
            response_body=_body_in(_string_of(body) if isinstance(body, Mapping) else body),
            meta=meta,
        )
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        what = f" (no {error})" if isinstance(error, KeyError) else ""
        raise _Unreadable(f"has no whole request and response in interaction {number}{what}") from None


def _is_text_mapping(value: Any) -> bool:
    return isinstance(value, Mapping) and all(isinstance(k, str) and isinstance(v, str) for k, v in value.items())


def _headers_in(headers: Any) -> Headers:
    pairs: list[tuple[str, str]] = []
    for name, values in (headers or {}).items():
        for value in [values] if isinstance(values, str | bytes) else values:
            if not isinstance(name, str) or not isinstance(value, str | bytes):
                raise TypeError
            pairs.append((name, value if isinstance(value, str) else value.decode("latin-1")))
    return tuple(pairs)


def _string_of(body: Mapping[str, Any]) -> Any:
    if "base64_string" in body:
        return base64.b64decode(body["base64_string"])
    return body.get("string")


def _body_in(body: Any) -> bytes:
    match body:
        case None:
            return b""
        case str():
            return body.encode()
        case bytes():
            return body
        case dict() | list():  # what aiohttp was given as json is recorded as that value
            return json.dumps(body).encode()
    raise TypeError


def read_har(path: Path) -> Cassette:
    """Return the exchanges of the HAR file at ``path``, without a provenance; entries without an answer are left out.

    Raises :class:`FileRefused` for a file that is none.
    """
    document = read_json(path, largest=LARGEST)
    log = document.get("log") if isinstance(document, dict) else None
    entries = log.get("entries") if isinstance(log, dict) else None
    if not isinstance(entries, list):
        raise FileRefused(f"{path}: is not a HAR file: it has no log with entries; export it again")
    found = []
    for number, entry in enumerate(entries, 1):
        try:
            if entry["response"]["status"]:
                found.append(_har_interaction(entry["request"], entry["response"]))
        except (KeyError, TypeError, AttributeError, ValueError):
            raise FileRefused(f"{path}: entry {number} has no whole request and response; export it again") from None
    return Cassette(tuple(found))


def _har_interaction(request: dict[str, Any], response: dict[str, Any]) -> Interaction:
    if type(response["status"]) is not int or not isinstance(request["url"], str):
        raise TypeError
    return Interaction(
        method=request["method"].upper(),
        uri=request["url"],
        request_headers=_har_headers(request),
        request_body=str((request.get("postData") or {}).get("text") or "").encode("utf-8", "surrogatepass"),
        status=response["status"],
        reason=str(response.get("statusText") or ""),
        # the text of a body is what it was before any compression
        response_headers=tuple(each for each in _har_headers(response) if each[0].lower() != "content-encoding"),
        response_body=_har_content(response.get("content") or {}),
    )


def _har_headers(message: dict[str, Any]) -> Headers:
    return tuple((each["name"], str(each["value"])) for each in message.get("headers", ()))


def _har_content(content: dict[str, Any]) -> bytes:
    text = str(content.get("text") or "")
    if content.get("encoding") == "base64":
        return base64.b64decode(text, validate=True)
    return text.encode("utf-8", "surrogatepass")
