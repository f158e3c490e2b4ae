"""Runs of pytest with --adyen-roles: what is observed, written, failed, and explained."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from roles_suites import API_CREDENTIALS, READ, STORES_URL, USERS, WRITE, Runs, calls_of

from pytest_adyen_creds.credentials.needed_roles import FILE, needed_by, write_needed
from pytest_adyen_creds.errors import CredentialError
from pytest_adyen_creds.sandbox import Sandbox

READS = f"throwaway at company level with {READ}"
PLAIN = f"throwaway at company level with {API_CREDENTIALS}"

SUITE = f"""
import pytest

READ, USERS = {READ!r}, {USERS!r}

@pytest.fixture
def listed(adyen_client):
    return adyen_client.get("/companies/TestCompany/apiCredentials")

def test_setup(listed):
    assert listed.status_code == 200

@pytest.mark.adyen_credential(roles=[READ, USERS])
@pytest.mark.parametrize("number", range(2))
def test_each(adyen_client, number):
    assert adyen_client.get("/me").status_code == 200
    assert adyen_client.get("/me/allowedOrigins/none").status_code == 422

@pytest.mark.adyen_credential(roles=[READ])
def test_refused(adyen_client):
    assert adyen_client.get("/companies/TestCompany/apiCredentials").status_code == 403

def test_two(adyen_credentials, adyen_traffic):
    import httpx
    for roles in ([READ], [{API_CREDENTIALS!r}]):
        key = adyen_credentials.lease(roles=roles).key().reveal()
        url = "https://management-test.adyen.com/v3/companies/TestCompany/apiCredentials"
        httpx.get(url, headers={{"X-API-Key": key}})

def test_management(adyen_management):
    list(adyen_management.company("TestCompany").iterate())

def test_nothing(): pass
"""


@pytest.fixture
def suite(runs: Runs) -> Runs:
    runs.pytester.makepyfile(test_it=SUITE)
    return runs


def test_what_a_suite_needs(suite: Runs) -> None:
    result = suite("-v")
    result.assert_outcomes(passed=7)
    roles = suite.roles()
    both = f"throwaway at company level with {READ}, {USERS}"
    listing = "GET /companies/{companyId}/apiCredentials"
    assert sorted(calls_of(roles)) == [
        ("test_each[0]", both, "GET /me", False),
        ("test_each[0]", both, "GET /me/allowedOrigins/{originId}", False),
        ("test_each[1]", both, "GET /me", False),
        ("test_each[1]", both, "GET /me/allowedOrigins/{originId}", False),
        ("test_management", "the provisioning credential", listing, False),
        ("test_refused", READS, listing, True),
        ("test_setup", PLAIN, listing, False),
        ("test_two", PLAIN, listing, False),
        ("test_two", READS, listing, True),
    ]
    assert roles["needed"] == [API_CREDENTIALS]
    assert roles["granted_unused"] == [{"credential": READS, "role": READ}, {"credential": both, "role": USERS}]
    assert roles["by_test"] == {
        "test_it.py::test_each[0]": [API_CREDENTIALS],
        "test_it.py::test_each[1]": [API_CREDENTIALS],
        "test_it.py::test_management": [API_CREDENTIALS],
        "test_it.py::test_setup": [API_CREDENTIALS],
        "test_it.py::test_two": [API_CREDENTIALS],
    }
    result.stdout.fnmatch_lines(
        [
            "*- Adyen roles -*",
            f"needed   {API_CREDENTIALS}  GET /companies/{{companyId}}/apiCredentials, *; 5 tests",
            f"unused   {READS}: {READ}",
            f"unused   {both}: {USERS}",
            f"refused  {listing} to {READS} (test_it.py::test_refused): lacks {API_CREDENTIALS}",
            f"refused  {listing} to {READS} (test_it.py::test_two): lacks {API_CREDENTIALS}",
            f"test     test_it.py::test_each?0?: {API_CREDENTIALS}",
            "1 role needed by 5 tests, 2 granted for nothing, 2 refusals",
        ]
    )
    assert result.stdout.str().count("refused for want of a role") == 0  # nothing failed


@pytest.mark.slow("workers")
def test_workers_see_the_same(suite: Runs, pytester: pytest.Pytester) -> None:
    tables = []
    for name, options in (("one.json", ()), ("many.json", ("-n", "4"))):
        result = pytester.runpytest_inprocess(
            "-v", "-p", "no:randomly", "-p", "no:cacheprovider", "--adyen-roles", f"--adyen-report={name}", *options
        )
        result.assert_outcomes(passed=7)
        table = result.stdout.str().partition("- Adyen roles -")[2].partition("- Adyen drift -")[0]
        tables.append(table.strip("-\n").splitlines())
    assert tables[0] == tables[1]
    assert len(tables[0]) > 5
    assert json.dumps(suite.roles("one.json")) == json.dumps(suite.roles("many.json"))


def test_one_of_several_roles_is_chosen_over_an_imported_api(with_stores: Runs) -> None:
    with_stores.pytester.makepyfile(
        f"""
        import httpx, pytest

        @pytest.mark.adyen_credential(roles={[READ, WRITE, USERS, API_CREDENTIALS]!r})
        @pytest.mark.parametrize("path", ["stores", "users", "open"])
        def test_it(adyen_credential, path):
            answer = httpx.get("{STORES_URL}/" + path, headers={{"X-API-Key": adyen_credential.key().reveal()}})
            assert answer.status_code == 200
        """
    )
    with_stores().assert_outcomes(passed=3)
    roles = with_stores.roles()
    assert roles["needed"] == [READ]
    assert {each["role"] for each in roles["granted_unused"]} == {WRITE, USERS, API_CREDENTIALS}
    assert roles["unknown"] == ["stores/v1: GET /open"]
    assert roles["demands"] == {
        "stores/v1: GET /stores": {"one": [READ, WRITE]},
        "stores/v1: GET /users": {"one": [READ, USERS]},
    }


WAYS = """
import asyncio, aiohttp, httpx, pytest, requests, urllib.request

