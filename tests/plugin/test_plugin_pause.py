"""A pause: the sandbox of a failed test is open at a URL until Enter is pressed, and never where nobody could."""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest

pty = pytest.importorskip("pty")

pytestmark = pytest.mark.slow("processes of their own, at a terminal")

TESTS = """
import pathlib, pytest

@pytest.fixture
def thing(adyen_credential):
    yield
    pathlib.Path("put-away").touch()

def test_fails(thing, adyen_credential, adyen_management):
    key = adyen_credential.key().reveal()
    pathlib.Path("key").write_text(key)
    print("captured", key)
    assert adyen_credential.id == key

def test_passes(adyen_client):
    assert adyen_client.get("/me")

def test_plain():
    raise ValueError("of no sandbox")

@pytest.fixture
def broken(adyen_client):
    adyen_client.get("/me")
    raise ValueError("in its set-up")

def test_setup(broken):
    pass
"""
_LONGEST = 60


class Terminal:
    """A run of pytest at a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.said = ""
        self._mine, theirs = pty.openpty()
        command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--adyen-pause", *arguments)
        # whoever runs these tests in the background has SIGINT ignored, which a process at a terminal has not
        heed = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
        self.process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, preexec_fn=heed)  # noqa: PLW1509
        os.close(theirs)

    def until(self, pattern: str) -> re.Match[str]:
        """Return the first match of what is said after the last one."""
        seen = ""
        while (match := re.search(pattern, seen)) is None:
            more = self._read()
            assert more, f"the run has ended without {pattern!r}: {self.said}"
            seen += more
        return match

    def press(self, keys: bytes) -> None:
        """Press keys."""
        os.write(self._mine, keys)

    def end(self) -> int:
        """Return the exit status of the run, when it has ended by itself."""
        while self._read():
            pass
        return self.process.wait(_LONGEST)

    def close(self) -> None:
        """End the run."""
        self.process.kill()
        self.process.wait()
        os.close(self._mine)

    def _read(self) -> str:
        assert select.select([self._mine], [], [], _LONGEST)[0], f"nothing more is said: {self.said}"
        try:
            more = os.read(self._mine, 65536).decode(errors="replace")
        except OSError:  # Linux says so that the other side has closed it
            return ""
        self.said += more
        return more


@pytest.fixture
def terminal(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.delenv("CI", raising=False)
    pytester.makepyfile(test_shop=TESTS)
    opened: list[Terminal] = []

    def run(*arguments: str) -> Terminal:
        opened.append(Terminal(*arguments))
        return opened[-1]

    yield run
    for each in opened:
        each.close()


PAUSED = r"its sandbox is open at (http://127\.0\.0\.1:\d+/) - press Enter to go on"


def test_the_sandbox_is_open_until_enter_is_pressed(terminal: Any, pytester: pytest.Pytester) -> None:
    run = terminal()
    url = run.until(PAUSED)[1]
    key = (pytester.path / "key").read_text()
    assert not (pytester.path / "put-away").exists()
    with httpx.Client(base_url=url, trust_env=False) as client:
        assert client.get("v3/me", headers={"X-API-Key": key}).status_code == 200
        assert client.get("v3/me").status_code == 401
        run.press(b"\n")
        in_setup = run.until(PAUSED)[1]
        assert (pytester.path / "put-away").exists()
        with pytest.raises(httpx.TransportError):
            client.get("v3/me")
    assert httpx.get(f"{in_setup}v3/me", trust_env=False).status_code == 401
    run.press(b"\x04")
    assert run.end() == pytest.ExitCode.TESTS_FAILED
    assert re.findall(r"paused: (\S+) failed: (\w+)", run.said) == [
        ("test_shop.py::test_fails", "AssertionError"),
        ("test_shop.py::test_setup", "ValueError"),
    ]
    assert "captured [masked]" in run.said
    assert key not in run.said
    assert "2 failed, 1 passed, 1 error" in run.said
    shown = run.said.partition("- Adyen sandbox -")[2]
    assert "  401  " not in shown, "what a person asked is not the test's"


def test_ctrl_c_ends_the_run(terminal: Any, pytester: pytest.Pytester) -> None:
    run = terminal("-k", "fails or passes")
    run.until(PAUSED)
    run.process.send_signal(signal.SIGINT)
    assert run.end() == pytest.ExitCode.INTERRUPTED
    assert (pytester.path / "put-away").exists()
    assert "1 failed" in run.said
    assert "passed" not in run.said


@pytest.mark.parametrize("capture", ["no", "sys", "tee-sys"])
def test_however_output_is_captured(terminal: Any, capture: str) -> None:
    run = terminal("-k", "fails", f"--capture={capture}")
    run.until(PAUSED)
    run.press(b"\n")
    assert run.end() == pytest.ExitCode.TESTS_FAILED


def test_the_debugger_comes_afterwards(terminal: Any) -> None:
    run = terminal("-k", "fails", "--pdb")
    run.until(PAUSED)
    assert "(Pdb)" not in run.said
    run.press(b"\n")
    run.until(r"\(Pdb\)")
    run.press(b"c\n")
    assert run.end() == pytest.ExitCode.TESTS_FAILED


def test_a_rehearsal_pauses_at_no_further_run(terminal: Any, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_shop="NAMES = []\ndef test_it(adyen_client):\n"
        "    NAMES.append(set(adyen_client.get('/me').json()))\n    assert NAMES[-1] == NAMES[0]"
    )
    run = terminal("--adyen-rehearse=additions", "--adyen-rehearse-fail=all")
    assert run.end() == pytest.ExitCode.TESTS_FAILED
    assert "paused" not in run.said


def test_nothing_is_said_where_no_sandbox_answers(terminal: Any, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_shop="def test_it(adyen_client):\n    assert adyen_client.get('/me').status_code == 1")
    assert terminal("--adyen-backend=replay").end() == pytest.ExitCode.TESTS_FAILED
    pytester.makepyfile(
        test_shop="import pathlib\ndef test_it(adyen_client):\n    adyen_client.get('/me')\n"
        "    assert not pathlib.Path('fail').exists()"
    )
    pytester.runpytest_inprocess("--adyen-record=all").assert_outcomes(passed=1)
    (pytester.path / "fail").touch()
    run = terminal()
    assert run.end() == pytest.ExitCode.TESTS_FAILED
    assert "paused" not in run.said


def test_a_run_without_sockets_goes_on(terminal: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("pytest_socket")
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:randomly")
    run = terminal("-k", "fails", "--disable-socket")
    assert run.end() == pytest.ExitCode.TESTS_FAILED
    assert "cannot be opened (SocketBlockedError" in run.said


def test_no_timer_of_a_test_ends_a_pause(terminal: Any, pytester: pytest.Pytester) -> None:
    pytest.importorskip("pytest_timeout")
    pytester.makeconftest(
        "import pathlib\ndef pytest_timeout_cancel_timer(item): pathlib.Path('cancelled').write_text(item.name)"
    )
    run = terminal("-k", "fails", "--timeout=300")
    run.until(PAUSED)
    assert (pytester.path / "cancelled").read_text() == "test_fails"
    run.press(b"\n")
    assert run.end() == pytest.ExitCode.TESTS_FAILED


def test_what_a_rehearsal_was_asked_to_show_pauses(terminal: Any, pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        test_shop="NAMES = []\ndef test_it(adyen_client):\n"
        "    NAMES.append(set(adyen_client.get('/me').json()))\n    assert NAMES[-1] == NAMES[0]"
    )
    said = pytester.runpytest_inprocess("--adyen-rehearse=additions").stdout.str()
    name = re.findall(r"--adyen-rehearse-only='(.*)'", said)[0]
    run = terminal(f"--adyen-rehearse-only={name}")
    run.until(PAUSED)
    run.press(b"\n")
    assert run.end() == pytest.ExitCode.TESTS_FAILED


def test_where_pytest_writes_nothing_it_is_refused(terminal: Any) -> None:
    run = terminal("-p", "no:terminal")
    assert run.end() == pytest.ExitCode.USAGE_ERROR


@pytest.mark.parametrize(
    ("arguments", "environ", "advice"),
    [
        (("-n", "2"), {}, "add -n 0, or leave --adyen-pause"),
        ((), {"CI": "true"}, "the variable CI says that there is none: unset it, or leave"),
        ((), {}, "run it in a terminal, or leave --adyen-pause"),
        (("-s",), {}, "run it in a terminal, or leave --adyen-pause"),
        (("-o", "adyen_pause=true"), {}, "run it in a terminal, or leave --adyen-pause (ini adyen_pause) out"),
    ],
)
def test_it_is_refused_where_nobody_could_end_it(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    environ: dict[str, str],
    advice: str,
) -> None:
    monkeypatch.delenv("CI", raising=False)
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    pytester.makepyfile("def test_it(): raise SystemExit(9)")
    given = arguments if "adyen_pause=true" in arguments else ("--adyen-pause", *arguments)
    result = pytester.runpytest_inprocess(*given)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    assert advice in result.stderr.str()
    assert "Traceback" not in result.stderr.str()
    assert "test_it" not in result.stdout.str()


def test_no_workers_at_all_are_none(terminal: Any) -> None:
    run = terminal("-n", "0", "-k", "fails")
    run.until(PAUSED)
    run.press(b"\n")
    assert run.end() == pytest.ExitCode.TESTS_FAILED
