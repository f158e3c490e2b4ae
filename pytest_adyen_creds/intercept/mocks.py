"""Mocks of other tools, which stand beside the interceptor: what a test has set them to answer, they answer.

pytest-httpx, responses and requests-mock put their own methods in the place of the libraries', so that they have a
request before the interceptor where they are started within the test. respx stands below it.
"""

from __future__ import annotations

import sys
from typing import Any, Final

import httpx

_MODULES: Final = ("pytest_httpx", "responses", "requests_mock")


def is_mock(method: Any) -> bool:
    """Return whether what stands in the place of a library's method is a mock's, started before the interceptor."""
    return str(getattr(method, "__module__", "")).partition(".")[0] in _MODULES


def has_respx() -> bool:
    """Return whether respx has been imported."""
    return "respx.mocks" in sys.modules


def is_left_to_respx(request: httpx.Request, *, is_known: bool) -> bool:
    """Return whether ``request`` is respx's: a test has set a route for it, or set any and nobody else knows it."""
    mocks = sys.modules["respx.mocks"]
    routers = [router for mocker in mocks.Mocker.registry.values() for router in mocker.routers]
    if not routers or not is_known:
        return bool(routers)
    routes = [route for router in routers for route in router.routes]
    return any(route.pattern is not None and route.pattern.match(request) for route in routes)
