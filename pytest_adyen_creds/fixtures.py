"""The public fixtures. Each imports what it needs when it is used."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_adyen_creds.compat.pytest import fixture_names, write_line

if TYPE_CHECKING:
    import httpx

    from pytest_adyen_creds.cassettes.modes import Session
    from pytest_adyen_creds.checks.responses import CheckingContract
    from pytest_adyen_creds.checks.suite import Suite
    from pytest_adyen_creds.client import ManagementClient
    from pytest_adyen_creds.credentials.backend import Backend
    from pytest_adyen_creds.credentials.credential import Credential, HandmadeCredential
    from pytest_adyen_creds.credentials.leases import LeaseClient, Leases
    from pytest_adyen_creds.drift.collector import Drift
    from pytest_adyen_creds.sandbox import Sandbox
    from pytest_adyen_creds.settings import Settings
    from pytest_adyen_creds.state import Run

__all__ = [
    "adyen_async_client",
    "adyen_backend",
    "adyen_balance_platform_credential",
    "adyen_client",
    "adyen_contract",
    "adyen_credential",
    "adyen_credentials",
    "adyen_drift",
    "adyen_lem_credential",
    "adyen_management",
    "adyen_run",
    "adyen_sandbox",
    "adyen_sandbox_config",
    "adyen_sdk",
    "adyen_settings",
    "adyen_suite",
    "adyen_throwaways",
    "adyen_traffic",
]


@pytest.fixture(scope="session", name="_adyen_run")
def adyen_run(pytestconfig: pytest.Config) -> Run:
    """The state of this run: its settings, what it opened, and its results."""
    from pytest_adyen_creds.state import run_of

    return run_of(pytestconfig)


@pytest.fixture(scope="session")
def adyen_settings(_adyen_run: Run) -> Settings:
    """What this run was asked to do: command line over ini over environment over default.

    ``adyen_settings.base_url`` is right for code under test in every mode, in this process and in others: in a live run
    it is that of a gateway on this machine, which sends on what the guards admit.
    """
    return replace(_adyen_run.settings, base_url=_adyen_run.base_url)


@pytest.fixture(scope="session")
def adyen_contract(_adyen_run: Run) -> CheckingContract:
    """The contract of the run's API version; ``adyen_contract.check(response)`` judges any response in one call.

    ``response`` is one of httpx, of requests, or alike; ``check_webhook(name, body)`` judges a webhook, ``validate``
    and ``is_valid`` a body by the name of its structure; ``example_webhook`` and ``strategy`` make valid ones.
    """
    from pytest_adyen_creds.checks.responses import CheckingContract

    results, run = _adyen_run.results, _adyen_run
    return CheckingContract.of(
        results.contract, results.acceptance, results.apis, lambda: run.script is not None and run.script.departs
    )


@pytest.fixture(scope="session")
def adyen_suite(_adyen_run: Run, request: pytest.FixtureRequest) -> Suite:
    """The contract suite: ``check(label)`` judges each of an operation's exchanges."""
    from pytest_adyen_creds.checks.suite import Suite

    items = [item for item in request.session.items if "adyen_suite" in fixture_names(item)]
    return Suite(
        _adyen_run.results,
        lease_client=_adyen_run.live.lease_client if _adyen_run.live else None,
        items=[mark.kwargs["name"] for item in items for mark in item.iter_markers("adyen_sequence")],
        say=_progress_to(request.config),
    )


@pytest.fixture(scope="session")
def adyen_sandbox_config() -> dict[str, Any]:
    """The arguments of the run's embedded :class:`Sandbox`; override it to set a propagation delay, say.

    What overrides it has the scope ``session`` too, and returns a dictionary.
    """
    return {}


