"""Messages: requests as the HTTP libraries of code under test send them, and what their headers say."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from pytest_adyen_creds.errors import EndpointRefused

if TYPE_CHECKING:
    import httpx

TARGET: Final = "target"
"""In a request's extensions: its path and query as a library of code under test wrote them."""

UNFRAMED: Final = "pytest_adyen_creds.unframed"
"""In a request's extensions: its library would send a body that none of its headers announces."""


def as_sent(
    method: str,
    url: str,
    fields: Iterable[tuple[str | bytes, Any]],
    body: bytes,
    *,
    target: bytes,
    is_framed: bool = True,
) -> httpx.Request:
    """Return what a library sends as a request of httpx: its ``fields`` as they are, repeated ones too.

    ``target`` is the path and query as the library writes them; a library that ``is_framed`` says by itself how long
    its ``body`` is where its fields do not. Raises :class:`EndpointRefused` where the URL is none.
    """
    import httpx

    headers = [(_bytes(name), _bytes(value)) for name, value in fields]
    names = {header_name(name) for name, _ in headers}
    extensions: dict[str, Any] = {TARGET: target}
    if not names & {"content-length", "transfer-encoding"}:
        if is_framed and (body or method.upper() in ("POST", "PUT", "PATCH")):
            headers.append((b"Content-Length", b"%d" % len(body)))
        elif body:
            extensions[UNFRAMED] = True
    try:
        made = httpx.Request(method, url, headers=headers, stream=httpx.ByteStream(body), extensions=extensions)
        if "host" not in names:
            made.headers["Host"] = made.url.netloc.decode("ascii")
    except (httpx.InvalidURL, UnicodeError) as error:
        raise EndpointRefused(f"a request's URL is none ({error}); nothing was sent: encode it") from None
    made.read()
    return made


def header_name(name: bytes) -> str:
    """Return a header's name in small letters; servers that hand headers on as variables take ``_`` for ``-``."""
    return name.decode("latin-1").strip().lower().replace("_", "-")


def basic_credentials(authorization: str) -> tuple[str, str] | None:
    """Return the username and password of a Basic ``Authorization`` header, or ``None`` for any other."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        decoded = base64.b64decode(encoded.strip(), validate=True)
    except ValueError:  # also where it is not ASCII
        return None
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")
    username, colon, password = text.partition(":")
    return (username, password) if colon else None


def _bytes(text: Any) -> bytes:
    return bytes(text) if isinstance(text, bytes | bytearray) else str(text).encode("utf-8", "surrogatepass")
