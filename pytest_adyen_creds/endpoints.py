"""The endpoint guard: decides on the parsed URL whether a request could leave Adyen's test hosts and loopback."""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from socket import inet_aton
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from pytest_adyen_creds.errors import EndpointRefused
from pytest_adyen_creds.secrets import SECRETS

if TYPE_CHECKING:
    import httpx

TEST_HOSTS: Final = frozenset(
    f"{name}-test.adyen.com" for name in ("management", "balanceplatform-api", "kyc", "checkout", "pal", "ca")
)
"""Adyen's test hosts: with loopback, the only ones that are ever called."""

MANAGEMENT_HOST: Final = "management-test.adyen.com"
"""The test host of the Management API, and the canonical host of cassettes."""

_LONGEST_URL: Final = 16_384
_URL: Final = re.compile(r"(https?)://(\[::1\]|[a-z0-9.-]+)(?::([1-9][0-9]{0,4}))?(?:[/?][!-~]*)?")
_LOOPBACK: Final = re.compile(r"localhost|\[::1\]|127(?:\.(?:0|[1-9][0-9]?|1[0-9]{2}|2[0-4][0-9]|25[0-5])){3}")
_ADVICE: Final = f"use https://{MANAGEMENT_HOST}/v3, another test host of Adyen, or a loopback server"


def check_endpoint(url: str) -> None:
    """Raise :class:`EndpointRefused` unless a request to ``url`` can only reach a test host of Adyen or loopback.

    Only the canonical spelling passes: scheme https (http only on loopback), no user info, host exactly one of
    :data:`TEST_HOSTS` without a port, or ``localhost``, ``127.x.x.x``, ``[::1]`` with any. What urllib and httpx read
    differently is refused. Redirects are the client's to switch off, and each hop is checked again.
    """
    problem = _problem(url)
    if problem:
        raise EndpointRefused(f"{_shown(url)} is refused, {problem}; nothing was sent: {_ADVICE}")


def check_parsed(url: httpx.URL) -> None:
    """Raise :class:`EndpointRefused` like :func:`check_endpoint`, for a URL that httpx has parsed to connect to."""
    text = str(url)
    match = _URL.fullmatch(text) if len(text) <= _LONGEST_URL and "\\" not in text else None
    try:
        parsed = url.scheme, url.host, url.port and str(url.port)
    except UnicodeError:  # a host that is no name in any script
        parsed = None
    if match is None or (match[1], match[2].strip("[]"), match[3]) != parsed:
        check_endpoint(text)
        raise EndpointRefused(f"{_shown(text)} is refused, parsers read it differently; nothing was sent: {_ADVICE}")
    if _origin_problem(match[1], match[2], match[3] or ""):
        check_endpoint(text)


def is_loopback(url: str) -> bool:
    """Return whether ``url``, which :func:`check_endpoint` lets pass, stays on this machine."""
    match = _URL.fullmatch(url)
    return bool(match and _LOOPBACK.fullmatch(match[2]))


def is_this_machine(host: str) -> bool:
    """Return whether ``host``, without brackets, is this machine's loopback, however it is spelled."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ip_address(inet_aton(host) if ":" not in host else host)  # 127.1 is one, too
    except (OSError, ValueError):
        return False
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_loopback or mapped.is_unspecified


def _problem(url: str) -> str | None:
    if not url:
        return "it is empty"
    if len(url) > _LONGEST_URL:
        return f"it is longer than {_LONGEST_URL} characters"
    if not re.fullmatch(r"[!-~]+", url):
        return "it holds a space, a control character or one beyond ASCII"
    if "\\" in url or "#" in url:
        return "it holds a backslash or a fragment"
    match = _URL.fullmatch(url)
    if not match:
        return _why_not_canonical(url)
    return _origin_problem(match[1], match[2], match[3] or "") or _disagreement(url, match)


@lru_cache(maxsize=256)
def _origin_problem(scheme: str, host: str, port: str) -> str | None:
    if _LOOPBACK.fullmatch(host):
        return "its port is over 65535" if port and int(port) > 65_535 else None
    if host not in TEST_HOSTS:
        return "its host is neither a known test host nor loopback"
    if scheme != "https":
        return "its scheme is not https"
    return "a test host is called without a port" if port else None


def _why_not_canonical(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    if not separator and "@" not in url and not url.lower().startswith("http"):
        meant = "http" if _LOOPBACK.match(url) else "https"
        return f"it has no scheme, write {_shown(f'{meant}://{url}')}"
    if not separator or scheme not in ("https", "http"):
        return "its scheme is not https in lower case"
    authority = re.split(r"[/?]", rest, maxsplit=1)[0]
    if "@" in authority:
        return "it carries user info"
    if not authority or authority.startswith(":"):
        return "it names no host"
    return "its host or port is not in canonical form"


def _disagreement(url: str, match: re.Match[str]) -> str | None:
    import httpx  # the parser that decides where the bytes go; too heavy for an idle run

    ours = match[1], match[2].strip("[]"), int(match[3] or {"https": 443, "http": 80}[match[1]])
    try:
        one, two = urlsplit(url), httpx.URL(url)
        theirs = [
            (parsed.scheme, host, parsed.port or {"https": 443, "http": 80}[parsed.scheme])
            for parsed, host in ((one, one.hostname), (two, two.host))
        ]
        clean = not (one.username or one.password or two.userinfo)
    except (ValueError, KeyError, httpx.InvalidURL):
        return "it does not parse"
    return None if clean and theirs == [ours, ours] else "parsers read it differently"


def _shown(url: str) -> str:
    without_user = re.sub(r"(?<=//)[^/?#]*@", "[masked]@", url)
    shown = SECRETS.mask(ascii(without_user))
    return shown if len(shown) <= 120 else f"{shown[:117]}..."
