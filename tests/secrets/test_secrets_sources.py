"""What plugins read by themselves is masked where it arises: errors, output, parameters, keywords, records, streams."""

from __future__ import annotations

import errno
import io
import subprocess
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

import pytest

from pytest_adyen_creds.secrets import SECRETS, SecretRegistry
from pytest_adyen_creds.secrets.masking import mask_error
from pytest_adyen_creds.streams import MaskedStream

KEY = "AQEcanary0001/TestsOnly+aVeryLongOne="


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in vars(SecretRegistry()).items():
        monkeypatch.setattr(SECRETS, name, value)
    SECRETS.add(KEY)


class Told(Exception):
    def __init__(self, **held: Any) -> None:
        self.held = held

    def __str__(self) -> str:
        return f"told of {self.held['whole']}"


class Slotted(Exception):
    __slots__ = ("key",)

    def __init__(self, key: str) -> None:
        self.key = key

    def __repr__(self) -> str:
        return f"Slotted({self.key})"


class Whole:
    def __repr__(self) -> str:
        return f"<whole {KEY}>"


class Picky(ValueError):
    def __init__(self, key: str, *, number: int) -> None:
        super().__init__(key)
        self.number = number

    def __str__(self) -> str:
        return f"{KEY} {self.number}"


class Broken(Exception):
    def __str__(self) -> str:
        raise RuntimeError(KEY)


def caused() -> Exception:
    try:
        try:
            raise KeyError(KEY)
        except KeyError as error:
            raise ValueError("because") from error
    except ValueError as error:
        return error


def noted() -> Exception:
    error = ValueError("plain")
    error.add_note(f"noted {KEY}")
    return error


ERRORS: dict[str, Callable[[], BaseException]] = {
    "a text": lambda: ValueError(f"told {KEY}"),
    "plain data": lambda: ValueError([KEY, {"key": KEY}, (KEY, KEY.encode())]),
    "a key": lambda: KeyError(KEY),
    "a file": lambda: FileNotFoundError(errno.ENOENT, "no file", f"/nowhere/{KEY}"),
    "bytes": lambda: UnicodeDecodeError("utf-8", KEY.encode() + b"\xff", len(KEY), len(KEY) + 1, KEY),
    "syntax": lambda: SyntaxError(f"bad {KEY}", ("file", 1, 1, f"key = {KEY}")),
    "a name": lambda: NameError(f"no {KEY}", name=KEY),
    "an attribute": lambda: Told(whole=KEY),
    "an object": lambda: Told(whole=Whole()),
    "slots": lambda: Slotted(KEY),
    "picky": lambda: Picky("x", number=3),
    "a cause": caused,
    "a note": noted,
    "a group": lambda: ExceptionGroup(f"several {KEY}", [ValueError(KEY), Told(whole=Whole())]),
    "groups": lambda: BaseExceptionGroup("outer", [ExceptionGroup("in", [caused()]), KeyboardInterrupt(KEY)]),
    "an exit": lambda: SystemExit(f"ends {KEY}"),
    "skipped": lambda: pytest.skip.Exception(f"skipped {KEY}"),
    "failed": lambda: pytest.fail.Exception(f"failed {KEY}"),
}


def everything_of(error: BaseException) -> str:
    linked = [each for each in (error.__cause__, error.__context__) if each is not None]
    members = list(error.exceptions) if isinstance(error, BaseExceptionGroup) else []
    shown = [str(error), repr(error), *getattr(error, "__notes__", ()), *map(everything_of, [*linked, *members])]
    return " ".join(shown)


@pytest.mark.parametrize("make", ERRORS.values(), ids=ERRORS)
def test_an_error_shows_no_secret_and_stays_what_it_is(make: Callable[[], BaseException]) -> None:
    error = make()
    assert KEY in everything_of(error)
    masked = mask_error(error)
    assert KEY not in everything_of(masked)
    assert "[masked]" in everything_of(masked)
    assert isinstance(masked, type(error))
    assert type(masked).__name__ == type(error).__name__
    assert masked.__traceback__ is error.__traceback__
    assert mask_error(masked) is masked


