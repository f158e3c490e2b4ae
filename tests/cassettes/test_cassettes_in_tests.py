"""Cassettes in users' tests: who answers, what is recorded and when, and what replay says."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from typing import Any

import pytest
from plugins import ALONE
from werkzeug import Response
from werkzeug.serving import make_server

from pytest_adyen_creds.cassettes import serializer
from pytest_adyen_creds.cassettes.modes import recorded_from
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.client import Clock
from pytest_adyen_creds.credentials.backend import Backend
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import SECRETS, Secret, SecretRegistry

REPLAY = "--adyen-backend=replay"
RECORD = "--adyen-record=all"
CHECK = ["cassettes", "check", "."]

SHOP = """
import asyncio, json, urllib.request
import aiohttp, httpx, pytest, requests, urllib3

URL = "https://management-test.adyen.com/v3/me"

def with_httpx(headers): return httpx.get(URL, headers=headers).json()
def with_requests(headers): return requests.get(URL, headers=headers, timeout=9).json()
def with_urllib3(headers): return urllib3.PoolManager().request("GET", URL, headers=headers).json()
def with_urllib(headers): return json.load(urllib.request.urlopen(urllib.request.Request(URL, headers=headers)))
def with_async_httpx(headers):
    async def ask():
        async with httpx.AsyncClient() as client:
            return (await client.get(URL, headers=headers)).json()
    return asyncio.run(ask())
def with_aiohttp(headers):
    async def ask():
        async with aiohttp.ClientSession() as session, session.get(URL, headers=headers) as answer:
            return await answer.json()
    return asyncio.run(ask())

LIBRARIES = [with_httpx, with_requests, with_urllib3, with_urllib, with_async_httpx, with_aiohttp]
"""

EVERY_WAY = (
    SHOP
    + """
from pytest_adyen_creds.secrets import SECRETS, Secret, SecretRegistry

@pytest.mark.parametrize("library", LIBRARIES)
def test_library(library, adyen_credential):
    body = library({"X-API-Key": adyen_credential.key().reveal()})
    assert body["id"] == adyen_credential.id and body["username"] == adyen_credential.username

def test_clients(adyen_credential, adyen_client, adyen_async_client, adyen_management):
    async def ask():
        return (await adyen_async_client.get("/me")).json()["id"]
    assert adyen_client.get("/me").json()["id"] == asyncio.run(ask()) == adyen_credential.id
    assert adyen_management.me.get()["username"] != adyen_credential.username

def test_sdk(adyen_sdk, adyen_credential):
    me = adyen_sdk.management.my_api_credential_api.get_api_credential_details()
    assert me.message["id"] == adyen_credential.id

@pytest.mark.adyen_credential(level="merchant", origins=["https://shop.example"])
def test_origins(adyen_credential, adyen_client):
    [origin] = adyen_client.get("/me/allowedOrigins").json()["data"]
    assert (origin["id"], origin["domain"]) == (adyen_credential.origins[0].id, "https://shop.example")
    made = adyen_client.post("/me/allowedOrigins", json={"domain": "https://two.example"}).json()
    assert adyen_client.delete(f"/me/allowedOrigins/{made['id']}").status_code == 204

def test_several(adyen_credentials):
    one, two = adyen_credentials.lease(), adyen_credentials.lease(level="merchant", preset="read-only")
    assert one.id != two.id
    body = requests.get(URL, auth=(two.username, two.password.reveal()), timeout=9).json()
    assert (body["id"], len(body["roles"])) == (two.id, len(two.roles))
    adyen_credentials.give_back(one)
    assert adyen_credentials.lease().id == one.id

class TestLife:
    def test_life(self, adyen_management, adyen_credential, adyen_client, adyen_sandbox):
        account = adyen_management.company(adyen_credential.account)
        made = account.create({"description": "a life", "roles": list(adyen_credential.roles)})
        def status(key):
            return requests.get(URL, headers={"X-API-Key": key.reveal()}, timeout=9).status_code
        def change(body):
            url = URL.replace("/me", f"/companies/{adyen_credential.account}/apiCredentials/{made['id']}")
            headers = {"X-API-Key": adyen_credential.key().reveal()}
            return requests.patch(url, json=body, headers=headers, timeout=9).json()
        first = made["apiKey"]
        assert status(first) == 200
        second = account.generate_api_key(made["id"])
        assert second != first
        assert (status(first), status(second)) == (200, 200)
        adyen_sandbox.clock.advance(hours=25)
        assert (status(first), status(second)) == (401, 200)
        assert change({"active": False})["active"] is False
        assert status(second) == 401
        assert adyen_client.get("/me").status_code == 200

