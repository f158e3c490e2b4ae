"""Live runs: whatever way a request takes, the guards decide, and a credential that is not this run's stays."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from plugins import ALONE

from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import SECRETS, SecretRegistry

pytestmark = pytest.mark.slow("processes of their own: their sockets are watched")

WAYS = """
import asyncio, http.client, json, os, socket, subprocess, sys, urllib.request
from urllib.parse import urlsplit
import aiohttp, httpcore, httpx, pytest, requests, urllib3
import vcr.stubs.httpx_stubs
from pytest_adyen_creds.errors import AdyenCredsError

KEY, SERVER, FOREIGN = os.environ["IN_HAND"], os.environ["SERVER"], os.environ["FOREIGN"]
PATH = f"/v3/companies/TestCompany/apiCredentials/{FOREIGN}"
HEADERS = {"X-API-Key": KEY, "Content-Type": "application/json"}
BODY = b'{"active": false, "description": "mine now"}'
RAW = f"PATCH {PATH} HTTP/1.1\\r\\nHost: x\\r\\nX-API-Key: {KEY}\\r\\nContent-Type: application/json\\r\\n"
RAW = f"{RAW}Content-Length: {len(BODY)}\\r\\nConnection: close\\r\\n\\r\\n".encode() + BODY

def by_httpx(url):
    return httpx.patch(url, content=BODY, headers=HEADERS).status_code

def by_async_httpx(url):
    async def ask():
        async with httpx.AsyncClient() as client:
            return (await client.patch(url, content=BODY, headers=HEADERS)).status_code
    return asyncio.run(ask())

def by_requests(url):
    return requests.patch(url, data=BODY, headers=HEADERS, timeout=10).status_code

def by_urllib3(url):
    return urllib3.PoolManager(retries=False).request("PATCH", url, body=BODY, headers=HEADERS).status

def by_urllib(url):
    return urllib.request.urlopen(urllib.request.Request(url, BODY, HEADERS, method="PATCH"), timeout=10).status

def by_aiohttp(url):
    async def ask():
        async with aiohttp.ClientSession() as session, session.patch(url, data=BODY, headers=HEADERS) as response:
            return response.status
    return asyncio.run(ask())

def by_httpcore(url):
    return httpcore.request("PATCH", url, headers=[*HEADERS.items()], content=BODY).status

def by_a_socket(url):
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname, parts.port or 80), timeout=10) as made:
        made.sendall(RAW)
        return int(made.recv(100).split()[1])

def by_asyncio(url):
    async def ask():
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port or 80)
        writer.write(RAW)
        return int((await reader.read(100)).split()[1])
    return asyncio.run(ask())

def by_connect_ex(url):
    parts = urlsplit(url)
    with socket.socket() as made:
        assert made.connect_ex((parts.hostname, parts.port or 80)) == 0
        made.sendall(RAW)
        return int(made.recv(100).split()[1])

def by_httpx_when_vcrpy_asks_first(url):
    def first(cassette, request, body, module):
        made = vcr.stubs.httpx_stubs._make_vcr_request(request, body)
        can = cassette.can_play_response_for(made)
        return made, vcr.stubs.httpx_stubs._play_responses(cassette, made, module) if can else None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(vcr.stubs.httpx_stubs, "_vcr_request", first)
        return by_httpx(url)

def by_httpx_without_the_interceptor(url):
    import pytest_adyen_creds.client.transports as transports
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(httpx.HTTPTransport, "handle_request", transports._SEND)
        return by_httpx(url)

PAST = [by_httpcore, by_a_socket, by_asyncio, by_connect_ex, by_httpx_without_the_interceptor]
LIBRARIES = [by_httpx, by_async_httpx, by_requests, by_urllib3, by_urllib, by_aiohttp, by_httpx_when_vcrpy_asks_first]

@pytest.mark.parametrize("way", [*LIBRARIES, *PAST])
@pytest.mark.parametrize("place", ["server", "localhost", "adyen"])
def test_refused(way, place, adyen_traffic):
    port = urlsplit(SERVER).port
    origin = {"server": SERVER, "localhost": f"http://localhost:{port}", "adyen": "https://management-test.adyen.com"}
    with pytest.raises(AdyenCredsError, match="nothing was sent"):
        way(origin[place] + PATH)

@pytest.mark.parametrize("way", [*LIBRARIES, *PAST])
def test_refused_without_a_fixture_of_ours(way):
    for origin in (SERVER, "https://management-test.adyen.com"):
        with pytest.raises((AdyenCredsError, ExceptionGroup)) as refused:
            way(origin + PATH)
        error = refused.value
        while isinstance(error, ExceptionGroup):  # of anyio
            error = error.exceptions[0]
        assert isinstance(error, AdyenCredsError) and "nothing was sent" in str(error)