def by_requests(url, key):
    requests.get(url, headers={"x-api-key": key}, timeout=10)

def by_urllib(url, key):
    urllib.request.urlopen(urllib.request.Request(url, headers={"X-Api-Key": key}), timeout=10).read()

def by_aiohttp(url, key):
    async def ask():
        async with aiohttp.ClientSession() as session, session.get(url, headers={"X-API-Key": key}) as response:
            await response.read()
    asyncio.run(ask())

def by_async_httpx(url, key):
    async def ask():
        async with httpx.AsyncClient() as client:
            await client.get(url, headers={"X-API-Key": key})
    asyncio.run(ask())

@pytest.mark.parametrize("way", [by_requests, by_urllib, by_aiohttp, by_async_httpx])
def test_library(way, adyen_credential, adyen_settings):
    way(adyen_settings.base_url + "/me", adyen_credential.key().reveal())

def test_basic(adyen_credential, adyen_settings):
    pair = (adyen_credential.username, adyen_credential.password.reveal())
    assert requests.get(adyen_settings.base_url + "/me", auth=pair, timeout=10).status_code == 200

def test_fixture(adyen_client):
    adyen_client.get("/me")

def test_async_fixture(adyen_async_client):
    asyncio.run(adyen_async_client.get("/me"))

def test_sdk(adyen_sdk):
    adyen_sdk.management.my_api_credential_api.get_api_credential_details()

