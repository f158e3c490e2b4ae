"""Where specifications come from: files, standard input, and Adyen's published documents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urljoin, urlsplit

from pytest_adyen_creds.errors import AdyenCredsError, FileRefused
from pytest_adyen_creds.files import LARGEST
from pytest_adyen_creds.formats import parse_document, read_document
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    import httpx

PATIENCE: Final = 30.0
"""How long a document may take to arrive, in seconds."""

_HOPS: Final = 3


def read_specification(
    source: str, *, transport: httpx.AsyncBaseTransport | None = None, patience: float = PATIENCE
) -> dict[str, Any]:
    """Return the OpenAPI 3.0 or 3.1 document, JSON or YAML, at ``source``: a path, ``-``, or an https URL.

    ``transport`` is what fetches a URL (default: the network); ``patience`` is in seconds. Raises :class:`FileRefused`
    for what cannot be read, is over 20 MiB or too deep, takes too long, redirects to another host, or is no such
    document.
    """
    if "://" in source:
        document = parse_document(_fetched(source, transport, patience), _shown(source))
    else:
        document = read_document(source)
    return checked(document, _shown(source))


def checked(document: Any, name: str) -> dict[str, Any]:
    """Return ``document`` if it is an OpenAPI 3.0 or 3.1 document; raises :class:`FileRefused` if not."""
    if not isinstance(document, dict) or not ("openapi" in document or "swagger" in document):
        raise FileRefused(f"{name}: is not an OpenAPI document (no 'openapi' at its top); name one")
    version = str(document.get("openapi", document.get("swagger")))
    if not version.startswith(("3.0", "3.1")):
        raise FileRefused(f"{name}: is OpenAPI {version[:20]!r}; only 3.0 and 3.1 are read, convert it first")
    if not isinstance(document.get("paths", {}), dict):
        raise FileRefused(f"{name}: its paths are not an object; this is no OpenAPI document")
    return document


def _fetched(url: str, transport: httpx.AsyncBaseTransport | None, patience: float) -> str:
    """Return the text at ``url``, which is there as a whole within ``patience`` seconds, however a server drips."""
    import asyncio  # as httpx below: too heavy for a comparison of files

    _check(url)
    try:
        body = asyncio.run(asyncio.wait_for(_body(url, transport), patience))
    except AdyenCredsError:
        raise
    except TimeoutError:
        raise FileRefused(
            f"{_shown(url)}: did not arrive within {patience:g} s; try again, or download it and name the file"
        ) from None
    except Exception as error:  # noqa: BLE001 - the network has many
        reason = f"{error.__class__.__name__}: {error}".partition("\n")[0]
        raise FileRefused(f"{_shown(url)}: cannot be fetched ({reason}); check the URL and the network") from None
    if not body.strip():
        raise FileRefused(f"{_shown(url)}: is empty; check the URL")
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileRefused(f"{_shown(url)}: is not UTF-8 (byte {error.start}); check the URL") from None


async def _body(url: str, transport: httpx.AsyncBaseTransport | None) -> bytes:
    import httpx

    async with httpx.AsyncClient(transport=transport, timeout=10.0, follow_redirects=False) as client:
        for _ in range(_HOPS + 1):
            async with client.stream("GET", url) as response:
                if response.status_code == 200:
                    return await _bounded(url, response)
                if not response.is_redirect:
                    raise FileRefused(f"{_shown(url)}: answered {response.status_code}; check the URL")
                url = _next(url, response.headers.get("location", ""))
    raise FileRefused(f"{_shown(url)}: redirects more than {_HOPS} times; name the document's own URL")


async def _bounded(url: str, response: httpx.Response) -> bytes:
    data = bytearray()
    async for chunk in response.aiter_bytes():
        data += chunk
        if len(data) > LARGEST:
            raise FileRefused(
                f"{_shown(url)}: larger than {LARGEST // 1024 // 1024} MiB; this command reads smaller ones"
            )
    return bytes(data)


def _next(url: str, location: str) -> str:
    target = urljoin(url, location)
    _check(target)
    if urlsplit(target).netloc != urlsplit(url).netloc:
        raise FileRefused(f"{_shown(url)}: redirects to another host ({_shown(target)}); name that URL if you trust it")
    return target


def _check(url: str) -> None:
    try:
        parts = urlsplit(url)
        port_is_sound = parts.port is None or parts.port > 0
    except ValueError:
        raise FileRefused(f"{_shown(url)}: is not a URL; name a file or an https URL") from None
    if parts.scheme != "https":
        raise FileRefused(f"{_shown(url)}: only https URLs are read; name one, or a file")
    if not parts.hostname or not port_is_sound or not url.isascii() or not url.isprintable() or " " in url:
        raise FileRefused(f"{_shown(url)}: is not a URL; name a file or an https URL")
    if "@" in parts.netloc:
        raise FileRefused(f"{_shown(url)}: carries user info; name a URL without it")


def _shown(source: str) -> str:
    if "://" in source and "@" in source:
        scheme, _, rest = source.partition("://")
        source = f"{scheme}://…@{rest.rpartition('@')[2]}"
    return SECRETS.mask(source if source != "-" else "standard input")
