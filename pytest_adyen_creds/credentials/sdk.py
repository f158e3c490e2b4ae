"""Adyen's own Python SDK, signed in as a throwaway, with its requests behind the guards like any other."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx

from pytest_adyen_creds.endpoints import MANAGEMENT_HOST

_MANAGEMENT: Final = re.compile(rf"https://{re.escape(MANAGEMENT_HOST)}/v[0-9]+(?=[/?]|$)")


class _Requests:
    """Stands in for the SDK's HTTP client, whose one method is ``request``."""

    def __init__(self, http: httpx.Client, user_agent: str) -> None:
        self._http = http
        self.user_agent = user_agent

    def request(
        self,
        method: str,
        url: str,
        json: Any = None,
        data: Any = None,
        username: str = "",
        password: str = "",
        xapikey: str = "",
        headers: Mapping[str, str] | None = None,
        **_: Any,
    ) -> tuple[str, Any, int, dict[str, str]]:
        sent = {"X-API-Key": xapikey} if xapikey else {}
        # the version in the SDK's own URLs is whatever the SDK was built for; the run's is the one that is tested
        response = self._http.request(
            method,
            _MANAGEMENT.sub(str(self._http.base_url).rstrip("/"), url),
            json=json if method in ("POST", "PATCH") else None,
            headers={**(headers or {}), **sent},
            auth=(username, password) if username and not xapikey else None,
        )
        return response.text, json, response.status_code, dict(response.headers)


def sign_in(sdk: Any, http: httpx.Client, api_key: str) -> None:
    """Let ``sdk``, an ``Adyen.Adyen()``, call the test platform with ``api_key`` through ``http``."""
    client = sdk.client
    client.xapikey = api_key
    client.platform = "test"
    client.http_client = _Requests(http, f"{client.USER_AGENT_SUFFIX}{client.LIB_VERSION}")
    client.http_init = True