def test_rotated(adyen_credential, adyen_settings):
    new = adyen_credential.rotate_api_key().credential.key().reveal()
    for key in (new, adyen_credential.key().reveal()):
        by_requests(adyen_settings.base_url + "/me", key)"""


def expect_every_way(roles: dict[str, Any]) -> None:
    assert roles["unknown"] == []
    calls = list(calls_of(roles))
    assert {operation for _, _, operation, _ in calls} == {"GET /me"}
    assert {name for _, name, _, _ in calls} == {PLAIN}
    names = {test for test, _, _, _ in calls}
    ways = {f"test_library[by_{way}]" for way in ("requests", "urllib", "aiohttp", "async_httpx")}
    others = {"test_basic", "test_fixture", "test_async_fixture", "test_rotated"}
    assert names - {"test_sdk"} == ways | others
    rotated = [each["count"] for each in roles["calls"] if each["test"].endswith("test_rotated")]
    assert rotated == [2]
    assert roles["granted_unused"] == []


@pytest.fixture
def ways(runs: Runs) -> Runs:
    runs.pytester.makepyfile(test_ways=WAYS)
    return runs


@pytest.mark.slow("several runs of pytest")
def test_whatever_library_asks_the_sandbox(ways: Runs) -> None:
    assert ways().ret == 0
    expect_every_way(ways.roles())


def live(runs: Runs, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, url: str, *arguments: str) -> pytest.RunResult:
    monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY", sandbox.provisioning.api_key.reveal())
    monkeypatch.setenv("ADYEN_COMPANY_ACCOUNT", sandbox.company)
    monkeypatch.setenv("XDG_STATE_HOME", str(runs.pytester.path / "state"))
    return runs("--adyen-live", f"--adyen-base-url={url}/v3", *arguments)


def test_whatever_library_asks_a_live_server(ways: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox()
    with sandbox.serve() as server:
        result = live(ways, sandbox, monkeypatch, server.url)
    assert result.ret == 0, result.stdout.str()
    expect_every_way(ways.roles())


@pytest.mark.slow("several runs of pytest")
def test_a_recording_shows_the_same_as_what_was_recorded(runs: Runs) -> None:
    runs.pytester.makepyfile(test_it=SUITE.partition("def test_two")[0])
    runs("--adyen-backend=sandbox", "--adyen-record=all", name="recorded.json").assert_outcomes(passed=4)
    runs("--adyen-backend=replay", name="replayed.json").assert_outcomes(passed=4)
    assert runs.roles("replayed.json") == runs.roles("recorded.json")
    # without the option a run of recordings is not observed: it may be thousands of requests a second
    result = runs.pytester.runpytest_inprocess("--adyen-backend=replay", "--adyen-report=plain.json")
    result.assert_outcomes(passed=4)
    assert runs.roles("plain.json")["calls"] == []


def test_what_a_rehearsal_asks_again_is_not_counted(runs: Runs) -> None:
    runs.pytester.makepyfile(
        """
        def test_it(adyen_client):
            adyen_client.get("/me").raise_for_status()
        """
    )
    runs("--adyen-rehearse").assert_outcomes(passed=1)
    report = json.loads((runs.pytester.path / "roles.json").read_text())
    assert report["rehearsed"][0]["runs"] > 0
    assert [each["count"] for each in report["roles"]["calls"]] == [1]


@pytest.mark.parametrize("where", ["option", "ini"])
@pytest.mark.parametrize("value", ["nonsense", "report,fail", "../tests"])
def test_a_value_that_is_none_is_refused_with_those_there_are(runs: Runs, where: str, value: str) -> None:
    runs.pytester.makepyfile("def test_it(adyen_client): pass")
    if where == "ini":
        runs.pytester.makeini(f"[pytest]\nadyen_roles = {value}\n")
        result = runs.pytester.runpytest_inprocess()
    else:
        result = runs.pytester.runpytest_inprocess(f"--adyen-roles={value}")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*report, fail, write*prove*"])


def test_a_path_after_the_bare_option_is_a_path(runs: Runs) -> None:
    for name in ("one", "report"):
        runs.pytester.makepyfile(**{f"test_{name}": "def test_it(adyen_client): adyen_client.get('/me')"})
    result = runs.pytester.runpytest_inprocess("--adyen-roles", "test_one.py")
    result.assert_outcomes(passed=1)
    result.stdout.fnmatch_lines(["1 role needed by 1 test, 0 granted for nothing, 0 refusals"])


def test_the_ini_file_can_ask_for_it(runs: Runs) -> None:
    runs.pytester.makepyfile("def test_it(adyen_client): pass")
    runs.pytester.makeini("[pytest]\nadyen_roles = fail\n")
    result = runs.pytester.runpytest_inprocess()
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.stdout.fnmatch_lines(["roles fail this run (--adyen-roles=fail): 1 role granted for nothing"])


UNUSED = f"""
import pytest

@pytest.mark.adyen_credential(roles=[{READ!r}, {USERS!r}])
def test_it(adyen_client):
    assert adyen_client.get("/me").status_code == 200