@pytest.fixture(scope="session", name="_adyen_backend")
def adyen_backend(_adyen_run: Run, adyen_sandbox_config: dict[str, Any]) -> Backend:
    """Who answers this run's throwaways: the embedded sandbox, or the server that a live run names."""
    from pytest_adyen_creds.credentials.backend import open_backend

    if _adyen_run.live:
        return _adyen_run.live.lease_client.backend
    return _adyen_run.observed(open_backend(_adyen_run.settings, adyen_sandbox_config))


@pytest.fixture(scope="session", name="_adyen_throwaways")
def adyen_throwaways(_adyen_run: Run, _adyen_backend: Backend) -> LeaseClient:
    """This process's side of the pool."""
    from pytest_adyen_creds.credentials.leases import embedded

    if _adyen_run.live:
        return _adyen_run.live.lease_client
    throwaways = embedded(_adyen_backend)
    _adyen_run.opened.callback(throwaways.management.close)
    return throwaways


@pytest.fixture(scope="session")
def adyen_management(_adyen_run: Run, _adyen_throwaways: LeaseClient) -> ManagementClient:
    """The client that signs in with the provisioning key: the 26 operations, and any request.

    On a live server it changes leased throwaways only.
    """
    _adyen_run.roles.provisioning = _adyen_throwaways.backend.key.reveal
    return _adyen_throwaways.management


@pytest.fixture
def adyen_traffic(_adyen_run: Run, request: pytest.FixtureRequest) -> Iterator[Session]:
    """The traffic of this test: while it lasts, the backend in use answers for Adyen, whatever library asks.

    Every fixture that talks to Adyen brings it along. A test whose code under test alone does asks for it by name:
    ``@pytest.mark.usefixtures("adyen_traffic")``. ``adyen_traffic.cassette`` is where the test's recording lies.
    """
    from pytest_adyen_creds.cassettes.modes import opened
    from pytest_adyen_creds.cassettes.recorder import attach
    from pytest_adyen_creds.drift.traffic import observing

    with opened(_adyen_run.context, request) as traffic, observing(_adyen_run.results.collector, traffic.interceptor):
        attach(request.node, traffic)
        _adyen_run.results.answered[traffic.mode.answers] += 1
        yield traffic


@pytest.fixture
def adyen_sandbox(adyen_traffic: Session) -> Sandbox:
    """The embedded sandbox: its clock, faults and customer area. Faults end with the test.

    ``adyen_sandbox.answer("POST /sessions", body)`` sets what an operation of another API answers, until the test ends.
    Only ``adyen_sandbox.clock`` moves its time: a test that freezes or moves its own (freezegun, pytest-freezer,
    time-machine) leaves the sandbox, leases and recordings in real time.

    A test that passed fails at its end where nothing met a fault that it set, unless that is ``optional``.

    It answers every test that asks for it, also in replay, and is never recorded; in a live run the test is skipped.
    """
    if adyen_traffic.sandbox is None:
        pytest.skip("adyen_sandbox drives the embedded sandbox, and another server, or a cassette, answers this test")
    return adyen_traffic.sandbox


@pytest.fixture
def adyen_credentials(adyen_traffic: Session, request: pytest.FixtureRequest) -> Iterator[Leases]:
    """The pool, for a test that needs several: ``adyen_credentials.lease(...)``; all are given back at the end.

    ``lease`` takes what the marker ``adyen_credential`` takes.
    """
    leases = adyen_traffic.leases(_progress_to(request.config))
    yield leases
    leases.close()


@pytest.fixture
def adyen_credential(adyen_credentials: Leases, request: pytest.FixtureRequest) -> Credential:
    """A throwaway credential on lease to this test, as its marker ``adyen_credential`` asks for.

    A lease lasts for one test: a fixture of a wider scope cannot hold one. The same credential is reset and lent again.
    """
    from pytest_adyen_creds.credentials.spec import MARKER, Spec, spec_of

    marker = request.node.get_closest_marker(MARKER)
    spec = spec_of(request.node.nodeid, marker.args, marker.kwargs, request.config.rootpath) if marker else Spec()
    return adyen_credentials.lease_as(spec)