def test_an_object_that_an_error_holds_stays_whole() -> None:
    whole = Whole()
    masked = mask_error(Told(whole=whole))
    assert isinstance(masked, Told)
    assert masked.held["whole"] is whole


def test_an_error_that_tells_of_an_object_with_a_secret_still_says_what_it_said() -> None:
    """As aiohttp's do, whose request has its headers."""

    class Request(NamedTuple):
        url: str
        headers: dict[str, str]

    class Told(Exception):
        def __init__(self, request: Request) -> None:
            super().__init__(request)
            self.request = request

        def __str__(self) -> str:
            return f"403 at {self.request.url}"

    masked = mask_error(Told(Request("https://x.example", {"X-API-Key": KEY})))
    assert str(masked) == "403 at https://x.example"
    assert KEY not in everything_of(masked)


def test_an_error_without_a_secret_is_the_same_object() -> None:
    for error in (ValueError("plain", {"a": 1}), Told(whole="x"), ExceptionGroup("several", [KeyError("x")])):
        before = everything_of(error)
        assert mask_error(error) is error
        assert everything_of(error) == before


def test_errors_in_a_circle_and_ones_that_cannot_be_shown_end() -> None:
    first, second = ValueError(KEY), KeyError(KEY)
    first.__context__, second.__context__ = second, first
    assert KEY not in str(mask_error(first)) + str(second)
    assert isinstance(mask_error(Broken()), Broken)


READING = """
import json, logging, os, pathlib, pytest
from pytest_adyen_creds.secrets import Secret

KEY = pathlib.Path(os.environ["VAULT"]).read_text()
Secret(KEY)
SEEN = open("seen", "a")

class Records(logging.Handler):
    def emit(self, record):
        print("record", record.getMessage(), vars(record), record.exc_text, file=SEEN)

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    print(call.excinfo and call.excinfo.exconly(), repr(call.excinfo and call.excinfo.value), file=SEEN)
    print(report.longreprtext, report.sections, item._report_sections, dict(report.keywords), file=SEEN)
    print(report.user_properties, file=SEEN)

@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_setup(item):
    yield
    print("parameters", getattr(item, "callspec", None) and item.callspec.params, file=SEEN)

def pytest_configure(config):
    config.pluginmanager.register(Reporter(), "reporter")

class Reporter:
    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self, item):
        handler = Records()
        logging.getLogger().addHandler(handler)
        yield
        logging.getLogger().removeHandler(handler)
"""

SHOWING = """
import logging, unittest, pytest
from reading import KEY

@pytest.fixture
def late(request): return request.param

@pytest.mark.parametrize("late", [KEY], indirect=True, ids=["late"])
@pytest.mark.parametrize("given", [KEY], ids=["given"])
def test_it(given, late, request, record_property, caplog):
    assert given == late == KEY
    print("printed", KEY)
    record_property(KEY, KEY)
    request.node.extra_keyword_matches.add(KEY)
    request.node.keywords["word " + KEY] = True
    try:
        raise ValueError(KEY)
    except ValueError:
        logging.getLogger().exception("logged %s", KEY, extra={"about": KEY})
    assert KEY in caplog.text and caplog.records[0].about == KEY
    assert given == "x"

class TestIt(unittest.TestCase):
    def test_equal(self): self.assertEqual(KEY, "x")
"""