"""


SEVERAL = pytest.mark.slow("several runs of pytest")


@pytest.mark.parametrize(
    ("entry", "accepted"),
    [
        (f'message = "{USERS}"', True),
        (f'message = "{READ}"', False),
        pytest.param(f'location = "throwaway at company level with {READ}, {USERS}"', True, marks=SEVERAL),
        pytest.param(
            f'message = "{USERS}"\nlocation = "throwaway at company level with {READ}, {USERS}"', True, marks=SEVERAL
        ),
        pytest.param("", True, marks=SEVERAL),
        pytest.param('location = "another"', False, marks=SEVERAL),
        pytest.param(f'message = "{USERS}"\nexpires = 2020-01-01', False, marks=SEVERAL),
    ],
)
def test_the_baseline_accepts_a_role_that_is_granted_for_nothing(runs: Runs, entry: str, accepted: bool) -> None:
    runs.pytester.makepyfile(test_it=UNUSED)
    baseline = runs.pytester.path / "baseline.toml"
    baseline.write_text(f'[[accepted]]\nid = "role-unused"\nreason = "the next release needs it"\n{entry}\n')
    result = runs("--adyen-roles=fail", "--adyen-drift-baseline=baseline.toml", "--adyen-drift=fail")
    assert result.ret == (pytest.ExitCode.OK if accepted else pytest.ExitCode.TESTS_FAILED)
    output = result.stdout.str()
    assert ("1 role granted for nothing accepted by the baseline" in output) == accepted
    assert ("roles fail this run" in output) != accepted
    assert "not met" not in output  # an entry about roles is nothing that drift misses


@pytest.mark.slow("several runs of pytest")
def test_a_role_that_nothing_needs_fails_the_run_that_would_pass(runs: Runs) -> None:
    runs.pytester.makepyfile(test_it=UNUSED)
    assert runs("--adyen-roles=report").ret == pytest.ExitCode.OK
    result = runs("--adyen-roles=fail")
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    result.assert_outcomes(passed=1)
    runs.pytester.makepyfile(test_it=UNUSED.replace(f", {USERS!r}", ""))
    assert runs("--adyen-roles=fail").ret == pytest.ExitCode.OK


NEEDED = """
import pytest

@pytest.mark.adyen_credential(roles="needed")
def test_it(adyen_credential, adyen_client):
    assert adyen_client.get("/me").json()["roles"] == [READ]
"""


def test_what_each_test_needs_is_written_and_leased(runs: Runs) -> None:
    file = runs.pytester.path / "adyen-roles.toml"
    file.write_text(
        '[tests]\n"test_other.py::test_kept" = ["A role", "Ünother"]\n"test_it.py::test_it" = ["old"]\n', "utf-8"
    )
    runs.pytester.makepyfile(test_it=UNUSED)
    result = runs("--adyen-roles=write")
    assert result.ret == pytest.ExitCode.OK
    result.stdout.fnmatch_lines(["*adyen-roles.toml*"])
    written = file.read_bytes()
    assert tomllib.loads(written.decode())["tests"] == {
        "test_it.py::test_it": [READ],
        "test_other.py::test_kept": ["A role", "Ünother"],
    }
    runs.pytester.makepyfile(test_it=NEEDED.replace("READ", repr(READ)))
    runs("--adyen-roles=fail").assert_outcomes(passed=1)
    runs("--adyen-roles=write").assert_outcomes(passed=1)
    assert file.read_bytes() == written


def test_a_test_that_failed_is_not_written(runs: Runs) -> None:
    runs.pytester.makepyfile(test_it=UNUSED + "    assert False\n")
    assert runs("--adyen-roles=write").ret == pytest.ExitCode.TESTS_FAILED
    assert tomllib.loads((runs.pytester.path / "adyen-roles.toml").read_text())["tests"] == {}


UNSAID = 'test_it.py::test_it: roles="needed", and adyen-roles.toml does not say what it needs; write it with '
NO_LISTS = "maps names of tests to lists of roles; correct it, or write it anew"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, UNSAID),
        ("", "adyen-roles.toml: is empty"),
        ("[tests]\n", UNSAID),
        ("[tests", "adyen-roles.toml: is not TOML"),
        ("tests = 5", NO_LISTS),
        ('[tests]\n"test_it.py::test_it" = "Role"', NO_LISTS),
        ('[tests]\n"another" = [5]', NO_LISTS),
    ],
)
def test_what_the_file_does_not_say_is_a_clear_error(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / FILE).write_text(text, "utf-8")
    with pytest.raises(CredentialError, match=r"^test_it\.py::test_it: ") as error:
        needed_by(tmp_path, "test_it.py::test_it")
    assert message in str(error.value)


def test_whatever_a_test_is_called_is_found_again(tmp_path: Path) -> None:
    names = ['a"b\\c', "t\x7f\x1b\n", "\U0001f600", "ü[x = y]#", "a.b.c"]
    write_needed(tmp_path, {name: (name, READ) for name in names})
    assert {name: needed_by(tmp_path, name) for name in names} == {name: (name, READ) for name in names}


def test_a_test_that_the_file_does_not_have_says_so_where_it_runs(runs: Runs) -> None:
    runs.pytester.makepyfile(test_it=NEEDED)
    result = runs()
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['roles="needed", and adyen-roles.toml does not say what it needs; write it with*'])
    assert "Traceback" not in result.stdout.str()


def test_a_file_that_cannot_be_read_is_not_written_over(runs: Runs) -> None:
    file = runs.pytester.path / "adyen-roles.toml"
    file.write_text("tests = 5")
    runs.pytester.makepyfile(test_it=UNUSED)
    result = runs("--adyen-roles=write")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert file.read_text() == "tests = 5"


@pytest.mark.parametrize(
    ("given", "answered", "leased"),
    [
        (f"{USERS}\n{API_CREDENTIALS}\n", [USERS, API_CREDENTIALS], [USERS, API_CREDENTIALS]),
        pytest.param("-", None, ["Checkout webservice role"], marks=SEVERAL),
    ],
)
def test_leases_have_the_roles_that_an_option_gives(
    runs: Runs, given: str, answered: list[str] | None, leased: list[str]
) -> None:
    runs.pytester.makepyfile(
        f"""
        import pytest

        @pytest.mark.adyen_credential(roles=[{READ!r}])
        def test_one(adyen_client):
            assert adyen_client.get("/me").json().get("roles") == {answered!r}

        def test_two(adyen_credentials):
            assert list(adyen_credentials.lease(preset="write").roles) == {leased!r}
        """
    )
    runs("-o", f"adyen_roles_given={given}").assert_outcomes(passed=2)


EXPLAINED = f"""
import pytest, requests
from pytest_adyen_creds.secrets import Secret