@pytest.fixture
def adyen_client(adyen_credential: Credential, adyen_traffic: Session) -> Iterator[httpx.Client]:
    """An httpx client signed in as the throwaway; paths come after the base URL: ``adyen_client.get("/me")``."""
    throwaways = adyen_traffic.throwaways
    with throwaways.backend.client(adyen_credential.key(), throwaways.ownership) as client:
        yield client


@pytest.fixture
def adyen_async_client(adyen_credential: Credential, adyen_traffic: Session) -> httpx.AsyncClient:
    """An asynchronous httpx client signed in as the throwaway; it keeps no connection, so it needs no closing.

    Asynchronous tests need ``@pytest.mark.anyio``, which httpx brings, or pytest-asyncio.
    """
    throwaways = adyen_traffic.throwaways
    return throwaways.backend.async_client(adyen_credential.key(), throwaways.ownership)


@pytest.fixture
def adyen_drift(_adyen_run: Run) -> Iterator[Drift]:
    """What this test's traffic shows of drift so far: ``adyen_drift.findings``, ``adyen_drift.assert_none()``.

    While a test has it, requests of any HTTP library to the Management API's test host are looked at too, as
    ``--adyen-drift`` has it for every test. What a fault of ``adyen_sandbox`` leads to shows here only: the run's own
    findings are about answers that nobody asked for.
    """
    from pytest_adyen_creds.drift.collector import Drift
    from pytest_adyen_creds.drift.traffic import collecting_traffic

    results = _adyen_run.results
    with collecting_traffic(results.collector, _adyen_run.interceptor), results.collector.collecting() as found:
        yield Drift(found, lambda: results.acceptance)


@pytest.fixture
def adyen_sdk(adyen_credential: Credential, adyen_client: httpx.Client) -> Any:
    """Adyen's own Python SDK, signed in as the throwaway; the test is skipped where it is not installed."""
    adyen = pytest.importorskip("Adyen", reason="adyen_sdk needs Adyen's SDK: pip install Adyen")
    from pytest_adyen_creds.credentials.sdk import sign_in

    sdk = adyen.Adyen()
    sign_in(sdk, adyen_client, adyen_credential.key().reveal())
    return sdk


@pytest.fixture
def adyen_balance_platform_credential(adyen_traffic: Session) -> HandmadeCredential:
    """A balance-platform credential, made by hand and named by ``ADYEN_BALANCE_PLATFORM_USERNAME`` and ``…_API_KEY``.

    In the embedded sandbox it is made there; on a live server a test is skipped where the environment names none.
    """
    return adyen_traffic.made_by_hand("balance-platform", partial(_by_hand, "balance-platform"))


@pytest.fixture
def adyen_lem_credential(adyen_traffic: Session) -> HandmadeCredential:
    """A Legal Entity Management credential, made by hand and named by ``ADYEN_LEM_USERNAME`` and ``…_API_KEY``.

    In the embedded sandbox it is made there; on a live server a test is skipped where the environment names none.
    """
    return adyen_traffic.made_by_hand("lem", partial(_by_hand, "lem"))


def _by_hand(kind: str, backend: Backend) -> HandmadeCredential:
    from pytest_adyen_creds.credentials.credential import UserKind
    from pytest_adyen_creds.credentials.preprovisioned import NotProvided, from_environment, from_sandbox

    if backend.sandbox is not None:
        return from_sandbox(UserKind(kind), backend.sandbox)
    try:
        return from_environment(UserKind(kind), os.environ)
    except NotProvided as error:
        pytest.skip(str(error))


def _progress_to(config: pytest.Config) -> Callable[[str], None]:
    def show(text: str) -> None:
        from pytest_adyen_creds.secrets import SECRETS

        write_line(config, SECRETS.mask(f"adyen: {text}"), during_test=True)

    return show
