"""Looks for secrets in everything that runs beside other plugins print and write.

    python -m pip install -e '.[beside]'
    python tests/secrets/canaries_beside.py [--canaries 320] [--seed N] [--short | --only NAME ...]

Each run has another plugin of those that read exceptions, captured text or parameters by themselves; its tests show
their canaries in every place that a test has. Prints, for each, how many canaries were met and which were found again:
as they are, cut short to 12 characters, or in another spelling. What is not installed is said.
"""

from __future__ import annotations

import argparse
import base64
import importlib.util
import os
import random
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TESTS = '''
import asyncio, atexit, logging, os, pathlib, re, sys, threading, unittest, warnings
import pytest
from pytest_adyen_creds.secrets import Secret

KEYS = pathlib.Path(os.environ["VAULT"]).read_text().split("\\n")
for key in KEYS:
    Secret(key)
PLACES = []

def place(function):
    PLACES.append(function)
    return function

class Told(Exception):
    """An error whose text is made of what it holds."""
    def __init__(self, **held):
        self.__dict__.update(held)
    def __str__(self):
        return f"told of {self.__dict__}"

@place
def compared(key): assert key == "x"
@place
def nearly(key): assert key == key[:-5] + "#" + key[-4:]
@place
def held(key): assert {"key": key, "more": [key, {key: 1}]} == {"key": "x", "more": []}
@place
def matched(key):
    with pytest.raises(ValueError, match=re.escape(key)):
        raise ValueError("another")
@place
def raised(key): raise ValueError(key, [key], {"key": key})
@place
def chained(key):
    try:
        raise KeyError(key)
    except KeyError as error:
        error.add_note("noted " + key)
        raise RuntimeError("because of " + key) from error
@place
def told(key): raise Told(key=key)
@place
def grouped(key): raise ExceptionGroup("several " + key, [ValueError(key), Told(key=key)])
@place
def os_error(key): open("/nowhere/" + key)
@place
def decoded(key): (key.encode() + b"\\xff").decode("utf-8")
@place
def written(key):
    print("out", key, repr(key))
    print("err", key, file=sys.stderr)
    os.write(1, b"raw " + key.encode() + b"\\n")
    logging.getLogger("canary").error("logged %s", key, extra={"about": key})
    try:
        raise ValueError(key)
    except ValueError:
        logging.getLogger("canary").exception("and its error")
    warnings.warn("warned of " + key)
    raise AssertionError("written")
@place
def skipped(key): pytest.skip("skipped " + key)
@place
def failed(key): pytest.fail("failed " + key)
@place
def xfailed(key): pytest.xfail("xfailed " + key)
@place
def case(key): unittest.TestCase().assertEqual(key, "x")
@place
def lines(key): unittest.TestCase().assertMultiLineEqual(f"a\\n{key}\\n", f"a\\n{key[:-6]}\\n")
@place
def dictionary(key): unittest.TestCase().assertDictEqual({"key": key}, {"key": key[:-1]})

@pytest.mark.parametrize("number", range(len(KEYS)))
def test_place(number, record_property, request):
    key = KEYS[number]
    record_property("of " + key, key)
    request.node.add_marker(pytest.mark.xfail(False, reason=key))
    request.node.extra_keyword_matches.add(key)
    request.node.keywords["word " + key] = True
    PLACES[number % len(PLACES)](key)

FEW = KEYS[: min(20, len(KEYS) // 5)]

@pytest.mark.parametrize("given", FEW)
def test_parameter(given): assert given == "x"
@pytest.mark.parametrize("given", range(len(FEW)), ids=FEW)
def test_id(given): assert given < 0
@pytest.mark.parametrize("given", [pytest.param({"in": key}, id="p" + key) for key in FEW])
def test_object(given): assert not given

@pytest.fixture(params=FEW)
def made(request):
    print("set up with", request.param)
    yield request.param
    raise RuntimeError("torn down with " + request.param)
def test_fixture(made): pass

@pytest.fixture
def broken():
    raise RuntimeError("no set-up with " + KEYS[0])
def test_broken(broken): pass

class TestCase(unittest.TestCase):
    def test_equal(self): self.assertEqual(KEYS[1], "x")
    def test_in(self): self.assertIn(KEYS[1], [KEYS[2]])
    def test_sub(self):
        for key in FEW:
            with self.subTest("about " + key, key=key):
                self.assertEqual(key, "x")

def test_subtests(subtests):
    for key in FEW:
        with subtests.test("about " + key, key=key):
            assert key == "x"

def documented():
    """
    >>> KEYS[3]
    'x'
    >>> raise ValueError(KEYS[4])
    """

def late():
    import time
    logging.getLogger("late").error("at exit %s", KEYS[5])
    warnings.warn("at exit " + KEYS[6])
    thread = threading.Thread(target=lambda: 1 / len([]) if not KEYS else (_ for _ in ()).throw(ValueError(KEYS[7])))
    thread.start()
    thread.join()
    async def forgotten():
        async def raises(): raise ValueError(KEYS[8])
        task = asyncio.ensure_future(raises())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
    asyncio.run(forgotten())
    print("printed at exit", KEYS[9])
    sys.stderr.write("written at exit " + KEYS[10] + "\\n")
    raise RuntimeError(KEYS[11])
atexit.register(late)
'''

