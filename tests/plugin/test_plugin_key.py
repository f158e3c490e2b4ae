"""The provisioning key: read once at start, out of the tests' reach, masked in every run of the plugin's."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.secrets import SECRETS, SecretRegistry

KEY = "AQEyhmfxK0nary/vFz3ne9Tests+Only-1x2y3z4w5v6u7t8s9r0q="
VARIABLES = ("ADYEN_MANAGEMENT_API_KEY", "ADYEN_MANAGEMENT_API_KEY_FILE")

LOOKING = """
import os, subprocess, sys
VARIABLES = ("ADYEN_MANAGEMENT_API_KEY", "ADYEN_MANAGEMENT_API_KEY_FILE")
def there():
    return [name for name in VARIABLES if name in os.environ]
AT_IMPORT = there()
"""

TESTS = (
    LOOKING
    + """
import conftest

def pytest_generate_tests(metafunc):
    if "found" in metafunc.fixturenames:
        metafunc.parametrize("found", [there()])

def test_nothing_is_there(found):
    assert AT_IMPORT == conftest.AT_IMPORT == found == there() == []

def test_nor_in_a_child():
    script = "import os; print([name for name in os.environ if name.startswith('ADYEN_MANAGEMENT')])"
    assert subprocess.run([sys.executable, "-c", script], capture_output=True, text=True).stdout == "[]\\n"
"""
)

FAILING = """
import pathlib
KEY = pathlib.Path("vault").read_text()

def test_it():
    print("printed", KEY)
    assert KEY == "x"
"""


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in vars(SecretRegistry()).items():
        monkeypatch.setattr(SECRETS, name, value)
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(params=VARIABLES)
def given(request: pytest.FixtureRequest, pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the variable that is set, to the key or to the path of a file that holds it."""
    value = KEY
    if request.param.endswith("_FILE"):
        value = str(pytester.path / "vault")
    (pytester.path / "vault").write_text(KEY)
    monkeypatch.setenv(request.param, value)
    return str(request.param)


@pytest.mark.slow("several runs of pytest")
@pytest.mark.parametrize("options", [(), ("--adyen-backend=sandbox",), ("-n1",)])
def test_no_code_of_the_tests_finds_it(pytester: pytest.Pytester, given: str, options: tuple[str, ...]) -> None:
    pytester.makeconftest(LOOKING)
    pytester.makepyfile(TESTS)
    pytester.runpytest_inprocess(*options).assert_outcomes(passed=2)


def test_it_comes_back_when_the_run_has_ended(pytester: pytest.Pytester, given: str) -> None:
    before = os.environ[given]
    pytester.makepyfile("import os\ndef test_it(): assert not [name for name in os.environ if 'MANAGEMENT' in name]")
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    assert os.environ[given] == before
    pytester.runpytest_inprocess("--no-such-option")
    assert os.environ[given] == before


def test_a_run_without_any_option_of_ours_masks_it(pytester: pytest.Pytester, given: str) -> None:
    pytester.makepyfile(FAILING, test_broken=FAILING.replace("def", "raise RuntimeError(KEY)\ndef"))
    result = pytester.runpytest_inprocess("--junitxml=junit.xml", "-rA", "--continue-on-collection-errors")
    assert result.parseoutcomes() == {"failed": 1, "errors": 1}
    for text in (str(result.stdout), str(result.stderr), (pytester.path / "junit.xml").read_text()):
        assert KEY not in text
    assert "printed [masked]" in str(result.stdout)


def test_who_must_have_it_says_so(pytester: pytest.Pytester, given: str) -> None:
    pytester.makeini("[pytest]\nadyen_keep_environment = true\n")
    pytester.makepyfile(
        f"""
        import os, pytest
        VALUE = os.environ[{given!r}]

        @pytest.mark.parametrize("number", [1], ids=[VALUE])
        def test_it(number, record_property):
            record_property("a" + VALUE, VALUE)
            assert VALUE == os.environ[{given!r}]
            assert not VALUE
        """
    )
    result = pytester.runpytest_inprocess("--junitxml=junit.xml", "--setup-show", "-v")
    result.assert_outcomes(failed=1)
    cached = [path.read_text() for path in pytester.path.glob(".pytest_cache/**/*") if path.is_file()]
    for text in (str(result.stdout), str(result.stderr), (pytester.path / "junit.xml").read_text(), *cached):
        assert KEY not in text


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    sandbox = Sandbox()
    with sandbox.serve() as server:
        monkeypatch.setenv("ADYEN_COMPANY_ACCOUNT", sandbox.company)
        monkeypatch.setenv("ADYEN_BASE_URL", f"{server.url}/v3")
        yield sandbox


@pytest.mark.slow("several runs of pytest")
@pytest.mark.parametrize("options", [(), ("-n2",)])
def test_a_live_run_reads_its_file_once(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, served: Sandbox, options: tuple[str, ...]
) -> None:
    file = pytester.path / "vault"
    file.write_text(served.provisioning.api_key.reveal())
    monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY_FILE", str(file))
    pytester.makeconftest(f"import pathlib\npathlib.Path({str(file)!r}).unlink(missing_ok=True)")
    pytester.makepyfile("def test_it(adyen_client):\n    assert adyen_client.get('/me').status_code == 200\n")
    pytester.runpytest_inprocess("--adyen-live", *options).assert_outcomes(passed=1)
    assert not file.exists()


@pytest.mark.slow("several runs of pytest")
def test_a_file_that_cannot_be_read_stops_the_runs_that_need_it(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY_FILE", str(pytester.path / "nowhere"))
    pytester.makepyfile("def test_it(adyen_client): adyen_client.get('/me')")
    pytester.runpytest_inprocess().assert_outcomes(passed=1)
    stopped = pytester.runpytest_inprocess("--adyen-live")
    assert stopped.ret == pytest.ExitCode.USAGE_ERROR
    stopped.stderr.fnmatch_lines(["ERROR: environment ADYEN_MANAGEMENT_API_KEY_FILE: *does not exist*"])