def test_rotation(adyen_credential, adyen_client):
    rotated, _ = adyen_credential.rotate_api_key()
    assert rotated.key() != adyen_credential.key()
    assert with_requests({"X-API-Key": rotated.key().reveal()}) == adyen_client.get("/me").json()

def test_by_hand(adyen_balance_platform_credential, adyen_lem_credential):
    assert adyen_balance_platform_credential.kind == "balance-platform"
    assert adyen_lem_credential.kind == "lem"
    assert adyen_lem_credential.key() != adyen_balance_platform_credential.key()

@pytest.mark.usefixtures("adyen_traffic")
def test_code_under_test_alone():
    assert requests.get(URL, timeout=9).status_code == 401

def test_without_the_plugin():
    assert httpx.Client(transport=httpx.MockTransport(lambda request: httpx.Response(418))).get(URL).status_code == 418
"""
)
COUNT = 15


@pytest.fixture(autouse=True)
def nothing_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", ALONE)
    for name in ("ADYEN_MANAGEMENT_API_KEY", "ADYEN_COMPANY_ACCOUNT", "ADYEN_BASE_URL"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def nothing_to_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no run in this process leave secrets in its registry for the tests that come after."""
    for name, value in vars(SecretRegistry()).items():
        monkeypatch.setattr(SECRETS, name, value)


def cassettes(folder: Path) -> dict[str, str]:
    """Return the cassettes under ``folder``, each without its date."""
    texts = {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("cassettes/*/*.yaml")}
    return {name: re.sub(r'recorded_at: "[^"]*"', "recorded_at: then", text) for name, text in texts.items()}


