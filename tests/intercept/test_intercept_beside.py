"""Beside other tools: what they are set to answer, they answer; what nobody knows is refused, and not made up."""

from __future__ import annotations

from pathlib import Path

import pytest
from plugins import GENERATORS, without

pytestmark = pytest.mark.slow("processes of their own: other plugins change what is imported")

ME = "https://management-test.adyen.com/v3/me"
WEBHOOKS = "https://management-test.adyen.com/v3/companies/TestCompany/webhooks"

COMMON = f"""
import httpx, pytest, requests
from pytest_adyen_creds.errors import EndpointRefused

ME, WEBHOOKS = {ME!r}, {WEBHOOKS!r}

def ours(key):
    return httpx.get(ME, headers={{"X-API-Key": key.reveal()}}).json()["id"]

def ours_by_requests(key):
    return requests.get(ME, headers={{"X-API-Key": key.reveal()}}, timeout=5).json()["id"]
"""

TOOLS = {
    "respx": """
import respx

def test_theirs(adyen_credential):
    with respx.mock(assert_all_called=False) as mock:
        mock.get(WEBHOOKS).respond(202)
        assert httpx.get(WEBHOOKS).status_code == 202
        assert ours(adyen_credential.api_key) == adyen_credential.id
        mock.get(ME).respond(203)
        assert httpx.get(ME).status_code == 203
        with pytest.raises(respx.models.AllMockedAssertionError):
            httpx.get(WEBHOOKS + "/1")
    with pytest.raises(EndpointRefused, match="no operation that the embedded sandbox knows"):
        httpx.get(WEBHOOKS)

async def test_theirs_too(adyen_credential):
    with respx.mock(assert_all_called=False) as mock:
        mock.get(WEBHOOKS).respond(202)
        async with httpx.AsyncClient() as client:
            assert (await client.get(WEBHOOKS)).status_code == 202
""",
    "pytest-httpx": """
@pytest.mark.httpx_mock(should_mock=lambda request: "webhooks" in request.url.path)
def test_theirs(adyen_credential, httpx_mock):
    httpx_mock.add_response(url=WEBHOOKS, status_code=202)
    assert httpx.get(WEBHOOKS).status_code == 202
    assert ours(adyen_credential.api_key) == adyen_credential.id

def test_all_theirs(httpx_mock, adyen_client, adyen_credential):
    httpx_mock.add_response(url=ME, status_code=203)
    assert httpx.get(ME).status_code == 203
    assert adyen_client.get("/me").json()["id"] == adyen_credential.id
""",
    "responses": """
import responses

@pytest.fixture(scope="module")
def before_any():
    with responses.RequestsMock(assert_all_requests_are_fired=False) as mock:
        mock.get(WEBHOOKS, status=202)
        yield mock

@responses.activate
def test_theirs(adyen_credential):
    responses.get(WEBHOOKS, status=202)
    responses.add_passthru(ME)
    assert requests.get(WEBHOOKS, timeout=5).status_code == 202
    assert ours_by_requests(adyen_credential.api_key) == adyen_credential.id
    assert ours(adyen_credential.api_key) == adyen_credential.id

def test_started_before(before_any, adyen_credential):
    assert requests.get(WEBHOOKS, timeout=5).status_code == 202
    assert ours(adyen_credential.api_key) == adyen_credential.id
""",
    "requests-mock": """
def test_theirs(adyen_credential, requests_mock):
    requests_mock.get(WEBHOOKS, status_code=202)
    requests_mock.get(ME, real_http=True)
    assert requests.get(WEBHOOKS, timeout=5).status_code == 202
    assert ours_by_requests(adyen_credential.api_key) == adyen_credential.id
""",
    "pytest-socket": """
pytestmark = pytest.mark.disable_socket

def test_ours(adyen_credential, adyen_client):
    assert ours(adyen_credential.api_key) == adyen_credential.id
    assert ours_by_requests(adyen_credential.api_key) == adyen_credential.id
    assert adyen_client.get("/me").status_code == 200

@pytest.mark.allow_hosts(["127.0.0.1"])
def test_allowed(adyen_credential):
    import socket
    assert ours(adyen_credential.api_key) == adyen_credential.id
    with pytest.raises(EndpointRefused):
        socket.getaddrinfo("management-test.adyen.com", 443)

@pytest.mark.enable_socket
def test_after():
    import socket
    with socket.socket() as made, pytest.raises(EndpointRefused):
        made.connect(("management-test.adyen.com", 443))
""",
    "none": """
def test_unknown(adyen_credential):
    for ask in (httpx.get, lambda url: requests.get(url, timeout=5)):
        with pytest.raises(EndpointRefused, match="no operation that the embedded sandbox knows"):
            ask(WEBHOOKS)
    assert httpx.put(ME).status_code == 405
""",
}


@pytest.mark.parametrize("tool", TOOLS)
def test_beside(tool: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", without("randomly", *GENERATORS))
    if tool != "none":
        pytest.importorskip(tool.replace("-", "_"))
    source = COMMON + TOOLS[tool]
    pytester.makepyfile(source)
    result = pytester.runpytest_subprocess("-o", "asyncio_mode=auto")
    result.assert_outcomes(passed=source.count("def test_"))


RECORDING = f"""
import httpx, pytest

@pytest.mark.vcr
def test_sends_no_sandbox_key(adyen_credential, adyen_client):
    assert adyen_client.get("/me").status_code == 200
    httpx.get({ME!r}, headers={{"X-API-Key": adyen_credential.api_key.reveal()}})
"""


@pytest.mark.parametrize("mode", ["once", "new_episodes", "all", "rewrite"])
def test_pytest_recording_never_sends_a_key_of_the_sandbox(
    mode: str, pytester: pytest.Pytester, recording: None
) -> None:
    pytester.makepyfile(RECORDING)
    result = pytester.runpytest_subprocess(f"--record-mode={mode}")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*nothing was sent: to record it with that tool*--adyen-live*take its mark off*"])
    assert list(Path(pytester.path).rglob("*.yaml")) == []
