"""Every answer of a run is watched, whoever asked for it: one departure, one finding, and no test fails of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.model import Cassette, Interaction, Provenance, origin_of
from pytest_adyen_creds.cassettes.playback import Playback
from pytest_adyen_creds.cassettes.replay import ReplayTransport
from pytest_adyen_creds.client import GuardedTransport, ManagementClient, Ownership, Retries
from pytest_adyen_creds.contract import bundled
from pytest_adyen_creds.drift.collector import Collector
from pytest_adyen_creds.drift.traffic import collecting_traffic as collecting_from_network
from pytest_adyen_creds.drift.traffic import observing, to_the_network
from pytest_adyen_creds.intercept.hosts import Hosts
from pytest_adyen_creds.intercept.interceptor import Interceptor
from pytest_adyen_creds.sandbox import Sandbox

ORIGIN = "https://management-test.adyen.com"
BASE = f"{ORIGIN}/v3"
ERROR: dict[str, Any] = {"type": "t", "errorCode": "31_007", "title": "t", "detail": "d", "status": 422}
JSON = (("content-type", "application/json"),)

ENVELOPES: dict[str, tuple[int, Any, tuple[tuple[str, str], ...], tuple[str, str]]] = {
    "no title": (
        422,
        {name: value for name, value in ERROR.items() if name != "title"},
        JSON,
        ("response-required-property-missing", "/title"),
    ),
    "wrapped invalid fields": (
        422,
        {**ERROR, "invalidFields": [{"InvalidField": {"name": "a", "value": "b", "message": "c"}}] * 3},
        JSON,
        ("response-property-wrapped", "/invalidFields/*"),
    ),
    "an extra field": (422, {**ERROR, "newField": "x"}, JSON, ("response-undocumented-property", "/newField")),
    "a number for a string": (422, {**ERROR, "title": 7}, JSON, ("response-property-type-changed", "/title")),
    "a text for a number": (422, {**ERROR, "status": "422"}, JSON, ("response-property-type-changed", "/status")),
    "an unknown status": (429, {**ERROR, "status": 429}, JSON, ("response-undocumented-status", "")),
    "HTML": (
        500,
        "<!doctype html><html>Bad gateway</html>",
        (("content-type", "text/html"),),
        ("response-undocumented-media-type", ""),
    ),
    "HTML that says it is JSON": (500, "<html>oops</html>", JSON, ("response-body-not-json", "")),
    "nothing": (500, "", JSON, ("response-body-missing", "")),
    "half of it": (422, json.dumps(ERROR)[:30], JSON, ("response-body-not-json", "")),
}


def collector() -> Collector:
    return Collector(lambda version: load_contract(version or "v3"))


def collecting_traffic(collector: Collector, base_url: str) -> AbstractContextManager[None]:
    return collecting_from_network(collector, lambda: to_the_network(base_url))


@contextmanager
def watched(collector: Collector, interceptor: Interceptor) -> Iterator[None]:
    with interceptor.opened(), observing(collector, interceptor), collecting_traffic(collector, BASE):
        yield


def interaction(status: int, body: Any, headers: tuple[tuple[str, str], ...] = JSON) -> Interaction:
    data = (body if isinstance(body, str) else json.dumps(body)).encode()
    return Interaction("GET", f"{BASE}/me", (), b"", status, "Some reason", headers, data)


def found(collector: Collector) -> list[tuple[str, str, int]]:
    return [(finding.id, finding.location, finding.count) for finding in collector.found.findings]


def by_httpx(url: str) -> int:
    return httpx.get(url).status_code


def by_async_httpx(url: str) -> int:
    async def ask() -> int:
        async with httpx.AsyncClient() as client:
            return (await client.get(url)).status_code

    return asyncio.run(ask())


def by_requests(url: str) -> int:
    requests = pytest.importorskip("requests")
    return int(requests.get(url, timeout=10).status_code)


def by_urllib(url: str) -> int:
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=10) as response:
            return int(response.status)
    except HTTPError as error:
        return error.code


def by_aiohttp(url: str) -> int:
    aiohttp = pytest.importorskip("aiohttp")

    async def ask() -> int:
        async with aiohttp.ClientSession() as session, session.get(url) as response:
            return int(response.status)

    return asyncio.run(ask())


def replaying(cassette: Cassette, name: str) -> Any:
    origin = origin_of(cassette.provenance)
    return Interceptor(ReplayTransport(Playback(cassette.interactions), name), Hosts(), origin, answers_all=True)


LIBRARIES = [by_httpx, by_async_httpx, by_requests, by_urllib, by_aiohttp]


@pytest.mark.parametrize("what", ENVELOPES)
def test_a_departing_envelope_in_a_recording_is_one_finding(what: str) -> None:
    status, body, headers, expected = ENVELOPES[what]
    cassette = Cassette((interaction(status, body, headers),))
    seen = collector()
    with watched(seen, replaying(cassette, "c.yaml")):
        assert by_httpx(f"{BASE}/me") == status
    assert found(seen) == [(*expected, 1)]
    assert seen.found.origins == {"recordings of unknown origin": 1}
    assert seen.problems == []


@pytest.mark.parametrize("library", LIBRARIES)
def test_whatever_library_asks_is_watched_once(library: Callable[[str], int]) -> None:
    seen = collector()
    provenance = Provenance("live", "2026-01-01T00:00:00Z", "v3", "sha256:x", "test")
    recorded = (interaction(422, {**ERROR, "newField": 1}),)
    with watched(seen, replaying(Cassette(recorded, provenance), "c.yaml")):
        assert library(f"{BASE}/me") == 422
    assert found(seen) == [("response-undocumented-property", "/newField", 1)]
    assert seen.found.origins == {"recordings of Adyen's test endpoint": 1}


@pytest.mark.parametrize("library", LIBRARIES)
def test_answers_of_the_network_are_watched(library: Callable[[str], int]) -> None:
    sandbox, seen = Sandbox(answers="published"), collector()
    sandbox.faults.status(429, "GET /me")
    with sandbox.serve() as server, collecting_traffic(seen, f"{server.url}/v3"):
        assert library(f"{server.url}/v3/me") == 429
        assert library(f"{server.url}/v3/me") == 401
        assert library(f"{server.url}/nowhere") == 404
    assert found(seen) == [("response-undocumented-status", "", 1)]
    assert seen.found.answers == 2
    assert seen.found.origins == {"the network": 2}
    with sandbox.serve() as server:
        library(f"{server.url}/v3/me")
    assert seen.found.answers == 2, "the collector has ended"


def test_the_sandbox_of_code_under_test_is_watched() -> None:
    sandbox, seen = Sandbox(answers="published"), collector()
    sandbox.faults.status(429, "GET /me")
    sandbox.faults.violate("extra-field", "GET /me/allowedOrigins")
    interceptor = Interceptor(sandbox.transport(), Hosts(), "the embedded sandbox")
    with watched(seen, interceptor), seen.collecting() as collected:
        assert [by_httpx(f"{BASE}/me") for _ in range(2)] == [429, 401]
        by_httpx(f"{BASE}/me/allowedOrigins")
    assert found(seen) == [], "what a fault made says nothing about Adyen"
    assert seen.found.origins == {"the embedded sandbox": 1}
    assert seen.traffic == {("GET /me", 401): 1}
    assert {finding.id for finding in collected.findings} == {
        "response-undocumented-status",
        "response-undocumented-property",
    }


@pytest.mark.parametrize("asynchronous", [False, True])
def test_an_answer_made_by_a_fault_is_the_test_s_own(asynchronous: bool) -> None:
    sandbox, seen = Sandbox(answers="published"), collector()
    sandbox.faults.status(429, "GET /me")
    sandbox.faults.delay(0, "GET /me")
    key, observers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}, [seen.client("the embedded sandbox")]

    async def ask() -> list[int]:
        transport = GuardedTransport(sandbox.transport(), Ownership.sandbox(), observers=observers)
        async with httpx.AsyncClient(transport=transport, headers=key) as client:
            return [(await client.get(f"{BASE}/me")).status_code for _ in range(3)]

    with seen.collecting() as collected:
        if asynchronous:
            assert asyncio.run(ask()) == [429, 200, 200]
        else:
            transport = GuardedTransport(sandbox.transport(), Ownership.sandbox(), observers=observers)
            with httpx.Client(transport=transport, headers=key) as client:
                assert [client.get(f"{BASE}/me").status_code for _ in range(3)] == [429, 200, 200]
    assert found(seen) == []
    assert seen.found.answers == 2, "a delay changes nothing in the answer"
    assert [finding.id for finding in collected.findings] == ["response-undocumented-status"]


@pytest.mark.parametrize("is_served", [True, False])
def test_a_guarded_client_is_watched_once(is_served: bool) -> None:
    sandbox, seen = Sandbox(answers="published"), collector()
    with sandbox.serve() as server:
        base = f"{server.url}/v3" if is_served else BASE
        key, transport = sandbox.provisioning.api_key, None if is_served else sandbox.transport()
        client = ManagementClient(
            base, api_key=key, transport=transport, ownership=Ownership.sandbox(), retries=Retries(tries=1)
        )
        client.observers.append(seen.client("the embedded sandbox"))
        with client, collecting_traffic(seen, base):
            sandbox.faults.status(429, "GET /me")
            for status in (429, 200):
                assert client.send("GET", "/me").status_code == status
    served = [("response-undocumented-status", "", 1)] if is_served else []
    assert found(seen) == served, "over HTTP nobody can tell which answers a fault made"
    assert seen.found.origins == {"the embedded sandbox": 1 + len(served)}
    assert seen.traffic == {("GET /me", 200): 1, **({("GET /me", 429): 1} if served else {})}


def test_each_attempt_counts_and_the_suite_counts_none_twice() -> None:
    seen, answers = collector(), iter([500, 200])

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(next(answers), json={**ERROR, "newField": 1})

    transport = GuardedTransport(
        httpx.MockTransport(answer), Ownership.sandbox(), observers=[seen.client("Adyen's test endpoint")]
    )
    with httpx.Client(transport=transport) as client:
        request = client.build_request("GET", f"{BASE}/me")
        client.send(request)
        response = client.send(request)
    assert seen.found.answers == 2
    seen.judged(request, "v3", ("GET /me", response.status_code), [], "the suite", "a test")
    assert seen.found.answers == 2
    assert seen.traffic == {("GET /me", 500): 1, ("GET /me", 200): 0}


def test_cassettes_of_other_tools_are_watched(tmp_path: Path) -> None:
    import vcr

    path = tmp_path / "others.yaml"
    path.write_text(
        f"""