MORE = {
    "hypothesis": """
from hypothesis import given, note, settings, strategies as st
from test_places import KEYS
import pytest

@settings(max_examples=5, database=None, derandomize=True)
@given(st.sampled_from(KEYS))
def test_drawn(key):
    note("noted " + key)
    assert key == "x"
""",
    "syrupy": """
from test_places import FEW
import pytest

@pytest.mark.parametrize("number", range(len(FEW)))
def test_snapshot(number, snapshot):
    assert {"key": FEW[number], "list": [FEW[number]]} == snapshot
def test_json(snapshot):
    from syrupy.extensions.json import JSONSnapshotExtension
    assert {"key": FEW[0]} == snapshot(extension_class=JSONSnapshotExtension)
""",
    "pytest_html": """
from pytest_html import extras
from test_places import FEW
def test_extra(extras, metadata, pytestconfig):
    from pytest_html import extras as kinds
    extras.append(kinds.text("extra " + FEW[0], name="named " + FEW[1]))
    extras.append(kinds.html("<p>" + FEW[2] + "</p>"))
    metadata["about"] = FEW[3]
    assert not FEW
""",
    "pytest_jsonreport": """
from test_places import FEW
def test_metadata(json_metadata):
    json_metadata["about"] = {"key": FEW[0]}
    assert not FEW
""",
    "allure_pytest": """
import allure
from test_places import FEW
def test_steps():
    allure.attach("attached " + FEW[0], name="attachment " + FEW[1])
    allure.dynamic.description("described " + FEW[2])
    allure.dynamic.parameter("parameter", FEW[3])
    with allure.step("a step with " + FEW[4]):
        assert FEW[5] == "x"
""",
}
"""Tests that only make sense with one of the plugins, by its module."""


class Beside(NamedTuple):
    """One run: the modules of its plugins, the options that turn them on, and what else it is given."""

    modules: tuple[str, ...]
    options: tuple[str, ...]
    environ: tuple[tuple[str, str], ...] = ()
    source: str = ""
    status: int = 1
    """How the run ends."""


HANGING = """
import sys, threading
from test_places import KEYS
import pytest

@pytest.mark.timeout(0.3, method="{method}")
def test_hangs():
    held = KEYS[0]
    print("before it hangs", KEYS[1])
    print("before it hangs", KEYS[2], file=sys.stderr)
    threading.Event().wait()
"""

DUMPED = """
from test_places import KEYS
import os, signal
def test_dies():
    print("before it dies", KEYS[1])
    os.kill(os.getpid(), signal.SIGABRT)
"""

