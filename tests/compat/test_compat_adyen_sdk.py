"""The undocumented parts of Adyen's SDK, each as compat/adyen_sdk.py has it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from pytest_adyen_creds.compat import adyen_sdk as compat

Adyen = pytest.importorskip("Adyen")

DISTRIBUTION = "Adyen"


class Recorder:
    """An HTTP client that sends nothing."""

    user_agent = "an agent of ours"

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, dict[str, Any]]] = []

    def request(self, method: str, url: str, **sent: Any) -> tuple[str, Any, int, dict[str, str]]:
        self.requests.append((method, url, sent))
        return json.dumps({"id": "S2-1"}), None, 200, {}


def test_user_agent() -> None:
    """`USER_AGENT_SUFFIX` and `LIB_VERSION` of the client are what it calls itself."""
    suffix, _, release = compat.user_agent_of(Adyen.Adyen()).partition("/")
    assert suffix
    assert release[0].isdigit()


def test_http_client() -> None:
    """Requests go by `client.http_client.request(method, url, json=..., xapikey=..., headers=...)`."""
    sdk, recorder = Adyen.Adyen(), Recorder()
    sdk.client.xapikey, sdk.client.platform = "a-key", "test"
    compat.use_http_client(sdk, recorder)
    answer = sdk.management.my_api_credential_api.get_api_credential_details()
    assert answer.message == {"id": "S2-1"}
    [(method, url, sent)] = recorder.requests
    assert (method, url.partition("?")[0].rsplit("/", 1)[1]) == ("GET", "me")
    assert sent["xapikey"] == "a-key"
    assert sent["headers"]["User-Agent"] == "an agent of ours"
    assert {"json", "xapikey", "headers"} >= set(sent) - {"idempotency_key"}