interactions:
- request: {{method: GET, uri: '{BASE}/me', body: null, headers: {{}}}}
  response:
    status: {{code: 429, message: Too many}}
    headers: {{Content-Type: [application/json]}}
    body: {{string: '{{}}'}}
- request: {{method: GET, uri: '{BASE}/me/allowedOrigins', body: null, headers: {{}}}}
  response:
    status: {{code: 418, message: Never asked for}}
    headers: {{}}
    body: {{string: ''}}
- request: {{method: GET, uri: 'https://example.com/v3/me', body: null, headers: {{}}}}
  response:
    status: {{code: 418, message: Not ours}}
    headers: {{}}
    body: {{string: ''}}
version: 1
"""
    )
    seen = collector()
    with collecting_traffic(seen, BASE), vcr.VCR(record_mode="none").use_cassette(str(path)):
        assert by_httpx(f"{BASE}/me") == 429
        assert by_httpx("https://example.com/v3/me") == 418
    assert found(seen) == [("response-undocumented-status", "", 1)]
    assert seen.found.origins == {"recordings of another tool": 1}


def test_what_a_tool_records_is_watched(tmp_path: Path) -> None:
    import vcr

    sandbox, seen = Sandbox(answers="published"), collector()
    with sandbox.serve() as server:
        base = f"{server.url}/v3"
        sandbox.faults.status(429, "GET /me")
        with collecting_traffic(seen, base), vcr.use_cassette(str(tmp_path / "new.yaml")):
            assert by_httpx(f"{base}/me") == 429
    assert found(seen) == [("response-undocumented-status", "", 1)]


def test_mocks_are_not_watched() -> None:
    seen = collector()
    mock = httpx.MockTransport(lambda request: httpx.Response(429, json={}))
    with collecting_traffic(seen, BASE), httpx.Client(transport=mock) as client:
        assert client.get(f"{BASE}/me").status_code == 429
    assert seen.found.answers == 0


def test_an_answer_is_held_against_the_version_that_was_asked() -> None:
    body = json.dumps({**ERROR, "invalidFields": [{"InvalidField": {"name": "a", "value": "b", "message": "c"}}]})
    seen = collector()
    assert seen.answer("GET", "/v1/me", 422, dict(JSON), body.encode(), "x") == []
    assert len(seen.answer("GET", "/v3/me", 422, dict(JSON), body.encode(), "x")) == 1
    assert seen.answer("GET", "/v3/somethingElse", 422, dict(JSON), b"", "x") == []
    assert seen.found.answers == 2


def test_what_goes_wrong_is_noted_and_raises_nothing() -> None:
    def broken(version: str | None) -> None:
        raise RuntimeError("no contract today")

    seen = Collector(broken)
    with watched(seen, replaying(Cassette((interaction(200, {}),) * 2), "c.yaml")):
        for _ in range(2):
            assert by_httpx(f"{BASE}/me") == 200
    assert seen.problems == [
        "an answer to GET could not be held against the contract (RuntimeError: no contract today)"
    ]
    assert seen.found.answers == 0


@pytest.mark.parametrize("encoding", ["gzip", "unheard-of"])
def test_what_cannot_be_decoded_is_passed_over(encoding: str) -> None:
    seen = collector()
    odd = replace(interaction(200, "", (*JSON, ("content-encoding", encoding))), response_body=b"\x1f\x8bodd")
    with watched(seen, replaying(Cassette((odd,)), "c.yaml")):
        assert by_urllib(f"{BASE}/me") == 200
    assert seen.found.answers == 0
    assert len(seen.problems) == (1 if encoding == "gzip" else 0)


SANDBOX = """
import httpx, pytest

