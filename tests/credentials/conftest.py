"""What the tests of throwaways share: their helpers as modules, served accounts, runs of pytest."""

from __future__ import annotations

import importlib.util
import io
import json
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpcore  # noqa: F401
import pytest
import yaml  # noqa: F401

# what runs inside this process import late is taken away after them, and would come back as something else
import pytest_adyen_creds.contract
import pytest_adyen_creds.credentials.doctor
import pytest_adyen_creds.credentials.live_run
import pytest_adyen_creds.credentials.preprovisioned
import pytest_adyen_creds.credentials.sdk
import pytest_adyen_creds.sandbox.server  # noqa: F401
from pytest_adyen_creds.client import tag
from pytest_adyen_creds.sandbox import Sandbox

_HERE = Path(__file__).parent

# under a name of their own, so that they meet no other folder's helpers
_helpers = types.ModuleType("credentials_helpers")
sys.modules["credentials_helpers"] = _helpers
for _name in ("killing", "contending", "lying"):
    _spec = importlib.util.spec_from_file_location(f"credentials_helpers.{_name}", _HERE / f"{_name}.py")
    assert _spec is not None
    assert _spec.loader is not None
    _module = importlib.util.module_from_spec(_spec)
    sys.modules[_spec.name] = _module
    setattr(_helpers, _name, _module)
    _spec.loader.exec_module(_module)

TEN_LINES = """
import pytest

@pytest.mark.adyen_credential(roles=["Management API - Stores read"], origins=["https://shop.example.com"])
def test_my_credential_is_ready(adyen_credential, adyen_client, adyen_contract):
    answer = adyen_client.get("/me")
    assert answer.status_code == 200
    assert answer.json()["id"] == adyen_credential.id
    assert adyen_contract.validate("MeApiCredential", answer.json()) == []
"""


class ServedAccount:
    """A sandbox on loopback, and live runs of pytest against it."""

    def __init__(self, sandbox: Sandbox, url: str, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sandbox = sandbox
        self.url = f"{url}/v3"
        self._pytester = pytester
        self._monkeypatch = monkeypatch
        self.state = pytester.path / "state"
        for name, value in _helpers.killing.environment(sandbox, self.state).items():
            if name.startswith(("ADYEN", "XDG")):
                monkeypatch.setenv(name, value)

    def run(self, *arguments: str, apart: bool = False) -> pytest.RunResult:
        """Run pytest live; ``apart``: in a process of its own."""
        run = self._pytester.runpytest_subprocess if apart else self._pytester.runpytest_inprocess
        return run("-p", "no:cacheprovider", "--adyen-live", f"--adyen-base-url={self.url}", *arguments)

    def meet(self, hook: Callable[[str, str, bytes], int | bytes | None]) -> None:
        """Let ``hook`` see method, path and body of each request before it is answered.

        It returns None, another body that is taken instead, or the status of an error that is answered instead.
        """
        app = self.sandbox.app.__class__.__call__

        def answer(whom: Any, environ: dict[str, Any], start_response: Any) -> Any:
            body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            said = hook(environ["REQUEST_METHOD"], environ["PATH_INFO"], body)
            if isinstance(said, int):
                start_response(f"{said} Asked for", [("content-type", "application/json")])
                return [json.dumps({"status": said, "title": "Asked for"}).encode()]
            body = body if said is None else said
            changed = {**environ, "wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
            return app(whom, changed, start_response)

        self._monkeypatch.setattr(self.sandbox.app.__class__, "__call__", answer)

    def throwaways(self) -> list[dict]:
        with _helpers.killing.management(self.sandbox) as client:
            bodies = list(client.company(self.sandbox.company).iterate())
        return [body for body in bodies if tag.parse(body.get("description"))]

    def active(self) -> list[str]:
        return _helpers.killing.active_throwaways(self.sandbox)

    @property
    def ledgers(self) -> list[Path]:
        return sorted((self.state / "pytest-adyen-creds").glob("*.jsonl"))


@pytest.fixture
def sandbox() -> Sandbox:
    """The sandbox that is served; a test that needs another overrides this fixture."""
    return Sandbox()


@pytest.fixture
def account(sandbox: Sandbox, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[ServedAccount]:
    with sandbox.serve() as server:
        yield ServedAccount(sandbox, server.url, pytester, monkeypatch)


@pytest.fixture
def ten_lines(pytester: pytest.Pytester) -> Path:
    return pytester.makepyfile(test_shop=TEN_LINES)
