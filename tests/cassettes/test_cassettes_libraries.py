"""Recording, replay and the sandbox through every HTTP library: no socket, the same answers, secrets consistent."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import Adyen
import aiohttp
import httpx
import pytest
import requests
import urllib3
from cassettes_libraries import LIBRARIES, ORIGIN, Call
from cassettes_modes import intercepting, live, opened, replaying

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.model import Cassette, Provenance
from pytest_adyen_creds.cassettes.recording import Recording, RecordingTransport, interaction_of, provenance_of
from pytest_adyen_creds.cassettes.redact.scrubber import Scrubber
from pytest_adyen_creds.client import Ownership, tag
from pytest_adyen_creds.errors import CassetteError, EndpointRefused, OwnershipRefused
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.wire import SandboxTransport
from pytest_adyen_creds.secrets import SECRETS, Secret, SecretRegistry

every_library = pytest.mark.parametrize("call", LIBRARIES.values(), ids=LIBRARIES)
PROPERTIES = frozenset({"apiKey", "password", "clientKey"})
CREDENTIALS = f"{ORIGIN}/v3/companies/TestCompany/apiCredentials"
ROLES = ["Management API—API credentials read and write"]


PROVENANCE = Provenance("sandbox", "2026-11-22T00:41:20Z", "v3", "sha256:00", "pytest-adyen-creds 0.1.0")


def scrubber() -> Scrubber:
    return Scrubber(load_contract(), registry=SecretRegistry(), keep=("TestCompany", "TestMerchant"))


@contextmanager
def recording(path: Path, app: Any, provenance: Provenance | None = None) -> Iterator[None]:
    made = Recording(scrubber())
    with opened(RecordingTransport(made, SandboxTransport(app))):
        yield
    serializer.write(path, made.scrubbed(provenance or PROVENANCE))


@contextmanager
def recording_live(path: Path, base_url: str, key: str | None = None) -> Iterator[None]:
    made, ownership = Recording(scrubber()), Ownership(5)
    if key is not None:
        ownership.lease("S2-1", tag.make("abcdefgh", datetime.now(UTC)), api_key=Secret(key))
    with live(base_url, ownership, made):
        yield
    serializer.write(path, made.scrubbed(PROVENANCE))


def replay(path: Path, base_urls: tuple[str, ...] = ()) -> Any:
    return replaying(serializer.read(path), path, base_urls)


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection: what is answered all the same came from no socket."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a connection was attempted")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def life(call: Call, sandbox: Sandbox | None) -> list[tuple[int, Any]]:
    """Create, use the new key, rotate, use the old and the new, sign in with the password, deactivate, be refused."""
    admin = sandbox.provisioning.api_key.reveal() if sandbox else "any key will do"
    answers: list[tuple[int, Any]] = []

    def ask(method: str, path: str, auth: Any, body: Any = None) -> Any:
        answer = call(method, f"{ORIGIN}/v3{path}", auth, body)
        answers.append((answer.status, answer.json()))
        return answer.json()

    created = ask("POST", "/companies/TestCompany/apiCredentials", admin, {"roles": ROLES, "description": "a life"})
    place = f"/companies/TestCompany/apiCredentials/{created['id']}"
    ask("GET", "/me", created["apiKey"])
    rotated = ask("POST", f"{place}/generateApiKey", admin, {})
    ask("GET", "/me", created["apiKey"])
    ask("GET", "/me", rotated["apiKey"])
    ask("GET", "/me", (created["username"], created["password"]))
    ask("GET", "/me", "AQE-wrong-key-wrong-key-wrong-key-wrong")
    ask("PATCH", place, admin, {"active": False})
    ask("GET", "/me", rotated["apiKey"])
    ask("GET", "/me", created["apiKey"])
    return answers


@every_library
def test_a_recorded_life_replays_offline_with_every_library(call: Call, tmp_path: Path, no_network: None) -> None:
    path = tmp_path / "life.yaml"
    sandbox = Sandbox()
    with recording(path, sandbox.app):
        lived = life(LIBRARIES["httpx"], sandbox)

    with replay(path):
        replayed = life(call, None)

    assert [status for status, _ in replayed] == [status for status, _ in lived]
    assert [status for status, _ in lived] == [200, 200, 200, 200, 200, 200, 401, 200, 401, 401]
    created, rotated = replayed[0][1], replayed[2][1]
    assert created["apiKey"] != rotated["apiKey"]
    assert replayed[1][1]["username"] == created["username"]


@every_library
def test_what_any_library_recorded_replays_with_httpx_and_adyens_sdk(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "life.yaml"
    sandbox = Sandbox()
    with recording(path, sandbox.app):
        lived = life(call, sandbox)
    text = path.read_text()

    with replay(path):
        assert life(LIBRARIES["httpx"], None) == life_again(path, LIBRARIES["requests"])
    with replay(path):
        sdk = Adyen.Adyen(xapikey="any key", platform="test")
        created = sdk.management.api_credentials_company_level_api.create_api_credential(
            {"roles": ROLES, "description": "a life"}, "TestCompany"
        )
        me = Adyen.Adyen(xapikey=created.message["apiKey"], platform="test")
        assert me.management.my_api_credential_api.get_api_credential_details().message["id"] == created.message["id"]
    for secret in secrets_of(lived):
        assert secret not in text


def life_again(path: Path, call: Call) -> list[tuple[int, Any]]:
    with replay(path):
        return life(call, None)


def secrets_of(answers: list[tuple[int, Any]]) -> list[str]:
    return [body[name] for _, body in answers for name in PROPERTIES if isinstance(body, dict) and name in body]


@every_library
def test_every_library_records_the_same_bytes(call: Call, tmp_path: Path) -> None:
    for path, library in ((tmp_path / "one.yaml", LIBRARIES["httpx"]), (tmp_path / "other.yaml", call)):
        sandbox = Sandbox(seed=len(path.name))
        with recording(path, sandbox.app):
            life(library, sandbox)

    assert (tmp_path / "other.yaml").read_text() == (tmp_path / "one.yaml").read_text()


@every_library
def test_the_sandbox_answers_for_adyen_and_nobody_else(call: Call, no_network: None) -> None:
    sandbox = Sandbox()

    with intercepting(sandbox.app, base_urls=("http://127.0.0.1:9/",)):
        answer = call("GET", f"{ORIGIN}/v3/me", sandbox.provisioning.api_key.reveal(), None)
        also = call("GET", "http://127.0.0.1:9/v3/me", None, None)

    assert answer.status == 200
    assert answer.json()["username"] == "ws@Company.TestCompany"
    assert also.status == 401


@every_library
def test_every_thread_is_answered_by_the_sandbox(call: Call, no_network: None) -> None:
    sandbox = Sandbox()
    key = sandbox.provisioning.api_key.reveal()

    with intercepting(sandbox.app), ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: call("GET", f"{ORIGIN}/v3/me", key, None), range(48)))

    assert {answer.status for answer in answers} == {200}


@every_library
def test_what_is_asked_while_another_thread_connects_passes_the_guards(
    call: Call, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = server.replace("127.0.0.1", "localhost")  # an address needs no look-up
    connecting, connects = Event(), Event()
    look_up = socket.getaddrinfo

    def slow(*args: Any, **kwargs: Any) -> Any:
        connecting.set()
        assert connects.wait(30)
        return look_up(*args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    door = live(server, Ownership(0))
    with door, ThreadPoolExecutor(1) as other:
        asked = other.submit(call, "GET", f"{server}/v3/me", None, None)
        try:
            assert connecting.wait(30)
            with pytest.raises(OwnershipRefused, match="nothing was sent"):
                call("PATCH", f"{server}/v3/companies/TestCompany/apiCredentials/S2-9", "a key", {"active": False})
        finally:
            connects.set()
        assert asked.result(30).status == 200


def test_what_an_aiohttp_session_adds_is_seen(no_network: None) -> None:
    sandbox = Sandbox()
    admin = sandbox.provisioning

    async def ask(base_url: str, path: str) -> int:
        token = base64.b64encode(f"{admin.username}:{admin.password.reveal()}".encode()).decode()
        headers = {"Authorization": f"Basic {token}"}
        async with aiohttp.ClientSession(base_url, headers=headers) as session, session.get(path) as response:
            return response.status

    with intercepting(sandbox.app):
        assert asyncio.run(ask(f"{ORIGIN}/v3/", "me")) == 200
        assert asyncio.run(ask("https://shop.example.com", f"{ORIGIN}/v3/me")) == 200
        with pytest.raises(EndpointRefused, match="nothing was sent"):
            asyncio.run(ask("https://management-live.adyen.com", "/v3/me"))


def test_a_header_whose_name_is_spelled_otherwise_is_none_that_the_sandbox_knows(no_network: None) -> None:
    sandbox = Sandbox()
    key = sandbox.provisioning.api_key.reveal()

    with intercepting(sandbox.app):
        answers = [httpx.get(f"{ORIGIN}/v3/me", headers={name: key}) for name in ("X-API-Key", "X_API_Key")]

    assert [answer.status_code for answer in answers] == [200, 401]


class _Echo(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = json.dumps({"path": self.path, "key": self.headers.get("X-API-Key")}).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(request: pytest.FixtureRequest) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), getattr(request, "param", _Echo)) as httpd:
        thread = Thread(target=httpd.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_address[1]}"
        httpd.shutdown()
        thread.join()


@every_library
def test_other_hosts_are_let_through(call: Call, server: str, tmp_path: Path) -> None:
    with replaying(Cassette(()), "empty.yaml"):
        assert call("GET", f"{server}/a", None, None).json()["path"] == "/a"
    with intercepting(Sandbox().app):
        assert call("GET", f"{server}/b", None, None).json()["path"] == "/b"
    with recording(tmp_path / "x.yaml", Sandbox().app):
        assert call("GET", f"{server}/c", None, None).json()["path"] == "/c"
    assert serializer.read(tmp_path / "x.yaml").interactions == ()


@every_library
def test_the_network_is_recorded_as_well_and_the_host_made_canonical(call: Call, server: str, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    key = "AQE" + "s3cr3t" * 9
    with recording_live(path, server, key):
        call("POST", f"{server}/v3/me/allowedOrigins", key, {"domain": "https://a.example"})
        call("GET", f"{server}/v3/me?b=2&a=1", key, None)

    with replay(path, base_urls=("http://127.0.0.1:1",)):
        first = call("GET", "http://127.0.0.1:1/v3/me?a=1&b=2", "another key", None)
        again = call("GET", f"{ORIGIN}/v3/me?a=1&b=2", "another key", None)

    assert "s3cr3t" not in path.read_text()
    assert server not in path.read_text()
    assert first == again
    assert first.json()["key"].startswith("AQEPSEUDONYM")


@every_library
@pytest.mark.parametrize(
    "url", [f"{ORIGIN}/v3/me", "https://x-live.adyenpayments.com/v3/me", "https://ca-test.adyen.com/"]
)
def test_a_miss_is_refused_whatever_the_library(call: Call, url: str, no_network: None) -> None:
    with replaying(Cassette(()), "empty.yaml"), pytest.raises(CassetteError, match=r"empty\.yaml: holds no answer"):
        call("POST", url, None, {"a": 1})


@every_library
def test_a_live_host_is_refused_while_recording_or_intercepting(call: Call, tmp_path: Path, no_network: None) -> None:
    url = "https://abc-management-live.adyenpayments.com/v3/me"

    with intercepting(Sandbox().app), pytest.raises(EndpointRefused):
        call("GET", url, None, None)
    with recording(tmp_path / "x.yaml", Sandbox().app), pytest.raises(EndpointRefused):
        call("GET", url, None, None)
    with recording_live(tmp_path / "y.yaml", f"{ORIGIN}/v3"), pytest.raises(EndpointRefused):
        call("GET", url, None, None)


@every_library
def test_secrets_that_code_under_test_receives_are_registered_for_masking(call: Call, tmp_path: Path) -> None:
    key = "AQEunheard-of" + tmp_path.name * 3

    with recording(tmp_path / "x.yaml", Sandbox().app):
        call("GET", f"{ORIGIN}/v3/me", key, None)

    assert key not in SECRETS.mask(f"key={key}")


def test_repeated_requests_on_one_connection_are_each_answered(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    sandbox = Sandbox()
    key = sandbox.provisioning.api_key.reveal()
    bodies = [{"domain": f"https://{number}.example"} for number in range(3)]

    def add(session: requests.Session, body: Any) -> Any:
        headers = {"X-API-Key": key}
        return session.post(f"{ORIGIN}/v3/me/allowedOrigins", json=body, headers=headers, timeout=5).json()["domain"]

    with recording(path, sandbox.app), requests.Session() as session:
        recorded = [add(session, body) for body in bodies]
    with replay(path), requests.Session() as session:
        replayed = [add(session, body) for body in reversed(bodies)]
        with pytest.raises(CassetteError, match="recorded 1 time, and every answer has been given"):
            add(session, bodies[0])

    assert replayed == recorded[::-1]


@pytest.mark.parametrize("module", ["httpx", "httpx2"])
def test_a_mock_transport_stays_the_tests_own(module: str) -> None:
    library = pytest.importorskip(module)
    mock = library.MockTransport(lambda request: library.Response(418))

    with intercepting(Sandbox().app), library.Client(transport=mock) as client:
        assert client.get(f"{ORIGIN}/v3/me").status_code == 418


@every_library
def test_a_compressed_answer_is_recorded_in_the_open(call: Call, tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    key = "AQE" + "c0mpr3ss3d" * 8

    def app(environ: Any, start_response: Any) -> list[bytes]:
        body = gzip.compress(json.dumps({"apiKey": key}).encode())
        headers = [
            ("Content-Type", "application/json"),
            ("Content-Encoding", "gzip"),
            ("Content-Length", str(len(body))),
        ]
        start_response("200 OK", headers)
        return [body]

    with recording(path, app):
        call("GET", f"{ORIGIN}/v3/me", None, None)

    assert '"apiKey": "AQEPSEUDONYM' in path.read_text()
    with replay(path):
        assert call("GET", f"{ORIGIN}/v3/me", None, None).json()["apiKey"].startswith("AQEPSEUDONYM")


class _Creates(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = json.dumps({"id": "S2-1234567890", "username": "ws_1@Company.X", "apiKey": "a key of its own"}).encode()
        coding = "gzip" if "gzip" in self.headers.get("Accept-Encoding", "") else "br"
        body = gzip.compress(body) if coding == "gzip" else b"\x8b\x06\x80 is unreadable \xff\x03"
        self.send_response(200)
        self.send_header("Content-Encoding", coding)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


@pytest.mark.parametrize("server", [_Creates], indirect=True)
def test_a_creation_is_known_whatever_its_answer_is_packed_in(server: str) -> None:
    ownership = Ownership(5)
    made = Recording(scrubber())
    url = f"{server}/v3/companies/X/apiCredentials"
    body = {"description": tag.make("abcdefgh", datetime.now(UTC) + timedelta(hours=1))}

    with live(server, ownership, made):
        headers = {"X-API-Key": "any", "Accept-Encoding": "br, gzip"}
        assert requests.post(url, json=body, headers=headers, timeout=5).json()["id"] == "S2-1234567890"
        assert ownership.created == ("S2-1234567890",)
        made.scrubbed(PROVENANCE)
        assert httpx.post(url, json=body, headers={"X-API-Key": "any", "Accept-Encoding": "br"}).status_code == 200

    assert ownership.budget.spent == 2
    with pytest.raises(CassetteError, match="cannot be searched for secrets"):
        made.scrubbed(PROVENANCE)


@every_library
def test_a_run_of_another_server_sends_nothing_to_adyens(call: Call, no_network: None) -> None:
    base_url = "https://kyc-test.adyen.com/v3"

    with (
        live(base_url, Ownership(5)),
        pytest.raises(EndpointRefused, match=rf"^GET {ORIGIN}/v3/me: this run goes to {base_url}; give code under"),
    ):
        call("GET", f"{ORIGIN}/v3/me", "a key", None)


def test_an_exchange_of_httpx_is_logged_as_it_is(server: str, tmp_path: Path) -> None:
    log = Recording(scrubber())
    with httpx.Client() as client:
        response = client.post(f"{server}/v3/me/allowedOrigins", json={"domain": "https://a.example"})
    meta = {"operation": "POST /me/allowedOrigins", "generated_by": "hand"}
    log.note(interaction_of(response.request, response, meta))
    made_at = datetime(2026, 11, 22, 1, 2, 3, tzinfo=UTC)

    written = log.scrubbed(provenance_of(load_contract("v1"), "live", made_at))
    serializer.write(tmp_path / "x.yaml", written)

    assert serializer.read(tmp_path / "x.yaml") == written
    assert written.provenance is not None
    assert written.provenance.recorded_at == "2026-11-22T01:02:03Z"
    assert (written.provenance.contract, written.provenance.contract_digest) == ("v1", load_contract("v1").digest)
    assert "vcrpy" in written.provenance.versions
    (recorded,) = written.interactions
    assert recorded.uri == f"{ORIGIN}/v3/me/allowedOrigins"
    assert recorded.meta == {"operation": "POST /me/allowedOrigins", "generated_by": "hand"}
    assert (tmp_path / "x.yaml").read_text().startswith("# Recorded from Adyen's test endpoint.\n")


@pytest.mark.parametrize(
    ("library", "lost", "late"),
    [
        ("httpx", httpx.ReadError, httpx.ReadTimeout),
        ("async httpx", httpx.ReadError, httpx.ReadTimeout),
        ("requests", requests.ConnectionError, requests.ReadTimeout),
        ("urllib3", urllib3.exceptions.HTTPError, urllib3.exceptions.HTTPError),
        ("urllib", ConnectionError, TimeoutError),
        ("aiohttp", aiohttp.ClientConnectionError, aiohttp.ServerTimeoutError),
    ],
)
def test_an_answer_that_does_not_come_is_the_librarys_own_error(
    library: str, lost: type[Exception], late: type[Exception]
) -> None:
    sandbox, call = Sandbox(), LIBRARIES[library]
    key = sandbox.provisioning.api_key.reveal()
    with intercepting(sandbox.app):
        for set_fault, error in ((sandbox.faults.reset, lost), (sandbox.faults.time_out, late)):
            set_fault("GET /me", times=None)  # urllib3 tries again
            with pytest.raises(error):
                call("GET", f"{ORIGIN}/v3/me", key, None)
            sandbox.faults.clear()


@every_library
def test_a_door_within_a_door_is_the_one_that_answers(call: Call, tmp_path: Path, no_network: None) -> None:
    outer, inner = Sandbox(company="Outer"), Sandbox(company="Inner")

    def company(sandbox: Sandbox) -> str:
        answer = call("GET", f"{ORIGIN}/v3/me", sandbox.provisioning.api_key.reveal(), None)
        return str(answer.json().get("companyName"))

    with intercepting(outer.app):
        before = company(outer)
        with recording(tmp_path / "x.yaml", inner.app):
            within = company(inner)
        with replay(tmp_path / "x.yaml"):
            replayed = company(outer)
        after = company(outer)

    assert (before, within, replayed, after) == ("Outer", "Inner", "PseudoCompany1", "Outer")


def test_concurrent_requests_are_recorded_in_the_order_of_asking(tmp_path: Path, server: str) -> None:
    async def gather() -> None:
        async with httpx.AsyncClient() as client:
            await asyncio.gather(*(client.get(f"{server}/v3/me?n={number}") for number in range(8)))

    for name in ("a.yaml", "b.yaml"):
        with recording_live(tmp_path / name, server):
            asyncio.run(gather())

    assert (tmp_path / "a.yaml").read_text() == (tmp_path / "b.yaml").read_text()


def test_an_aged_sandbox_key_replays_without_the_clock(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    sandbox = Sandbox(propagation_delay=timedelta(minutes=5))
    call = LIBRARIES["httpx"]
    admin = sandbox.provisioning.api_key.reveal()
    with recording(path, sandbox.app):
        key = call("POST", CREDENTIALS, admin, {"roles": ROLES}).json()["apiKey"]
        lived = [call("GET", f"{ORIGIN}/v3/me", key, None).status]
        sandbox.clock.advance(minutes=6)
        lived.append(call("GET", f"{ORIGIN}/v3/me", key, None).status)

    with replay(path):
        key = call("POST", CREDENTIALS, "x", {"roles": ROLES}).json()["apiKey"]
        replayed = [call("GET", f"{ORIGIN}/v3/me", key, None).status for _ in range(3)]

    assert lived == [401, 200]
    assert replayed == [401, 200, 200]


def test_the_date_is_the_only_thing_that_changes_between_two_recordings(tmp_path: Path) -> None:
    texts = []
    for number in range(2):
        path = tmp_path / f"{number}.yaml"
        made_at = datetime(2026, 11, 22, number, tzinfo=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        sandbox = Sandbox(seed=number)
        for _ in range(number * 3):  # whatever this worker did before
            LIBRARIES["httpx"]
        with recording(path, sandbox.app, Provenance("sandbox", made_at, "v3", "sha256:00", "g")):
            life(LIBRARIES["httpx"], sandbox)
        texts.append(path.read_text().splitlines())

    different = [(one, two) for one, two in zip(*texts, strict=True) if one != two]
    assert [line.split(":")[0].strip() for pair in different for line in pair] == ["recorded_at", "recorded_at"]
