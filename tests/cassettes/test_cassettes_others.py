"""Cassettes of other tools within a test: what they hold is played, and what they let out passes the guards."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import vcr
from cassettes_libraries import LIBRARIES, ORIGIN, Call
from cassettes_modes import Opened, intercepting, live, replaying

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes.model import Cassette
from pytest_adyen_creds.cassettes.recording import Recording
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
from pytest_adyen_creds.client import Ownership, tag
from pytest_adyen_creds.errors import EndpointRefused, OwnershipRefused
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import SECRETS, SecretRegistry

every_library = pytest.mark.parametrize("call", LIBRARIES.values(), ids=LIBRARIES)
LIVE = "https://pal-live.adyen.com/x"
HELD = f"""
version: 1
interactions:
- request: {{method: GET, uri: '{ORIGIN}/v3/me', body: null, headers: {{}}}}
  response: {{status: {{code: 203, message: Theirs}}, headers: {{}}, body: {{string: theirs}}}}
- request: {{method: GET, uri: '{LIVE}', body: null, headers: {{}}}}
  response: {{status: {{code: 203, message: Theirs}}, headers: {{}}, body: {{string: theirs}}}}
"""

MODES: dict[str, Callable[[], Opened]] = {
    "sandbox": lambda: intercepting(Sandbox().app),
    "replay": lambda: replaying(Cassette(()), "r"),
    "live": lambda: live("https://kyc-test.adyen.com/v3", Ownership(0)),
}


@pytest.fixture
def theirs(tmp_path: Path) -> Any:
    """A cassette of another tool that holds two answers and records the rest."""
    path = tmp_path / "theirs.yaml"
    path.write_text(HELD)
    return vcr.use_cassette(str(path), record_mode="new_episodes")


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@every_library
@pytest.mark.parametrize("mode", MODES.values(), ids=MODES)
def test_what_it_holds_is_played_and_nothing_else_reaches_adyen(
    call: Call, mode: Callable[[], Opened], theirs: Any, no_network: None
) -> None:
    with mode(), theirs:
        assert [call("GET", url, None, None).body for url in (f"{ORIGIN}/v3/me", LIVE)] == [b"theirs"] * 2
        for url in (f"{ORIGIN}/v3/me", LIVE, f"{ORIGIN}/v3/me/allowedOrigins"):
            with pytest.raises(EndpointRefused):
                call("GET", url, "a key", None)


@pytest.fixture
def served() -> Iterator[tuple[Sandbox, str]]:
    sandbox = Sandbox()
    with sandbox.serve() as server:
        yield sandbox, server.url


@every_library
@pytest.mark.parametrize("mode", ["new_episodes", "all"])
def test_in_a_live_run_the_guards_stand_before_it(
    call: Call, mode: str, served: tuple[Sandbox, str], tmp_path: Path
) -> None:
    sandbox, url = served
    key = sandbox.provisioning.api_key.reveal()
    before = len(list(sandbox.customer_area.credentials()))
    ownership, made = Ownership(1), Recording(Scrubber(load_contract(), registry=SecretRegistry()))
    path = f"{url}/v3/companies/TestCompany/apiCredentials"
    ours = {"description": tag.make("abcdefgh", datetime.now(UTC) + timedelta(hours=1))}
    door = live(url, ownership, made)
    with door, vcr.use_cassette(str(tmp_path / "theirs.yaml"), record_mode=mode) as theirs:
        for body in ({"description": "untagged"}, {}):
            with pytest.raises(OwnershipRefused):
                call("POST", path, key, body)
        created = call("POST", path, key, ours).json()
        with pytest.raises(OwnershipRefused, match="exceed the budget of 1"):
            call("POST", path, key, ours)
        foreign = next(each.id for each in sandbox.customer_area.credentials() if each.id != created["id"])
        with pytest.raises(OwnershipRefused, match="holds no lease"):
            call("PATCH", f"{path}/{foreign}", key, {"active": False})
        with pytest.raises(OwnershipRefused, match="read it first"):
            call("PATCH", f"{path}/{created['id']}", key, {"active": False})
        assert call("GET", f"{path}/{created['id']}", key, None).status == 200
        assert call("PATCH", f"{path}/{created['id']}", key, {"active": False}).status == 200
        assert call("GET", f"{url}/v3/me", key, None).status == 200
        assert len(theirs) == 4
    assert ownership.created == (created["id"],)
    assert ownership.budget.spent == 1
    assert len(list(sandbox.customer_area.credentials())) == before + 1
    assert created["apiKey"] not in SECRETS.mask(json.dumps(created))
    assert made.noted == []


def test_a_cassette_that_records_nothing_refuses_for_itself_and_spends_nothing(
    served: tuple[Sandbox, str], tmp_path: Path
) -> None:
    ownership = Ownership(1)
    body = {"description": tag.make("abcdefgh", datetime.now(UTC) + timedelta(hours=1))}
    door = live(served[1], ownership)
    with (
        door,
        vcr.use_cassette(str(tmp_path / "theirs.yaml"), record_mode="none"),
        pytest.raises(vcr.errors.CannotOverwriteExistingCassetteException),
    ):
        httpx.post(f"{served[1]}/v3/companies/TestCompany/apiCredentials", json=body)
    assert ownership.budget.spent == 0


def test_a_mock_transport_stays_the_tests_own(theirs: Any) -> None:
    mock = httpx.MockTransport(lambda request: httpx.Response(418))
    with MODES["live"](), theirs, httpx.Client(transport=mock) as client:
        assert client.post(f"{ORIGIN}/v3/companies/X/apiCredentials", json={}).status_code == 418


MARKED = f"""
import os, httpx, pytest, vcr
from pytest_adyen_creds.errors import AdyenCredsError

@pytest.mark.vcr
def test_marked(adyen_traffic, tmp_path):
    with vcr.use_cassette(str(tmp_path / "c.yaml")), pytest.raises(AdyenCredsError):
        httpx.get("{LIVE}")
    with pytest.raises(AdyenCredsError):
        httpx.get("{LIVE}")

@pytest.mark.vcr
def test_changing(adyen_traffic, adyen_settings, tmp_path):
    if adyen_settings.backend not in ("live", "replay"):
        pytest.skip("what is recorded with another tool may be recorded from Adyen")
    url = f"{{adyen_settings.base_url}}/companies/TestCompany/apiCredentials/S2-1"
    with vcr.use_cassette(str(tmp_path / "c.yaml")), pytest.raises(AdyenCredsError):
        httpx.patch(url, json={{"active": False}})
"""


@pytest.mark.parametrize("backend", ["auto", "sandbox", "replay", "live"])
def test_tests_that_are_marked_for_another_tool_pass_the_guards(
    backend: str, served: tuple[Sandbox, str], pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in vars(SecretRegistry()).items():
        monkeypatch.setattr(SECRETS, name, value)
    for name in ("ADYEN_MANAGEMENT_API_KEY", "ADYEN_COMPANY_ACCOUNT", "ADYEN_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    arguments = [f"--adyen-backend={backend}"]
    if backend == "live":
        monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY", served[0].provisioning.api_key.reveal())
        monkeypatch.setenv("ADYEN_COMPANY_ACCOUNT", served[0].company)
        monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path))
        arguments.append(f"--adyen-base-url={served[1]}/v3")
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")  # where no look-up would tell where it goes
    pytester.makeini("[pytest]\nmarkers = vcr")
    pytester.makepyfile(MARKED)
    changing = backend in ("replay", "live")
    result = pytester.runpytest_inprocess(*arguments)
    result.assert_outcomes(passed=1 + changing, skipped=1 - changing)