LISTING = "/companies/TestCompany/apiCredentials"
reads = pytest.mark.adyen_credential(roles=[{READ!r}])

@reads
def test_refused(adyen_client):
    adyen_client.get(LISTING)
    adyen_client.get(LISTING)
    adyen_client.get(LISTING + "/X")
    assert False

@reads
def test_passes(adyen_client):
    assert adyen_client.get(LISTING).status_code == 403

@reads
@pytest.mark.xfail
def test_expected(adyen_client):
    assert adyen_client.get(LISTING).status_code == 200

def test_another_company(adyen_client):
    adyen_client.get("/companies/Foreign/apiCredentials").raise_for_status()

@pytest.fixture
def refused_twice(adyen_client):
    yield adyen_client
    assert adyen_client.get(LISTING).status_code == 200

@reads
def test_teardown(refused_twice):
    refused_twice.get(LISTING).raise_for_status()

@pytest.fixture
def refused(adyen_client):
    adyen_client.get(LISTING).raise_for_status()

@reads
def test_setup(refused): pass

def test_by_requests(adyen_credential, adyen_settings):
    url = adyen_settings.base_url + LISTING
    assert requests.get(url, headers={{"X-API-Key": adyen_credential.key().reveal()}}, timeout=10).status_code == 200
"""


def sections(result: pytest.RunResult) -> dict[str, list[str]]:
    """Return what is explained, by test."""
    found: dict[str, list[str]] = {}
    name, inside = "", False
    for line in result.stdout.lines:
        if line.startswith("___"):
            name, inside = line.strip("_ "), False
        elif line.startswith("---"):
            inside = "Adyen: refused for want of a role" in line
        elif line.startswith("==="):
            inside = False
        elif inside and "was refused (403)" in line:
            found.setdefault(name, []).append(line)
    return found


def expect_explained(result: pytest.RunResult) -> None:
    result.assert_outcomes(failed=3, passed=2, errors=2, xfailed=1)
    found = sections(result)
    told = f"was refused (403): {READS} lacks {API_CREDENTIALS}. Give the role to the credential in the Customer Area "
    listing = "GET /companies/{companyId}/apiCredentials"
    by_test = {name: [line.partition(". Give")[0] for line in lines] for name, lines in found.items()}
    first = told.partition(". Give")[0]
    assert by_test == {
        "test_refused": [f"{listing} {first}", f"{listing}/{{apiCredentialId}} {first}"],
        "test_teardown": [f"{listing} {first}"],
        "ERROR at setup of test_setup": [f"{listing} {first}"],
    }
    assert all(told in line for lines in found.values() for line in lines)


@pytest.fixture
def explained(runs: Runs) -> Runs:
    runs.pytester.makepyfile(test_it=EXPLAINED)
    return runs


@pytest.mark.parametrize("options", [(), pytest.param(("--adyen-roles",), marks=SEVERAL)], ids=["plain", "observed"])
def test_a_403_of_the_sandbox_is_explained_once(explained: Runs, options: tuple[str, ...]) -> None:
    result = explained.pytester.runpytest_inprocess("-p", "no:cacheprovider", *options)
    expect_explained(result)


@pytest.mark.slow("several runs of pytest")
def test_a_403_of_a_live_server_is_explained_once(explained: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = Sandbox()
    with sandbox.serve() as server:
        result = live(explained, sandbox, monkeypatch, server.url)
    expect_explained(result)


def test_an_address_that_is_not_allowed_is_no_role(runs: Runs) -> None:
    runs.pytester.makepyfile(
        """
        def test_it(adyen_credential, adyen_client, adyen_sandbox):
            adyen_sandbox.customer_area.set_allowed_ips(adyen_credential.id, ["192.0.2.1"])
            assert adyen_client.get("/companies/TestCompany/apiCredentials").status_code == 200
        """
    )
    result = runs()
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E*assert 403 == 200"])
    assert sections(result) == {}
    assert runs.roles()["refused"] == []


def test_what_a_credential_of_unknown_roles_lacks_is_said_without_a_secret(runs: Runs) -> None:
    runs.pytester.makepyfile(
        f"""
        import requests

        def test_it(adyen_management, adyen_settings):
            made = adyen_management.company("TestCompany").create({{"roles": [{READ!r}]}})
            key = made["apiKey"].reveal()
            url = adyen_settings.base_url + "/companies/TestCompany/apiCredentials"
            answer = requests.get(url, headers={{"X-API-Key": key}}, timeout=10)
            print("asked with", key)
            answer.raise_for_status()
        """
    )
    result = runs()
    result.assert_outcomes(failed=1)
    ((line,),) = sections(result).values()
    assert f"was refused (403): it asks for {API_CREDENTIALS}. Give" in line
    assert "AQE" not in result.stdout.str()
    assert "AQE" not in (runs.pytester.path / "roles.json").read_text()


def test_reports_have_the_need_and_hostile_texts_stay_texts(runs: Runs) -> None:
    runs.pytester.makepyfile(
        f"""
        import pytest

        HOSTILE = "<script>alert(1)</script>&'\\"" + chr(0x1b) + "[31m"

        @pytest.mark.adyen_credential(roles=[{READ!r}, {USERS!r}])
        @pytest.mark.parametrize("text", [HOSTILE], ids=[HOSTILE])
        def test_it(adyen_client, text):
            adyen_client.get("/me")
            adyen_client.get("/companies/TestCompany/apiCredentials")
        """
    )
    result = runs("-v", "--adyen-report=page.html")
    result.assert_outcomes(passed=1)
    table = result.stdout.str().partition("- Adyen roles -")[2]
    assert "test_it[" in table
    assert "\x1b" not in table
    page = (runs.pytester.path / "page.html").read_text()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    for text in (READ, USERS, "GET /me", "The smallest set of roles", "What was refused for want of a role"):
        assert text in page
    roles = runs.roles()
    assert {"needed", "granted_unused", "refused", "by_test"} <= roles.keys()
    assert roles["needed"] == [READ]
    assert [each["missing"] for each in roles["refused"]] == [API_CREDENTIALS]


def test_a_secret_in_the_name_of_a_test_is_nowhere(runs: Runs) -> None:
    canary = "AQEcanaryOfRoles0042/InTheNameOfATest"
    runs.pytester.makepyfile(
        test_it=f"""
import pytest
from pytest_adyen_creds.secrets import Secret

Secret({canary!r})

@pytest.mark.adyen_credential(roles=[{READ!r}])
@pytest.mark.parametrize("text", ["x"], ids=[{canary!r}])
def test_it(adyen_client, text):
    adyen_client.get("/me")
    adyen_client.get("/companies/TestCompany/apiCredentials").raise_for_status()
"""
    )
    result = runs("--adyen-roles=write", "-v", "--adyen-report=page.html")
    assert canary not in result.stdout.str()
    for name in ("roles.json", "page.html", "adyen-roles.toml"):
        assert canary not in (runs.pytester.path / name).read_text()