BESIDE = {
    "alone": Beside(("pytest",), ("--junitxml=junit.xml", "-o", "junit_logging=all", "--showlocals", "-vv")),
    "setup-show": Beside(("pytest",), ("--setup-show", "-v")),
    "debug variable": Beside(("pytest",), ("-q",), (("PYTEST_DEBUG", "1"),)),
    "debug": Beside(("pytest",), ("--debug=debug.txt",)),
    "html": Beside(("pytest_html",), ("--html=report.html", "--self-contained-html")),
    "json-report": Beside(
        ("pytest_jsonreport",), ("--json-report", "--json-report-file=report.json", "--json-report-indent=1")
    ),
    "allure": Beside(("allure_pytest",), ("--alluredir=allure",)),
    "reportlog": Beside(("pytest_reportlog",), ("--report-log=log.json",)),
    "rerunfailures": Beside(("pytest_rerunfailures",), ("--reruns=1", "-rR")),
    "timeout, signal": Beside(("pytest_timeout",), ("--timeout=20",), (), HANGING.format(method="signal")),
    "timeout, thread": Beside(("pytest_timeout",), (), (), HANGING.format(method="thread")),
    "faulthandler": Beside(("pytest",), ("-o", "faulthandler_timeout=1"), (), DUMPED, -6),
    "cov": Beside(("pytest_cov",), ("--cov=.", "--cov-context=test", "--cov-report=xml", "--cov-report=json")),
    "xdist": Beside(("xdist",), ("-n", "2", "--junitxml=junit.xml")),
    "clarity": Beside(("pytest_clarity",), ("-vv", "--diff-width=200")),
    "instafail": Beside(("pytest_instafail",), ("--instafail",)),
    "sugar": Beside(("pytest_sugar",), ("--force-sugar",)),
    "rich": Beside(("pytest_rich",), ("--rich",)),
    "syrupy": Beside(("syrupy",), ("--snapshot-update",)),
    "hypothesis": Beside(("hypothesis",), ("--hypothesis-show-statistics", "--hypothesis-verbosity=verbose")),
    "github": Beside(
        ("pytest_github_actions_annotate_failures",), (), (("GITHUB_ACTIONS", "true"), ("GITHUB_WORKSPACE", "."))
    ),
}
_TOGETHER = ("html", "json-report", "allure", "reportlog", "rerunfailures", "cov", "instafail", "syrupy", "hypothesis")
BESIDE["together"] = Beside(
    tuple(module for name in _TOGETHER for module in BESIDE[name].modules),
    (*(option for name in _TOGETHER for option in BESIDE[name].options), "--junitxml=junit.xml"),
    BESIDE["github"].environ,
)
"""What is looked at, by name."""

_SHORT = ("together", "debug variable", "xdist", "clarity", "sugar", "rich", "timeout, signal", "timeout, thread")
"""The runs of the short form."""

_SHORTEST = 12
"""Characters of a secret in a row that count as found."""

_LEFT_OUT = {
    "schemathesis": (),
    "randomly": (),
    "hypothesispytest": ("hypothesis", "together"),
    "sugar": ("sugar",),
    "pytest_clarity": ("clarity",),
    "respx": (),
    "pytest_httpx": (),
    "socket": (),
}
"""Plugins that every run would load, and that change it, by name; and the runs that are about each."""


def canaries(number: int, seed: str) -> list[str]:
    """Return secrets like Adyen's keys, and like passwords; some with what JSON, HTML and shells escape."""
    source = random.Random(seed)

    def urlsafe(length: int) -> str:
        return base64.urlsafe_b64encode(source.randbytes(length)).decode()

    made = []
    for index in range(number):
        if index % 3:
            made.append("AQE" + base64.b64encode(source.randbytes(45)).decode() + "-" + urlsafe(24))
        elif index % 2:
            made.append(urlsafe(9) + "^{\"<&>\\'%}~" + urlsafe(9))
        else:
            made.append(urlsafe(9) + "é✓ ß" + urlsafe(12))
    return made


def found(content: bytes, grams: dict[str, int]) -> Iterator[int]:
    """Yield the number of each canary of which a part stands in ``content``, in any spelling looked for."""
    for view in set(views(content)):
        for each in grams.keys() & {view[at : at + _SHORTEST] for at in range(len(view) - _SHORTEST + 1)}:
            yield grams[each]


