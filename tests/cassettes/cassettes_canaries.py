"""Looks for secrets that tests met in everything that a run of them wrote: what test_cassettes_canaries.py is made of.

    python cassettes_canaries.py FOLDER [CREATED]

Runs, in FOLDER, tests that create CREATED credentials (default 60) through each HTTP library, fail with the secrets in
every place that a report shows, and record cassettes; then prints how many secrets were met and where any was found.
"""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

TESTS = '''
import base64, json, logging, os, sys, warnings
from urllib.parse import quote
import pytest
from cassettes_libraries import LIBRARIES, ORIGIN

ROLES = ["Management API—API credentials read and write"]
CREATED = int(os.environ["CANARIES"])
PLACE = f"{ORIGIN}/v3/companies/TestCompany/apiCredentials"

def meet(body):
    """Note secrets outside of the run's folder, for whoever looks for them."""
    secrets = [body[name] for name in ("apiKey", "password", "clientKey") if name in body]
    with open(os.environ["VAULT"], "a", encoding="utf-8") as vault:
        vault.writelines(json.dumps(secret) + "\\n" for secret in secrets)
    return secrets

def create(call, admin, number=CREATED):
    secrets = []
    for _ in range(number):
        made = call("POST", PLACE, admin, {"roles": ROLES}).json()
        secrets += meet(made)
        me = call("GET", f"{ORIGIN}/v3/me", made["apiKey"], None)
        assert call("GET", f"{ORIGIN}/v3/me", (made["username"], made["password"]), None).body == me.body
        for action in ("generateApiKey", "generateClientKey"):
            secrets += meet(call("POST", f"{PLACE}/{made['id']}/{action}", admin, {}).json())
    return secrets

@pytest.fixture
def admin(adyen_traffic):
    return adyen_traffic.sandbox.provisioning.api_key.reveal()

@pytest.fixture
def breaks(admin):
    secrets = create(LIBRARIES["requests"], admin, 1)
    yield secrets
    raise RuntimeError(f"teardown with {secrets}")

every_library = pytest.mark.parametrize("call", LIBRARIES.values(), ids=LIBRARIES)

@every_library
def test_passes(call, admin, record_property):
    secrets = create(call, admin)
    print(secrets)
    record_property("made", secrets[0])

@every_library
def test_locals_and_output(call, admin, caplog, record_property):
    secrets = create(call, admin, 2)
    held = {"keys": secrets, "nested": [{"deep": secrets[-1]}], "json": json.dumps(secrets)}
    basic = [base64.b64encode(f"user:{secret}".encode()).decode() for secret in secrets]
    print(held, basic, [quote(secret, safe="") for secret in secrets], json.dumps(held))
    print(*secrets, sep="\\n", file=sys.stderr)
    for secret in secrets:
        logging.getLogger("shop").debug("key %s", secret)
        warnings.warn(f"key {secret}")
        record_property("key", secret)
    assert held == {"keys": [secret[::-1] for secret in secrets]}, f"message {secrets[0]}"

@every_library
def test_exception(call, admin):
    [first, *others] = create(call, admin, 1)
    try:
        raise ValueError(first)
    except ValueError as error:
        raise KeyError({secret: 1 for secret in others}) from error

def test_operands(admin):
    [key, password, *_] = create(LIBRARIES["httpx"], admin, 1)
    assert "x" * 70 + key * 2 + password == "y" * 400

def test_teardown(breaks):
    print(breaks)
'''

CONFTEST = """
import zlib
import pytest

CONFIG = {}

@pytest.fixture(scope="session")
def adyen_sandbox_config():
    return CONFIG

@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    CONFIG["seed"] = zlib.crc32(item.nodeid.encode())  # secrets of its own for each test
"""

ARGUMENTS = (
    *("-vvv", "--showlocals", "--log-level=DEBUG", "-rA", "-o", "junit_logging=all", "--junitxml=junit.xml"),
    *("-o", "log_file=log.txt", "-o", "log_file_level=DEBUG", "--adyen-record=all"),
)
_GRAM = 12


def run(folder: Path, created: int, *more: str) -> tuple[str, list[str]]:
    """Run the tests in ``folder``; return what was printed, and the secrets that they met."""
    vault = folder.with_name(folder.name + "-vault.jsonl")
    vault.unlink(missing_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "test_canaries.py").write_text(TESTS, encoding="utf-8")
    (folder / "conftest.py").write_text(CONFTEST, encoding="utf-8")
    environ = {**os.environ, "VAULT": str(vault), "CANARIES": str(created), "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-m", "pytest", *ARGUMENTS, *more]
    done = subprocess.run(command, cwd=folder, env=environ, capture_output=True, text=True, timeout=900, check=False)
    return done.stdout + done.stderr, [json.loads(line) for line in vault.read_text(encoding="utf-8").splitlines()]


def forms(secret: str) -> Iterator[str]:
    """Yield how ``secret`` may look where it was written."""
    yield from (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1], repr(secret)[1:-1])
    for lead in range(3):
        encoded = base64.b64encode(b" " * lead + secret.encode()).decode()[4:-4]
        yield from (encoded, encoded.replace("+", "-").replace("/", "_"))


def leaks(text: str, secrets: Iterable[str]) -> list[str]:
    """Return the forms of ``secrets`` that ``text`` holds, as it stands or with its lines joined; none is short."""
    known: dict[str, list[str]] = {}
    for secret in secrets:
        for form in forms(secret):
            known.setdefault(form[:_GRAM], []).append(form)
    lines = text.splitlines()
    readings = (text, "".join(line.removeprefix("E").strip() for line in lines), "".join(lines))
    return [
        form
        for reading in readings
        for at in range(len(reading) - _GRAM + 1)
        for form in known.get(reading[at : at + _GRAM], ())
        if reading.startswith(form, at)
    ]


def written(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of everything that a run left in ``folder``."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            yield str(path.relative_to(folder)), path.read_bytes().decode("utf-8", "replace")


def main(folder: Path, created: int) -> int:
    printed, secrets = run(folder, created)
    places = [("(printed)", printed), *written(folder)]
    found = {name: len(hits) for name, text in places if (hits := leaks(text, secrets))}
    size = sum(len(text) for _, text in places)
    counted = f"{len(set(secrets))} secrets, {len(places)} places of {size / 1e6:.1f} MB in all"
    sys.stdout.write(f"{counted}, leaks: {found or 'none'}\n{printed.splitlines()[-1]}\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), int(sys.argv[2]) if len(sys.argv) > 2 else 60))