@pytest.mark.slow("several runs of pytest")
def test_what_is_recorded_replays_whatever_asked(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(test_shop=EVERY_WAY)
    pytester.runpytest_inprocess(RECORD).assert_outcomes(passed=COUNT)
    recorded = cassettes(pytester.path)
    assert len(recorded) == COUNT - 2
    assert "cassettes/test_shop/TestLife.test_life.yaml" not in recorded
    pytester.makeconftest(
        """
        import socket, pytest
        @pytest.fixture(autouse=True, scope="session")
        def no_network():
            def refuse(*args, **kwargs):
                raise AssertionError("a connection was attempted")
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(socket.socket, "connect", refuse)
                patch.setattr(socket, "getaddrinfo", refuse)
                yield
        """
    )
    for mode in (REPLAY, "--adyen-backend=auto", "--adyen-backend=sandbox"):
        pytester.runpytest_inprocess(mode).assert_outcomes(passed=COUNT)
    assert cassettes(pytester.path) == recorded


@pytest.mark.slow("several runs of pytest")
def test_recordings_are_the_same_bytes_whichever_worker_makes_them(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shop=EVERY_WAY, test_more=EVERY_WAY)
    made = []
    for workers in ("-n4", "-n0"):
        pytester.runpytest_inprocess(RECORD, workers).assert_outcomes(passed=2 * COUNT)
        made.append(cassettes(pytester.path))
    assert len(made[0]) == 2 * (COUNT - 2)
    assert made[0] == made[1]
    pytester.runpytest_inprocess(REPLAY, "-n2").assert_outcomes(passed=2 * COUNT)


@pytest.mark.slow("several runs of pytest")
def test_a_recording_of_httpx_replays_with_requests_and_one_of_requests_with_the_sdk(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_shop=SHOP
        + """
import os
def ask(which, credential, sdk):
    if which == "sdk":
        return sdk.management.my_api_credential_api.get_api_credential_details().message
    return {"httpx": with_httpx, "requests": with_requests}[which]({"X-API-Key": credential.key().reveal()})

@pytest.mark.parametrize("number", [0, 1])
def test_ask(number, adyen_credential, adyen_sdk):
    assert ask(os.environ["WHICH"].split(",")[number], adyen_credential, adyen_sdk)["id"] == adyen_credential.id
"""
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WHICH", "httpx,requests")
        pytester.runpytest_inprocess(RECORD).assert_outcomes(passed=2)
        patch.setenv("WHICH", "requests,sdk")
        pytester.runpytest_inprocess(REPLAY).assert_outcomes(passed=2)


def test_a_wrong_key_gets_its_own_answer_again_and_not_that_of_the_lent_one(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import httpx, requests
        URL = "https://management-test.adyen.com/v3"
        def test_it(adyen_client, adyen_credential, adyen_management):
            def signed_in(password):
                return requests.get(URL + "/me", auth=(adyen_credential.username, password), timeout=9).status_code
            def listed(account):
                return adyen_management.send("GET", f"/companies/{account}/apiCredentials").status_code
            wrong = {"X-API-Key": "AQEwrongwrongwrongwrongwrong"}
            assert httpx.get(URL + "/me", headers=wrong).status_code == 401
            assert adyen_client.get("/me").status_code == 200
            assert httpx.get(URL + "/me", headers=wrong).status_code == 401
            assert adyen_client.get("/me").status_code == 200
            password = adyen_credential.password.reveal()
            assert [signed_in(each) for each in ("wrong-password-1", password)] == [401, 200]
            assert [listed(each) for each in ("TestCompany", "Nope", "TestCompany")] == [200, 403, 200]
        """
    )
    for arguments in (RECORD, REPLAY):
        pytester.runpytest_inprocess(arguments).assert_outcomes(passed=1)


TALKS = """
import httpx, pytest
URL = "https://management-test.adyen.com/v3"

def test_it(adyen_client):
    assert adyen_client.get("/me").status_code == 200
    {more}
"""


@pytest.mark.parametrize(
    "more",
    [
        "assert False",
        "raise RuntimeError",
        "pytest.skip('enough')",
        "pytest.xfail('known')",
    ],
)
def test_only_a_test_that_passed_is_recorded(pytester: pytest.Pytester, more: str) -> None:
    pytester.makepyfile(TALKS.format(more=more))
    pytester.runpytest_inprocess(RECORD)
    assert cassettes(pytester.path) == {}


def test_nothing_is_recorded_where_set_up_or_teardown_fails(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest
        @pytest.fixture
        def ends_badly():
            yield
            raise RuntimeError
        @pytest.fixture
        def begins_badly(adyen_client):
            adyen_client.get("/me")
            raise RuntimeError
        def test_one(adyen_client, ends_badly):
            adyen_client.get("/me")
        def test_two(begins_badly):
            pass
        """
    )
    pytester.runpytest_inprocess(RECORD).assert_outcomes(passed=1, errors=2)
    assert cassettes(pytester.path) == {}


def test_what_fixtures_ask_before_and_after_is_part_of_the_recording(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import httpx, pytest
        URL = "https://management-test.adyen.com/v3/me"
        @pytest.fixture(autouse=True)
        def around():
            assert httpx.get(URL + "?before").status_code == 401
            yield
            assert httpx.get(URL + "?after").status_code == 401
        def test_it(adyen_client):
            adyen_client.get("/me")
        """
    )
    for arguments in (RECORD, REPLAY):
        pytester.runpytest_inprocess(arguments).assert_outcomes(passed=1)
    (path,) = pytester.path.rglob("*.yaml")
    asked = [interaction.uri.partition("v3")[2] for interaction in serializer.read(path).interactions]
    assert asked == ["/me?before", "/me", "/me?after"]


def test_missing_records_what_is_missing_and_leaves_the_rest(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TALKS.format(more=""))
    pytester.runpytest_inprocess("--adyen-record=missing").assert_outcomes(passed=1)
    (path,) = pytester.path.rglob("*.yaml")
    before = path.read_bytes(), path.stat().st_mtime_ns
    pytester.runpytest_inprocess("--adyen-record=missing").assert_outcomes(passed=1)
    assert (path.read_bytes(), path.stat().st_mtime_ns) == before
    pytester.makepyfile(TALKS.format(more="adyen_client.get('/me/allowedOrigins')"))
    result = pytester.runpytest_inprocess(REPLAY)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            f"*{path.relative_to(Path.cwd())}: holds no answer to GET https://management-test.adyen.com/v3/me/allowedOrigins",
            "  nearest: interaction 1, GET https://management-test.adyen.com/v3/me",
            "  differs: path /v3/me/allowedOrigins, recorded /v3/me",
            "  to record it: run this test with --adyen-backend=sandbox (or --adyen-live) and --adyen-record=missing*",
        ]
    )
    pytester.runpytest_inprocess("--adyen-record=missing").assert_outcomes(passed=1)
    pytester.runpytest_inprocess(REPLAY).assert_outcomes(passed=1)
    assert len(serializer.read(path).interactions) == 2


def test_the_sandbox_does_not_fill_the_gaps_of_a_live_recording(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TALKS.format(more=""))
    pytester.runpytest_inprocess(RECORD).assert_outcomes(passed=1)
    (path,) = pytester.path.rglob("*.yaml")
    path.write_text(path.read_text().replace("backend: sandbox", "backend: live"))
    text = path.read_text()
    pytester.runpytest_inprocess("--adyen-record=missing").assert_outcomes(passed=1)
    pytester.makepyfile(TALKS.format(more="adyen_client.get('/me/allowedOrigins')"))
    result = pytester.runpytest_inprocess("--adyen-record=missing")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*lacks what this test asks for, and it was not recorded from the embedded sandbox*"])
    assert path.read_text() == text


def test_a_missing_cassette_says_how_to_record_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import httpx, pytest
        def test_lease(adyen_credential): pass
        def test_management(adyen_management): adyen_management.me.get()
        @pytest.mark.usefixtures("adyen_traffic")
        def test_library(): httpx.get("https://management-test.adyen.com/v3/me")
        @pytest.mark.usefixtures("adyen_traffic")
        def test_swallowed():
            try:
                httpx.get("https://management-test.adyen.com/v3/me")
            except Exception:
                pass
        def test_skipped(adyen_traffic): pytest.skip("asks for nothing")
        """
    )
    result = pytester.runpytest_inprocess(REPLAY)
    result.assert_outcomes(failed=2, passed=1, errors=2, skipped=1)
    for name in ("test_lease", "test_management", "test_library", "test_swallowed"):
        result.stdout.fnmatch_lines(
            [f"*no such cassette; record it with --adyen-backend=sandbox --adyen-record=missing *: */{name}.yaml"]
        )


@pytest.mark.parametrize("host", ["management-test.adyen.com", "checkout-test.adyen.com", "x-live.adyenpayments.com"])
def test_replay_reaches_no_host_of_adyen(pytester: pytest.Pytester, host: str) -> None:
    pytester.makepyfile(
        SHOP.replace("https://management-test.adyen.com/v3/me", f"https://{host}/v3/me")
        + """
@pytest.mark.parametrize("library", LIBRARIES)
def test_it(library, adyen_traffic):
    with pytest.raises(Exception, match="no such cassette"):
        library({})
"""
    )
    pytester.runpytest_inprocess(REPLAY).assert_outcomes(passed=6, errors=6)


def test_a_test_without_the_plugins_fixtures_is_never_touched(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import httpx, http.client
        before = httpx.HTTPTransport.handle_request, http.client.HTTPSConnection
        def test_uses(adyen_client):
            assert (httpx.HTTPTransport.handle_request, http.client.HTTPSConnection) != before
        def test_does_not(adyen_settings, adyen_contract):
            assert (httpx.HTTPTransport.handle_request, http.client.HTTPSConnection) == before
        """
    )
    pytester.runpytest_inprocess(RECORD).assert_outcomes(passed=2)
    assert [Path(name).stem for name in cassettes(pytester.path)] == ["test_uses"]


def test_a_test_that_drives_the_sandbox_is_always_answered_by_it(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_it(adyen_sandbox, adyen_credential, adyen_client, adyen_management):
            made = adyen_management.company("TestCompany").create({"roles": list(adyen_credential.roles)})
            assert adyen_sandbox.customer_area.credential(made["id"]).active
            fault = adyen_sandbox.faults.status(500, "GET /me", times=2)
            assert adyen_client.get("/me").status_code == 500
            assert adyen_management.me.get()["username"]
            assert adyen_sandbox.faults.struck(fault.id) == 2
        def test_again(adyen_sandbox, adyen_management):
            assert adyen_management.me.get()["username"] == adyen_sandbox.provisioning.username
        """
    )
    for arguments in ([REPLAY], [RECORD], ["--adyen-backend=auto"], [REPLAY, "-p", "no:randomly"]):
        pytester.runpytest_inprocess(*arguments).assert_outcomes(passed=2)
    assert cassettes(pytester.path) == {}


def test_a_credential_that_was_not_recorded_is_asked_for(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("def test_it(adyen_credential): pass")
    pytester.runpytest_inprocess(RECORD).assert_outcomes(passed=1)
    pytester.makepyfile(
        """
        import pytest
        @pytest.mark.adyen_credential(level="merchant", fresh=True)
        def test_it(adyen_credential): pass
        """
    )
    result = pytester.runpytest_inprocess(REPLAY)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*holds no further credential like the one*level='merchant'*record it again with*"])


def test_a_cassette_of_no_use_says_what_to_do(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TALKS.format(more=""))
    pytester.runpytest_inprocess(RECORD).assert_outcomes(passed=1)
    (path,) = pytester.path.rglob("*.yaml")
    whole = path.read_text()

    result = pytester.runpytest_inprocess(REPLAY, "--adyen-api-version=v1")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*recorded for v3, this run is v1: run it with --adyen-api-version=v3, or replace *"])
    for text in ("", whole[: len(whole) // 2], "{"):
        path.write_text(text)
        result = pytester.runpytest_inprocess(REPLAY)
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([f"*{path}: *; record it again with --adyen-record=all"])


@pytest.mark.slow("several runs of pytest")
def test_a_stale_cassette_warns_and_is_an_error_where_the_ini_says_so(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(TALKS.format(more=""))
    pytester.runpytest_inprocess(RECORD).assert_outcomes(passed=1)
    (path,) = pytester.path.rglob("*.yaml")
    fresh = path.read_text()
    old = re.sub(r'recorded_at: "\d{4}', 'recorded_at: "2001', fresh)
    other = re.sub(r"contract_digest: sha256:\w+", "contract_digest: sha256:00", fresh)
    assert len({fresh, old, other}) == 3
    strict = "filterwarnings = error::pytest_adyen_creds.errors.StaleCassetteWarning"
    for text, says in ((old, "days ago, 90 are allowed"), (other, "another version of contract v3")):
        path.write_text(text)
        pytester.makeini("[pytest]\nadyen_cassette_max_age = 90")
        result = pytester.runpytest_inprocess()
        result.assert_outcomes(passed=1, warnings=1)
        stale = f"{path.relative_to(Path.cwd())} is stale: *{says}; record it again*"
        result.stdout.fnmatch_lines([f"*StaleCassetteWarning: {stale}"])
        pytester.makeini(f"[pytest]\nadyen_cassette_max_age = 90\n{strict}")
        result = pytester.runpytest_inprocess()
        result.assert_outcomes(errors=1)
        result.stdout.fnmatch_lines([stale])
        assert "modes.py" not in result.stdout.str()
    path.write_text(fresh)
    pytester.runpytest_inprocess().assert_outcomes(passed=1)


@pytest.fixture
def recorded(pytester: pytest.Pytester) -> Path:
    pytester.makepyfile(test_shop="def test_one(adyen_client): pass\ndef test_two(adyen_client): pass\n")
    pytester.runpytest_inprocess(RECORD).assert_outcomes(passed=2)
    return pytester.path / "cassettes" / "test_shop"


def test_an_orphan_is_found_without_a_run(
    pytester: pytest.Pytester, recorded: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    orphan = recorded / "test_two.yaml"
    assert main(CHECK) == 0
    pytester.makepyfile(
        test_shop="import pytest\ndef test_one(adyen_client): pass\nclass Mine:\n  def test_two(s): pass"
    )
    capsys.readouterr()
    assert main(CHECK) == 1
    [line] = [line for line in capsys.readouterr().out.splitlines() if "orphan" in line]
    assert line.startswith(f"{orphan.relative_to(pytester.path)}: orphan: test_shop.py has no test test_two; remove it")
    orphan.unlink()
    assert main(CHECK) == 0


@pytest.mark.slow("several runs of pytest")
def test_a_run_says_where_a_cassette_of_an_earlier_name_lies(pytester: pytest.Pytester, recorded: Path) -> None:
    pytester.makepyfile(test_shop="def test_one(adyen_client): pass\ndef test_other(adyen_client): pass\n")
    for more, said in (
        ((), True),
        (("-n2",), True),
        (("-k", "test_one"), False),
        (("--adyen-backend=sandbox",), False),
    ):
        result = pytester.runpytest_inprocess(*more)
        line = (
            "adyen: the sandbox answered a test, and *test_two.yaml lies there: *has no test test_two; remove it, or*"
        )
        (result.stdout.fnmatch_lines([line]) if said else result.stdout.no_fnmatch_line(line))


@pytest.mark.slow("several runs of pytest")
def test_beside_pytest_recording(pytester: pytest.Pytester, recording: None) -> None:
    pytester.makepyfile(
        test_both="""
        import http.server, threading, httpx, pytest

        @pytest.fixture(scope="module")
        def server():
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_GET(self):
                    self.send_response(200)
                    self.send_header("Content-Length", "5")
                    self.end_headers()
                    self.wfile.write(b"hello")
                def log_message(self, *args): pass
            with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as httpd:
                thread = threading.Thread(target=httpd.serve_forever, args=(0.01,))
                thread.start()
                yield f"http://127.0.0.1:{httpd.server_address[1]}/"
                httpd.shutdown()
                thread.join()

        @pytest.mark.vcr(match_on=["method", "path"])
        def test_theirs(server):
            assert httpx.get(server).text == "hello"

        @pytest.mark.vcr(match_on=["method", "path"])
        def test_both(server, adyen_client):
            assert adyen_client.get("/me").status_code == 200
            assert httpx.get(server).text == "hello"

        def test_ours(adyen_client):
            assert adyen_client.get("/me").status_code == 200
        """
    )
    pytester.runpytest_subprocess(RECORD, "--record-mode=once").assert_outcomes(passed=3)
    names = sorted(path.name for path in pytester.path.rglob("*.yaml"))
    assert names == ["test_both.adyen.yaml", "test_both.yaml", "test_ours.yaml", "test_theirs.yaml"]
    pytester.runpytest_subprocess(REPLAY, "--record-mode=none").assert_outcomes(passed=3)
    assert main(CHECK) == 0


@pytest.mark.slow("several runs of pytest")
def test_asynchronous_tests(pytester: pytest.Pytester) -> None:
    pytester.makeconftest("import pytest\n@pytest.fixture\ndef anyio_backend(): return 'asyncio'")
    pytester.makepyfile(
        """
        import aiohttp, httpx, pytest
        pytestmark = pytest.mark.anyio
        URL = "https://management-test.adyen.com/v3/me"

        @pytest.fixture
        async def before(adyen_credential):
            async with httpx.AsyncClient(headers={"X-API-Key": adyen_credential.key().reveal()}) as client:
                yield (await client.get(URL)).json()["id"]

        async def test_it(before, adyen_credential, adyen_async_client):
            assert before == adyen_credential.id
            assert (await adyen_async_client.get("/me")).json()["id"] == before
            headers = {"X-API-Key": adyen_credential.key().reveal()}
            async with aiohttp.ClientSession() as session, session.get(URL, headers=headers) as answer:
                assert (await answer.json())["id"] == before
        """
    )
    for arguments in (RECORD, REPLAY):
        pytester.runpytest_inprocess(arguments, "-p", "anyio").assert_outcomes(passed=1)


def test_drift_is_looked_for_without_letting_anything_out(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import requests
        def test_it(adyen_credential, adyen_drift):
            headers = {"X-API-Key": adyen_credential.key().reveal()}
            body = requests.get("https://management-test.adyen.com/v3/me", headers=headers, timeout=9).json()
            assert body["id"] == adyen_credential.id
            assert adyen_drift.answers == 1
            adyen_drift.assert_none()
        """
    )
    for arguments in (RECORD, REPLAY, "--adyen-drift=fail"):
        pytester.runpytest_inprocess(arguments).assert_outcomes(passed=1)


@pytest.mark.parametrize(
    ("url", "source"), [("https://management-test.adyen.com/v3", "live"), ("http://127.0.0.1:8080/v3", "sandbox")]
)
def test_only_what_adyen_answered_is_called_live(url: str, source: str) -> None:
    backend = Backend(url, "AcmeCorp", None, Secret("a provisioning key"), Clock())
    assert recorded_from(backend) == source


LIVE = """
import requests, pytest

def test_own(adyen_credential, adyen_client, adyen_settings):
    url = adyen_settings.base_url
    headers = {"X-API-Key": adyen_credential.key().reveal()}
    assert requests.get(f"{url}/me", headers=headers, timeout=9).json()["id"] == adyen_credential.id
    added = requests.post(f"{url}/me/allowedOrigins", json={"domain": "https://a.example"}, headers=headers, timeout=9)
    assert added.status_code == 200
    assert adyen_client.get("/me/allowedOrigins").json()["data"][0]["id"] == added.json()["id"]

def test_someone_elses(adyen_credential, adyen_settings, adyen_management):
    other = adyen_management.me.get()["id"]
    url = f"{adyen_settings.base_url}/companies/{adyen_credential.account}/apiCredentials/{other}"
    headers = {"X-API-Key": adyen_credential.key().reveal()}
    with pytest.raises(Exception, match="holds no lease"):
        requests.patch(url, json={"active": False}, headers=headers, timeout=9)
"""


class AsThePlatform:
    """A server's application with the platform's ids and headers around the sandbox's answers."""

    def __init__(self, app: Any) -> None:
        self.app = app

    def __call__(self, environ: dict[str, Any], start_response: Any) -> list[bytes]:
        for name in ("PATH_INFO", "REQUEST_URI", "RAW_URI"):
            if name in environ:
                environ[name] = environ[name].replace("CRED42ABC12345678M00", "S2-")
        answer = Response.from_app(self.app, environ)
        body = answer.get_data().replace(b"S2-", b"CRED42ABC12345678M00")
        answer.set_data(body)
        answer.headers["Set-Cookie"] = "JSESSIONID=B7C1D2E3F4A5968778695A4B3C2D1E0F; Path=/; Secure"
        answer.headers["Traceparent"] = "00-c2aa70915402f1d1eed32b0123ac213e-0308b1f0b9147089-01"
        answer.headers["Requestid"] = "9e30815c-35b2-c75e-11c1-b1030b96bf20_0-9E30815C34FZ2822"
        return list(answer(environ, start_response))


@pytest.mark.slow("several runs of pytest")
def test_a_live_recording_holds_nothing_that_says_who_asked(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(test_live=LIVE)
    sandbox = Sandbox(company="AcmeCorp")
    monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY", sandbox.provisioning.api_key.reveal())
    monkeypatch.setenv("ADYEN_COMPANY_ACCOUNT", "AcmeCorp")
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path / "state"))
    monkeypatch.setenv("HOME", str(pytester.path / "home"))
    server = make_server("127.0.0.1", 0, AsThePlatform(sandbox.app), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        url = f"--adyen-base-url=http://127.0.0.1:{server.server_port}/v3"
        pytester.runpytest_inprocess("--adyen-live", url, RECORD).assert_outcomes(passed=2)
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    texts = cassettes(pytester.path).values()
    assert len(texts) == 2
    for text in texts:
        assert not re.search("CRED42|JSESSIONID|B7C1D2E3|c2aa7091|9e30815c|AcmeCorp|ws_(?!00)", text)
        assert "S2-000000000" in text


@pytest.mark.slow("several runs of pytest")
def test_live_traffic_is_guarded_and_recorded(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(test_live=LIVE)
    sandbox = Sandbox(company="AcmeCorp")
    monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY", sandbox.provisioning.api_key.reveal())
    monkeypatch.setenv("ADYEN_COMPANY_ACCOUNT", "AcmeCorp")
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path / "state"))
    monkeypatch.setenv("HOME", str(pytester.path / "home"))
    with sandbox.serve() as server:
        url = f"--adyen-base-url={server.url}/v3"
        pytester.runpytest_inprocess("--adyen-live", url).assert_outcomes(passed=2)
        pytester.runpytest_inprocess("--adyen-live", url, RECORD).assert_outcomes(passed=2)
    assert all(
        credential.active is (credential.username == "ws@Company.AcmeCorp")
        for credential in sandbox.customer_area.credentials()
    )
    texts = cassettes(pytester.path)
    assert len(texts) == 2
    for text in texts.values():
        assert text.startswith("# Recorded from the embedded sandbox: its answers are not Adyen's answers.")
        assert "AcmeCorp" not in text
        assert server.url not in text
    own = serializer.read(pytester.path / "cassettes" / "test_live" / "test_own.yaml")
    assert [(each.method, each.uri[len("https://management-test.adyen.com") :]) for each in own.interactions] == [
        ("GET", "/v3/me"),
        ("POST", "/v3/me/allowedOrigins"),
        ("GET", "/v3/me/allowedOrigins"),
    ]
    monkeypatch.delenv("ADYEN_MANAGEMENT_API_KEY")
    monkeypatch.delenv("ADYEN_COMPANY_ACCOUNT")
    pytester.runpytest_inprocess(REPLAY, "-k", "own").assert_outcomes(passed=1, deselected=1)