@pytest.mark.slow("processes of their own: what they print is searched")
def test_a_plugin_that_reads_by_itself_finds_it_masked(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    vault = tmp_path_factory.mktemp("vault") / "key"
    vault.write_text(KEY)
    monkeypatch.setenv("VAULT", str(vault))
    pytester.makepyfile(reading=READING, test_showing=SHOWING)
    pytester.runpytest_subprocess("-p", "reading", "--junitxml=junit.xml").assert_outcomes(failed=2)
    seen = (pytester.path / "seen").read_text()
    assert "printed [masked]" in seen
    assert "record logged [masked]" in seen
    assert seen.count("parameters {'") == 1
    assert KEY not in seen


AFTERWARDS = """
import asyncio, atexit, logging, os, pathlib, sys, threading, warnings
from pytest_adyen_creds.secrets import Secret

KEY = pathlib.Path(os.environ["VAULT"]).read_text()
Secret(KEY)

class Deleted:
    def __del__(self): raise ValueError(KEY)

def last():
    logging.getLogger("late").error("logged %s", KEY)
    logging.getLogger("late").warning("logged %s", KEY, exc_info=ValueError(KEY))
    warnings.warn("warned of " + KEY)
    thread = threading.Thread(target=lambda: {}[KEY], name=KEY)
    thread.start()
    thread.join()
    async def forgotten():
        async def raises(): raise ValueError(KEY)
        task = asyncio.ensure_future(raises())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
    asyncio.run(forgotten())
    Deleted()
    print("printed", KEY)
    sys.stdout.writelines(["written ", KEY])
    sys.stderr.write("written " + KEY)
    raise RuntimeError(KEY)

atexit.register(last)
def test_it(): print("in the test", KEY)
"""


@pytest.mark.slow("processes of their own: what they print is searched")
@pytest.mark.parametrize(
    "options", [[], ["-s"], ["--capture=sys"], ["--capture=tee-sys"], ["-p", "no:logging"]], ids=str
)
def test_what_is_printed_at_once_or_after_pytest_has_ended_is_masked(
    pytester: pytest.Pytester,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
    options: list[str],
) -> None:
    vault = tmp_path_factory.mktemp("vault") / "key"
    vault.write_text(KEY)
    monkeypatch.setenv("VAULT", str(vault))
    pytester.makepyfile(AFTERWARDS)
    result = pytester.runpytest_subprocess(*options)
    said = str(result.stdout) + str(result.stderr)
    assert "printed [masked]" in said
    assert "ValueError: [masked]" in said
    assert "logged [masked]" in said
    assert "never retrieved" in said
    assert KEY not in said


@pytest.mark.slow("processes of their own: what they print is searched")
def test_pytest_s_own_trace_is_masked(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    vault = tmp_path_factory.mktemp("vault") / "key"
    vault.write_text(KEY)
    monkeypatch.setenv("VAULT", str(vault))
    monkeypatch.setenv("PYTEST_DEBUG", "1")
    pytester.makepyfile(reading=READING, test_showing=SHOWING)
    result = pytester.runpytest_subprocess("-p", "reading")
    assert "pytest_runtest_logreport" in str(result.stderr)
    assert KEY not in str(result.stdout) + str(result.stderr)


def test_a_masked_stream_is_the_stream_in_all_else() -> None:
    under = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True)
    stream = MaskedStream(under, SECRETS.mask)
    assert stream.write(f"key {KEY}\n") == len(KEY) + 5
    stream.writelines(["a", KEY])
    print("printed", file=stream)
    assert (stream.encoding, stream.isatty(), stream.buffer) == ("utf-8", False, under.buffer)
    assert under.buffer.getvalue() == b"key [masked]\na[masked]printed\n"  # type: ignore[attr-defined]


@pytest.mark.slow("processes of their own: what they print is searched")
def test_a_program_that_runs_pytest_twice_has_its_streams_masked_once(pytester: pytest.Pytester) -> None:
    script = (
        "import pytest, sys\n"
        "for _ in range(3): pytest.main(['-q', '-p', 'no:cacheprovider'])\n"
        "print(type(sys.stdout).__name__, type(sys.stdout._stream).__name__)\n"
    )
    pytester.makepyfile("def test_it(): pass")
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.endswith("MaskedStream TextIOWrapper\n")
