"""HAR files (HTTP Archive 1.2), as browsers and proxies write them, read as interactions."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import Any, Final

from pytest_adyen_creds.cassettes.model import Cassette, Headers, Interaction
from pytest_adyen_creds.errors import FileRefused
from pytest_adyen_creds.files import read_json

LARGEST: Final = 64 * 1024 * 1024
"""The largest HAR file that is read, in bytes."""


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
                found.append(_interaction(entry["request"], entry["response"]))
        except (KeyError, TypeError, AttributeError, ValueError):
            raise FileRefused(f"{path}: entry {number} has no whole request and response; export it again") from None
    return Cassette(tuple(found))


def _interaction(request: dict[str, Any], response: dict[str, Any]) -> Interaction:
    if type(response["status"]) is not int or not isinstance(request["url"], str):
        raise TypeError
    return Interaction(
        method=request["method"].upper(),
        uri=request["url"],
        request_headers=_headers(request),
        request_body=str((request.get("postData") or {}).get("text") or "").encode("utf-8", "surrogatepass"),
        status=response["status"],
        reason=str(response.get("statusText") or ""),
        # the text of a body is what it was before any compression
        response_headers=tuple(each for each in _headers(response) if each[0].lower() != "content-encoding"),
        response_body=_content(response.get("content") or {}),
    )


def _headers(message: dict[str, Any]) -> Headers:
    return tuple((each["name"], str(each["value"])) for each in message.get("headers", ()))


def _content(content: dict[str, Any]) -> bytes:
    text = str(content.get("text") or "")
    if content.get("encoding") != "base64":
        return text.encode("utf-8", "surrogatepass")
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError(text) from None