FAULTS = {
    "response-required-property-missing": lambda f: f.violate("drop-required-field", "GET /me", field="username"),
    "response-undocumented-property": lambda f: f.violate("extra-field", "GET /me"),
    "response-property-type-changed": lambda f: f.violate("wrong-type", "GET /me", field="active"),
    "response-property-became-nullable": lambda f: f.violate("null-field", "GET /me", field="username"),
    "response-body-type-changed": lambda f: f.violate("array-body", "GET /me"),
    "response-undocumented-status": lambda f: f.status(429, "GET /me"),
    "response-undocumented-media-type": lambda f: f.content_type("text/html", "GET /me"),
}

@pytest.mark.parametrize("id", FAULTS)
def test_it(id, adyen_client, adyen_sandbox, adyen_drift):
    FAULTS[id](adyen_sandbox.faults)
    adyen_client.get("/me")
    assert [finding.id for finding in adyen_drift.findings] == [id]
    assert adyen_drift.findings[0].operation == "GET /me"
"""


USERS_OWN = """
import pytest, urllib.error, urllib.request

def ask():
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen("https://management-test.adyen.com/v3/me", timeout=10)
    return error.value.code

def test_it(adyen_sandbox):
    adyen_sandbox.faults.status(429, "GET /me")
    assert ask() == 429

