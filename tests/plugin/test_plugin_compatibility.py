"""Beside other plugins, in other modes, where little is allowed."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

import pytest

TEST = """
def test_it(adyen_credential, adyen_client):
    assert adyen_client.get("/me").json()["id"] == adyen_credential.id
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("-p", "no:cacheprovider"),
        ("--import-mode=importlib",),
        ("--import-mode=append", "--strict-markers", "--strict-config"),
        ("-p", "no:schemathesis", "-p", "no:anyio"),
        ("-n", "2", "--dist=worksteal"),
        ("-W", "error"),
    ],
    ids=" ".join,
)
def test_in_other_modes(pytester: pytest.Pytester, arguments: tuple[str, ...]) -> None:
    pytester.makepyfile(test_shop=TEST)
    pytester.runpytest_subprocess(*arguments).assert_outcomes(passed=1)
    assert pytester.runpytest_subprocess("--adyen-contracts", "-k", "GET and companies", *arguments).ret == 0


def test_asynchronous_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        pytestmark = pytest.mark.anyio

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
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


@pytest.mark.skipif(importlib.util.find_spec("pytest_recording") is None, reason="needs pytest-recording")
def test_pytest_recording_keeps_its_tests(pytester: pytest.Pytester) -> None:
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


@pytest.mark.skipif(sys.platform == "win32" or not hasattr(os, "geteuid"), reason="needs POSIX rights")
def test_a_folder_that_cannot_be_written(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shop=TEST)
    outside = pytester.path.parent / "outside"
    outside.mkdir()
    pytester.path.chmod(0o555)
    try:
        result = pytester.runpytest_subprocess("-p", "no:cacheprovider", f"--basetemp={outside / 'tmp'}")
        result.assert_outcomes(passed=1)
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
