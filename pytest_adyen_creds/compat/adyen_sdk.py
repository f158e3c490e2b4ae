"""Adyen's Python SDK: its undocumented parts that this package uses. It need not be installed."""

from __future__ import annotations

from typing import Any


def user_agent_of(sdk: Any) -> str:
    """Return the user agent that ``sdk``, an ``Adyen.Adyen()``, sends."""
    return f"{sdk.client.USER_AGENT_SUFFIX}{sdk.client.LIB_VERSION}"


def use_http_client(sdk: Any, http_client: Any) -> None:
    """Have ``sdk`` send its requests by ``http_client``: its ``request`` is called, and its ``user_agent`` is read."""
    sdk.client.http_client = http_client
    sdk.client.http_init = True  # else the first request would put the SDK's own in its place