def test_with_findings(adyen_drift, adyen_sandbox):
    adyen_sandbox.faults.status(429, "GET /me")
    assert ask() == 429
    assert [finding.status for finding in adyen_drift.findings] == [429]

def test_with_findings_asked_for_last(adyen_sandbox, adyen_drift):
    adyen_sandbox.faults.status(429, "GET /me")
    assert ask() == 429
    assert [finding.status for finding in adyen_drift.findings] == [429]
"""


@pytest.mark.slow("several runs of pytest")
@pytest.mark.parametrize("more", [(), ("--adyen-drift=report",)], ids=["by itself", "asked for"])
def test_what_a_users_own_code_asks_is_watched_once(pytester: pytest.Pytester, more: tuple[str, ...]) -> None:
    pytester.makepyfile(USERS_OWN)
    result = pytester.runpytest_inprocess(*more)
    result.assert_outcomes(passed=3)
    result.stdout.no_fnmatch_line("*response-undocumented-status*")
    if more:
        result.stdout.fnmatch_lines(["no findings in 0 answers"])


def test_what_faults_lead_to_is_the_test_s_and_not_the_run_s(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(SANDBOX)
    result = pytester.runpytest_inprocess("--adyen-drift=fail")
    result.assert_outcomes(passed=7)
    assert result.ret == 0
    result.stdout.fnmatch_lines(["no findings in *"])


@pytest.mark.slow("runs the whole suite, again and again")
def test_departing_recordings_of_the_suite_are_findings(pytester: pytest.Pytester) -> None:
    import shutil

    folder = pytester.mkdir("cassettes") / "management" / "v3"
    shutil.copytree(bundled("cassettes") / "v3", folder)
    path = folder / "get-me.yaml"
    cassette = serializer.read(path)
    first = cassette.interactions[0]
    departing = tuple(
        Interaction(first.method, first.uri, first.request_headers, b"", status, "x", headers, _data(body), first.meta)
        for status, body, headers, _ in ENVELOPES.values()
    )
    path.write_text(serializer.dumps(Cassette((*cassette.interactions, *departing), cassette.provenance)))
    arguments = ("--adyen-contracts", "--adyen-drift=report", "--adyen-report=found.json", "-k", "GET and me")
    pytester.runpytest_inprocess(*arguments)
    value = json.loads(pytester.path.joinpath("found.json").read_text())
    places = {(each["id"], each["location"]) for each in value["findings"]}
    assert places == {expected for *_, expected in ENVELOPES.values()}
    assert {each["operation"] for each in value["findings"]} == {"GET /me"}
    assert sum(each["count"] for each in value["findings"]) == len(ENVELOPES)


def _data(body: Any) -> bytes:
    return (body if isinstance(body, str) else json.dumps(body)).encode()


CANARY = "AQEcanaryOfTheWatch0123456789+/zebra"

CANARIES = f"""
import httpx, pytest
from pytest_adyen_creds.secrets import Secret

