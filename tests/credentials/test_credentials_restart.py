"""A served sandbox that is stopped and started again with the same key file, and live runs against it."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

pytestmark = pytest.mark.slow("processes that start again")

SHOP = """
def test_the_shop_signs_in(adyen_credential, adyen_client):
    assert adyen_client.get("/me").json()["id"] == adyen_credential.id
"""


@contextmanager
def served(*options: str) -> Iterator[dict[str, str]]:
    """Serve the sandbox in a process of its own; give the environment that it announces."""
    program = [sys.executable, "-m", "pytest_adyen_creds.cli", "sandbox", "serve", *options]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(4)]
            yield dict(re.findall(r"export (\w+)=(\S+)", "".join(lines)))
        finally:
            process.terminate()


def test_three_starts_with_one_key_file_and_two_live_runs_each_are_green(pytester, monkeypatch):
    pytester.makepyfile(test_shop=SHOP)
    monkeypatch.setenv("XDG_STATE_HOME", str(pytester.path / "state"))
    key_file, usernames, port = pytester.path / "key", set(), "0"
    seed = ("--seed", "7")  # the harder case: each start makes the same ids and keys, the one in the file among them
    for _ in range(3):
        with served("--api-key-file", str(key_file), "--port", port, *seed) as environment:
            # the same address again, so that the ledgers of earlier starts are about this server too
            port = environment["ADYEN_BASE_URL"].rpartition(":")[2].partition("/")[0]
            for name, value in environment.items():
                monkeypatch.setenv(name, value)
            for _ in range(2):
                ran = pytester.runpytest_inprocess("-p", "no:cacheprovider", "--adyen-live")
                ran.assert_outcomes(passed=1)
                assert ran.ret == 0
                ran.stdout.fnmatch_lines(["adyen: * switched off at the end"])
                usernames.update(re.findall(r" as (ws\S*),", ran.stdout.str()))
    assert usernames == {"ws@Company.TestCompany"}
    assert key_file.stat().st_mode & 0o077 == 0