def views(content: bytes) -> Iterator[str]:
    """Yield ``content`` as text, in each way that a tool may have written it."""
    text = content.decode("utf-8", "replace")
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    yield plain
    yield "".join(line.removeprefix("E").strip(" |│+-") for line in plain.splitlines())
    yield re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), plain)
    yield re.sub(r"\\x([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), plain)
    yield re.sub(r"\\(.)", r"\1", plain)
    yield re.sub(r"\\(.)", r"\1", html_unescaped(plain))
    yield unquoted(plain)
    for pattern, decode in (
        (r"[A-Za-z0-9+/_-]{20,}", base64_decoded),
        (r"[A-Z2-7]{24,}", base32_decoded),
        (r"(?:[0-9a-fA-F]{2}){12,}", lambda run: [bytes.fromhex(run)]),
    ):
        yield "\n".join(part.decode("utf-8", "replace") for run in re.findall(pattern, plain) for part in decode(run))


def html_unescaped(text: str) -> str:
    """Return ``text`` without HTML's entities, twice: reports hold JSON in attributes."""
    from html import unescape

    return unescape(unescape(text))


def unquoted(text: str) -> str:
    """Return ``text`` without the escapes of URLs."""
    from urllib.parse import unquote

    return unquote(text)


def base64_decoded(run: str) -> list[bytes]:
    """Return what ``run`` may encode, at each of four places to begin at."""
    run = run.replace("-", "+").replace("_", "/")
    return [base64.b64decode(run[at : at + (len(run) - at) // 4 * 4]) for at in range(4)]


def base32_decoded(run: str) -> list[bytes]:
    """Return what ``run`` may encode, at each of eight places to begin at."""
    return [base64.b32decode(run[at : at + (len(run) - at) // 8 * 8]) for at in range(8)]


def look(name: str, keys: list[str], folder: Path, keep: str | None) -> str:
    """Run the tests of ``name`` in ``folder``; return a line that says what was found, and where."""
    beside = BESIDE[name]
    run = folder / "run"
    run.mkdir()
    vault = folder / "vault"
    vault.write_text("\n".join(keys), encoding="utf-8")
    (run / "test_places.py").write_text(TESTS, encoding="utf-8")
    for number, source in enumerate([beside.source] if beside.source else map(MORE.get, beside.modules)):
        if source:
            (run / f"test_more_{number}.py").write_text(source, encoding="utf-8")
    off = [f"-pno:{plugin}" for plugin, runs in _LEFT_OUT.items() if name not in runs]
    environ = {**os.environ, "VAULT": str(vault), "COLUMNS": "160", **dict(beside.environ)}
    for variable in ("PYTEST_ADDOPTS", "GITHUB_ACTIONS", "CI"):
        environ.pop(variable, None) if variable not in dict(beside.environ) else None
    tests = ["test_more_0.py"] if beside.source else [".", "--doctest-modules"]
    command = [sys.executable, "-m", "pytest", *off, *tests, *beside.options]
    done = subprocess.run(command, cwd=run, env=environ, capture_output=True, timeout=500, check=False)
    ran = re.findall(rb"\d+ (?:failed|passed|errors?|skipped|xfailed|rerun)", done.stdout)
    grams = {
        key[at : at + _SHORTEST]: number for number, key in enumerate(keys) for at in range(len(key) - _SHORTEST + 1)
    }
    met: dict[str, set[int]] = {}
    contents = [("stdout", done.stdout), ("stderr", done.stderr)]
    for path in sorted(run.rglob("*")):
        if path.is_file() and path.suffix != ".pyc" and not path.name.startswith(("test_places.", "test_more_")):
            contents.append((str(path.relative_to(run)), path.read_bytes()))
    for place, content in contents:
        if leaked := set(found(content, grams)):
            met[place] = leaked
            if keep:
                Path(keep, f"{name} {place.replace('/', '_')}").write_bytes(content)
    if keep:
        Path(keep, f"{name} vault").write_bytes(vault.read_bytes())
    worst = sorted(met, key=lambda place: -len(met[place]))[:4]
    where = "; ".join(f"{place}: {len(met[place])}" for place in worst)
    said = b", ".join(ran[-6:]).decode() or f"ended with {done.returncode}"
    if done.returncode != beside.status:
        return f"{name}: ended with {done.returncode}: {done.stderr.decode(errors='replace')[-2000:]}"
    return f"{name}: {len(keys)} canaries, {len(set().union(*met.values()))} found ({said}) {where}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--canaries", type=int, default=320)
    parser.add_argument(
        "--seed", default=os.urandom(4).hex(), help="makes the canaries; printed; default: another each time"
    )
    parser.add_argument("--short", action="store_true", help="most plugins in one run, and fewer runs")
    parser.add_argument(
        "--only", nargs="*", choices=list(BESIDE), default=[name for name in BESIDE if name != "together"]
    )
    parser.add_argument("--keep", metavar="FOLDER", help="copy what a canary was found in there, the canaries, too")
    given = parser.parse_args()
    sys.stdout.write(f"seed {given.seed}\n")
    leaked = 0
    for name in _SHORT if given.short else given.only:
        if missing := [module for module in BESIDE[name].modules if importlib.util.find_spec(module) is None]:
            sys.stdout.write(f"{name}: not installed: {', '.join(missing)}\n")
            leaked += 1
            continue
        with tempfile.TemporaryDirectory() as folder:
            line = look(name, canaries(given.canaries, f"{given.seed} {name}"), Path(folder), given.keep)
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()
        leaked += " 0 found " not in line
    return leaked > 0


if __name__ == "__main__":
    sys.exit(main())