KEY = Secret({CANARY!r})

def test_it(adyen_client, _adyen_run):
    error = {{"type": "t", "errorCode": "e", "title": KEY.reveal(), "detail": 7, "status": 422}}
    error[KEY.reveal()] = KEY.reveal()
    for body in (error, {{**error, "apiKey": "AQEunregisteredcanary0123456789"}}, [KEY.reveal()]):
        response = httpx.Response(422, json=body)
        content, origin = response.content, "Adyen's test endpoint"
        _adyen_run.results.collector.answer("GET", "/me", 422, response.headers, content, origin)
    named = dict([("content-type", KEY.reveal())])
    _adyen_run.results.collector.answer("GET", "/me", 422, named, KEY.reveal().encode(), "Adyen's test endpoint")
"""


@pytest.mark.slow("processes of their own: what they print is searched")
@pytest.mark.parametrize("more", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_no_canary_wherever_a_finding_shows(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, more: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(pytester.path / "summary.md"))
    test = pytester.makepyfile(CANARIES)
    result = pytester.runpytest_subprocess(
        "-vv",
        "--adyen-drift=fail",
        "--adyen-report=r.html",
        "--adyen-report=r.json",
        "--junitxml=junit.xml",
        "-p",
        "no:cacheprovider",
        *more,
    )
    assert result.ret == 1
    written = {"output": result.stdout.str() + result.stderr.str()}
    for name in ("r.html", "r.json", "junit.xml", "summary.md"):
        written[name] = pytester.path.joinpath(name).read_text()
    test.unlink()
    assert "[masked]" in written["r.html"]
    assert "[masked]" in written["r.json"]
    for name, text in written.items():
        for canary in ("canaryOfTheWatch", "zebra", "unregisteredcanary"):
            assert canary not in text, name
