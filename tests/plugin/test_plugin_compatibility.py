"""Beside other plugins, in other modes, where little is allowed."""

from __future__ import annotations

import ctypes
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from plugins import ALONE, WITHOUT_GENERATORS, without

pytestmark = pytest.mark.slow("processes of their own: other plugins change what is imported")

TEST = """
def test_it(adyen_credential, adyen_client):
    assert adyen_client.get("/me").json()["id"] == adyen_credential.id
"""


ALL_OTHERS = ("-p", "no:cacheprovider")
"""The one mode that is tried beside all other plugins: importing them takes longer than the run."""


@pytest.mark.parametrize(
    "arguments",
    [
        ALL_OTHERS,
        ("--import-mode=importlib",),
        ("--import-mode=append", "--strict-markers", "--strict-config"),
        ("-p", "no:schemathesis", "-p", "no:anyio"),
        ("-n", "2", "--dist=worksteal"),
        ("-W", "error", "-p", "no:asyncio"),
    ],
    ids=" ".join,
)
def test_in_other_modes(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]) -> None:
    # no option of a plugin that is left out
    monkeypatch.setenv("PYTEST_ADDOPTS", without("randomly") if arguments == ALL_OTHERS else ALONE)
    pytester.makepyfile(test_shop=TEST)
    pytester.runpytest_subprocess(*arguments).assert_outcomes(passed=1)
    assert pytester.runpytest_subprocess("--adyen-contracts", "-k", "GET and companies", *arguments).ret == 0


def needs(module: str, distribution: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(importlib.util.find_spec(module) is None, reason=f"needs {distribution}")


@needs("pytest_randomly", "pytest-randomly")
@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["one process", "xdist"])
def test_in_any_order(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, workers: tuple[str, ...]) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", WITHOUT_GENERATORS)
    pytester.makepyfile(
        test_shop="""
        import random

        import pytest

        @pytest.mark.parametrize("number", range(8))
        @pytest.mark.adyen_credential(preset="read-only")
        def test_it(number, adyen_credential, adyen_client):
            assert adyen_client.get("/me").json()["id"] == adyen_credential.id

        def test_the_common_generator_is_left_alone(adyen_client, adyen_credentials):
            before = random.getstate()
            adyen_client.get("/me")
            adyen_credentials.lease(fresh=True)
            assert random.getstate() == before
        """
    )
    pytester.makeconftest(
        """
        def pytest_collection_finish(session):
            print("ORDER", *(item.name for item in session.items))
        """
    )
    orders = set()
    for seed in ("1",) if workers else ("1", "2"):
        result = pytester.runpytest_subprocess(f"--randomly-seed={seed}", "-s", *workers)
        result.assert_outcomes(passed=9)
        orders |= {line for line in result.outlines if line.startswith("ORDER")}
    assert workers or len(orders) > 1


@pytest.mark.parametrize(
    ("mark", "settings"),
    [
        pytest.param("anyio", "", id="anyio"),
        pytest.param(
            "asyncio",
            "[pytest]\nasyncio_default_fixture_loop_scope = function\n",
            id="asyncio",
            marks=needs("pytest_asyncio", "pytest-asyncio"),
        ),
    ],
)
def test_asynchronous_tests(pytester: pytest.Pytester, mark: str, settings: str) -> None:
    pytester.makeini(settings)
    pytester.makepyfile(
        f"""
        import pytest

        pytestmark = pytest.mark.{mark}

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.mark.adyen_credential(preset="read-only")
        async def test_it(adyen_credential, adyen_async_client):
            assert (await adyen_async_client.get("/me")).json()["id"] == adyen_credential.id

        async def test_again(adyen_async_client):
            assert (await adyen_async_client.get("/me")).status_code in (200, 403)
        """
    )
    pytester.runpytest_subprocess("-p", mark).assert_outcomes(passed=2)


def test_pytest_recording_keeps_its_tests(pytester: pytest.Pytester, recording: None) -> None:
    pytester.makepyfile(
        test_shop="""
        import pytest, requests

        @pytest.mark.vcr
        @pytest.mark.block_network
        def test_theirs():
            assert requests.get("https://example.com/").text == "recorded"

        def test_ours(adyen_client):
            assert adyen_client.get("/me").status_code in (200, 403)
        """
    )
    folder = pytester.mkdir("cassettes") / "test_shop"
    folder.mkdir()
    (folder / "test_theirs.yaml").write_text(
        "version: 1\ninteractions:\n- request: {method: GET, uri: 'https://example.com/', body: null, headers: {}}\n"
        "  response: {status: {code: 200, message: OK}, headers: {}, body: {string: recorded}}\n"
    )
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def heed_rights() -> None:
    """Make root heed the rights of files, as everyone else does (CAP_DAC_OVERRIDE)."""
    if os.geteuid() == 0:
        ctypes.CDLL(None).prctl(24, 1, 0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="needs POSIX rights, and to be able to give up root's")
def test_a_folder_that_cannot_be_written(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_shop=TEST
        + """
def test_nothing_can_be_written(request):
    try:
        (request.path.parent / "file").touch()
    except PermissionError:
        return
    raise AssertionError("it can")
"""
    )
    pytester.path.chmod(0o555)
    try:
        for options in (["-p", "no:cacheprovider"], ["--adyen-contracts"]):
            ran = subprocess.run(
                [sys.executable, "-m", "pytest", *options],
                cwd=pytester.path,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                preexec_fn=heed_rights,
                capture_output=True,
                text=True,
                timeout=120,
                check=False,
            )
            assert ran.returncode == 0, ran.stdout + ran.stderr
    finally:
        pytester.path.chmod(0o755)


def test_no_network_is_needed(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import socket

        def refuse(*arguments, **keywords):
            raise AssertionError("the network was asked for")

        socket.socket.connect = refuse
        socket.getaddrinfo = refuse
        """
    )
    pytester.makepyfile(test_shop=TEST)
    result = pytester.runpytest_subprocess("--adyen-contracts", "-k", "test_it or test_operation")
    assert result.parseoutcomes() == {"passed": 27, "deselected": result.parseoutcomes()["deselected"]}


def test_cassettes_have_names_that_windows_takes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_shop="""
        import pytest

        @pytest.mark.parametrize("text", ['a:b', 'c?d*', 'e<f>|"g"', 'h/i\\\\j', 'CON', 'x' * 300])
        def test_it(text, adyen_client):
            adyen_client.get("/me")
        """
    )
    pytester.runpytest_subprocess("--adyen-backend=sandbox", "--adyen-record=all").assert_outcomes(passed=6)
    names = [path.name for path in Path(pytester.path).rglob("*.yaml")]
    assert len(names) == 6
    assert not [name for name in names if set(name) & set('<>:"/\\|?*') or len(name) > 255]
    pytester.runpytest_subprocess("--adyen-backend=replay").assert_outcomes(passed=6)