CHILD = '''
import os, sys, urllib.request, urllib.error
key = os.environ.get("ADYEN_MANAGEMENT_API_KEY") or os.environ["IN_HAND"]
assert not os.environ.get("ADYEN_MANAGEMENT_API_KEY_FILE")
base = sys.argv[2] if len(sys.argv) > 2 else os.environ["ADYEN_BASE_URL"]
request = urllib.request.Request(base + sys.argv[1].removeprefix("/v3"), b'{"active": false}',
    {"X-API-Key": key, "Content-Type": "application/json"}, method="PATCH")
try:
    print(urllib.request.urlopen(request).status)
except urllib.error.HTTPError as error:
    print(error.code, error.read().decode())
'''

@pytest.mark.parametrize("base", ["environment", "settings"])
def test_a_child(base, adyen_credential, adyen_settings):
    assert "ADYEN_MANAGEMENT_API_KEY" not in os.environ
    more = [] if base == "environment" else [adyen_settings.base_url]
    run = [sys.executable, "-c", CHILD]
    done = subprocess.run([*run, PATH, *more], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("403") and "holds no lease" in done.stdout
    mine = f"/v3/companies/TestCompany/apiCredentials/{adyen_credential.id}"
    assert subprocess.run([*run, mine, *more], capture_output=True, text=True, check=True).stdout == "200\\n"

def test_a_lookup_in_the_tests_own_words(adyen_traffic):
    for ask in (socket.gethostbyname, socket.gethostbyname_ex, lambda host: socket.getaddrinfo(host, 443)):
        for host in ("management-test.adyen.com", "Checkout-Test.ADYEN.com.", "\\uff41dyen.com"):
            with pytest.raises(AdyenCredsError, match="nothing was sent"):
                ask(host)

def test_what_is_leased_is_changed_by_every_library(adyen_credential, adyen_settings):
    for way in LIBRARIES:
        for origin in (SERVER, "https://management-test.adyen.com", adyen_settings.base_url.removesuffix("/v3")):
            global BODY
            BODY = b'{"active": true}'
            assert way(f"{origin}/v3/companies/TestCompany/apiCredentials/{adyen_credential.id}") == 200
"""


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Sandbox, str]]:
    for name, value in vars(SecretRegistry()).items():
        monkeypatch.setattr(SECRETS, name, value)
    monkeypatch.setenv("PYTEST_ADDOPTS", ALONE)
    monkeypatch.delenv("ADYEN_MANAGEMENT_API_KEY_FILE", raising=False)
    sandbox = Sandbox()
    with sandbox.serve() as server:
        monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY", sandbox.provisioning.api_key.reveal())
        monkeypatch.setenv("ADYEN_COMPANY_ACCOUNT", sandbox.company)
        monkeypatch.setenv("ADYEN_BASE_URL", f"{server.url}/v3")
        yield sandbox, server.url


def shown(sandbox: Sandbox, name: str) -> Any:
    return json.dumps([vars(each) for each in sandbox.customer_area.credentials() if each.id == name], default=str)


SDK = """
import Adyen, pytest

@pytest.fixture
def sdk(adyen_credential):
    return Adyen.Adyen(xapikey=adyen_credential.api_key.reveal(), platform="test")

def test_me(sdk, adyen_credential):
    assert sdk.management.my_api_credential_api.get_api_credential_details().message["id"] == adyen_credential.id

def test_origin(sdk):
    added = sdk.management.my_api_credential_api.add_allowed_origin({"domain": "https://shop.example"}).message
    sdk.management.my_api_credential_api.remove_allowed_origin(added["id"])
"""


def test_a_suite_with_adyens_sdk_and_no_base_url_passes_everywhere(
    served: tuple[Sandbox, str], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ADYEN_BASE_URL")
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path))
    pytester.makepyfile(SDK)
    live = ["--adyen-live", f"--adyen-base-url={served[1]}/v3"]
    for mode in (live, [], ["--adyen-record=all"], ["--adyen-backend=replay"]):
        pytester.runpytest_subprocess(*mode).assert_outcomes(passed=2)


def test_every_way_is_guarded(
    served: tuple[Sandbox, str], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox, url = served
    foreign = next(iter(sandbox.customer_area.credentials()))
    monkeypatch.setenv("IN_HAND", sandbox.provisioning.api_key.reveal())
    monkeypatch.setenv("SERVER", url)
    monkeypatch.setenv("FOREIGN", foreign.id)
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path))
    before = shown(sandbox, foreign.id)
    pytester.makepyfile(WAYS)
    result = pytester.runpytest_subprocess("-q", "--adyen-live")
    result.assert_outcomes(passed=3 * 12 + 12 + 2 + 1 + 1)
    assert before == shown(sandbox, foreign.id)
    assert foreign.id in before
