"""Rules for secret scanners: every canary is found where people put one, and no pseudonym of ours."""

from __future__ import annotations

import base64
import json
import math
import random
import re
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import yaml
from on_ci import ON_CI

from pytest_adyen_creds.cassettes.redact.pseudonyms import Pseudonyms
from pytest_adyen_creds.cassettes.scanners import CLIENT_KEY_RULES, FILTERS, RULES
from pytest_adyen_creds.cli import main
from pytest_adyen_creds.sandbox.keys import PlatformIdGenerator

CASSETTES = Path(__file__).resolve().parents[2] / "cassettes"
CANARIES = 1000 if ON_CI else 200
"""How many of each kind; fewer where a person waits."""
SEED = 20

IDS = PlatformIdGenerator(SEED)
RANDOM = random.Random(SEED)
MAKERS: dict[str, Callable[[], str]] = {
    "apiKey": lambda: IDS.api_key().reveal(),
    "clientKey": lambda: IDS.client_key().reveal(),
    "liveClientKey": lambda: "live_" + IDS.client_key().reveal().removeprefix("test_"),
    "hmacKey": lambda: RANDOM.randbytes(32).hex().upper(),
    "password": lambda: IDS.password().reveal(),
}


def in_json(name: str, value: str) -> str:
    return json.dumps({"id": "S2-1", name: value})


def in_a_cassette(name: str, value: str) -> str:
    lines = ["    body:", "      string: |-", "        {", f'          "{name}": {json.dumps(value)},', "        }"]
    return "\n".join(lines)


def in_a_body_within_json(name: str, value: str) -> str:
    return json.dumps({"body": in_json(name, value)})


def in_dotenv(name: str, value: str) -> str:
    return f"ADYEN_{variable(name)}={value}"


def in_quoted_dotenv(name: str, value: str) -> str:
    return f"export ADYEN_{variable(name)}='{value}'"


def in_python(name: str, value: str) -> str:
    return f'    {variable(name).lower()}: str = "{value}"  # for now'


def in_the_environment(name: str, value: str) -> str:
    return f'monkeypatch.setenv("ADYEN_{variable(name)}", "{value}")'


def variable(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).upper()


def in_a_header(name: str, value: str) -> str:
    if name == "password":
        pair = base64.b64encode(f"ws@Company.AcmeCorp:{value}".encode()).decode()
        return f"      authorization:\n      - Basic {pair}"
    return in_a_cassette(name, value) if name == "hmacKey" else f"      x-api-key:\n      - {value}"


CONTEXTS = [
    in_json,
    in_a_cassette,
    in_a_body_within_json,
    in_dotenv,
    in_quoted_dotenv,
    in_python,
    in_the_environment,
    in_a_header,
]


@cache
def canaries(kind: str) -> list[str]:
    """Return a text for each canary of ``kind``, in one context after the other."""
    return [CONTEXTS[number % len(CONTEXTS)](kind, MAKERS[kind]()) for number in range(CANARIES)]


def pseudonymous(kind: str) -> list[str]:
    numbered = Pseudonyms()
    return [context(kind, numbered.secret(MAKERS[kind]())) for context in CONTEXTS for _ in range(20)]


def printed(form: str, capsys: pytest.CaptureFixture[str], *more: str) -> str:
    assert main(["cassettes", "rules", "--format", form, *more]) == 0
    return capsys.readouterr().out


def entropy(text: str) -> float:
    return -sum(count / len(text) * math.log2(count / len(text)) for count in Counter(text).values())


Scan = Callable[[str], list[str]]


def trufflehog(rules: str) -> Scan:
    """Return what finds as trufflehog does: each detector's keywords, then its regular expression, as RE2 has them."""
    re2 = pytest.importorskip("re2")
    detectors = yaml.safe_load(rules)["detectors"]
    compiled = [
        (each, re2.compile(each["regex"]["secret"]), [re2.compile(one) for one in each["exclude_regexes_capture"]])
        for each in detectors
    ]

    def scan(text: str) -> list[str]:
        return [
            match[1]
            for each, pattern, excluded in compiled
            if any(word in text.lower() for word in each["keywords"])
            for match in pattern.finditer(text)
            if entropy(match[1]) >= each["entropy"] and not any(one.search(match[1]) for one in excluded)
        ]

    return scan


def detect_secrets(rules: str, folder: Path) -> Scan:
    """Return what the plugin finds, line by line, as detect-secrets calls it."""
    initialize = pytest.importorskip("detect_secrets.core.plugins.initialize")
    settings = pytest.importorskip("detect_secrets.settings")
    path = folder / "adyen_detectors.py"
    path.write_text(rules)
    names = re.findall(r"^class ([A-Z]\w+)", rules, re.MULTILINE)
    with settings.transient_settings({"plugins_used": [{"name": name, "path": path.as_uri()} for name in names]}):
        plugins = [initialize.from_plugin_classname(name) for name in names]
    return lambda text: [
        secret for line in text.splitlines() for plugin in plugins for secret in plugin.analyze_string(line)
    ]


@pytest.fixture(params=["trufflehog", "detect-secrets"])
def scan(request: pytest.FixtureRequest, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Scan:
    rules = printed(request.param, capsys)
    return trufflehog(rules) if request.param == "trufflehog" else detect_secrets(rules, tmp_path)


ITEMS = {
    "a block": "{name}:\n      - {value}",
    "a quoted block": "{name}:\n      - '{value}'",
    "a flow": "{name}: ['{value}']",
    "JSON": '"{name}": ["{value}"]',
    "JSON on lines": '"{name}": [\n  "{value}"\n]',
}
"""How vcrpy's serializers, and people, write the values of a header."""


@cache
def header_values(kind: str) -> list[tuple[str, str]]:
    """Return names and values of headers with a canary of ``kind`` each, or pseudonyms for ``pseudonym``."""
    key, password = MAKERS["apiKey"](), MAKERS["password"]()
    if kind == "pseudonym":
        numbered = Pseudonyms()
        key, password = numbered.secret(key), numbered.secret(password)
    pair = base64.b64encode(f"ws@Company.AcmeCorp:{password}".encode()).decode()
    return [("X-API-Key", key), ("Authorization", f"Basic {pair}")]


@pytest.mark.parametrize("form", ITEMS.values(), ids=ITEMS)
def test_a_header_whose_value_is_an_item_of_a_list_is_found(form: str, scan: Scan) -> None:
    for name, value in header_values("canary"):
        assert scan(form.format(name=name, value=value)), name
    for name, value in header_values("pseudonym"):
        assert scan(form.format(name=name, value=value)) == [], name


@pytest.mark.parametrize("suffix", [".yaml", ".yml", ".json", ""])
@pytest.mark.parametrize("form", ["a block", "a flow"])
def test_detect_secrets_finds_items_of_lists_in_a_recording(
    form: str, suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    core = pytest.importorskip("detect_secrets.core.scan")
    settings = pytest.importorskip("detect_secrets.settings")
    plugin, recording = tmp_path / "adyen_detectors.py", tmp_path / f"recording{suffix}"
    plugin.write_text(printed("detect-secrets", capsys))
    names = re.findall(r"^class ([A-Z]\w+)", plugin.read_text(), re.MULTILINE)
    used = {"plugins_used": [{"name": name, "path": plugin.as_uri()} for name in names]}

    def found(text: str) -> list[tuple[str, int]]:
        recording.write_text(text)
        with settings.transient_settings(used):
            return sorted({(each.type, each.line_number) for each in core.scan_file(str(recording))})

    def recorded(kind: str) -> str:
        lines = [ITEMS[form].format(name=name, value=value) for name, value in header_values(kind)]
        headers = "".join(f"      {line}\n" for line in lines)
        return f"interactions:\n- request:\n    uri: https://x.example\n    headers:\n{headers}version: 1\n"

    text = recorded("canary")
    where = [number for number, line in enumerate(text.splitlines(), 1) if "AQE" in line or "Basic" in line]
    assert found(text) == [("adyen-api-key", where[0]), ("adyen-basic-auth", where[1])]
    assert found(text.replace("\n", "  # pragma: allowlist secret\n")) == []
    assert found(recorded("pseudonym")) == []


@pytest.mark.parametrize("kind", MAKERS)
def test_every_canary_is_found_and_no_pseudonym(kind: str, scan: Scan) -> None:
    assert [text for text in canaries(kind) if not scan(text)] == []
    assert [text for text in pseudonymous(kind) if scan(text)] == []


def test_nothing_is_found_in_the_bundled_cassettes(scan: Scan) -> None:
    paths = sorted(CASSETTES.rglob("*.yaml"))
    assert len(paths) > 50
    assert {str(path): found for path in paths if (found := scan(path.read_text()))} == {}


@pytest.mark.parametrize(
    "user", ["ws@Company.A", "ws@Company.AB", "ws_123456@Company.ABC", "ws_123456@Scope.Company_A"]
)
def test_basic_authentication_is_opened_wherever_the_password_begins(user: str, scan: Scan) -> None:
    def header(password: str) -> str:
        return "Authorization: Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()

    assert scan(header(MAKERS["password"]()))
    assert scan(header(Pseudonyms().secret(MAKERS["password"]()))) == []


@pytest.mark.parametrize(
    "text",
    [
        "password = os.environ['ADYEN_BASIC_AUTH_PASSWORD_OF_TESTS']",
        'password: "${{ secrets.ADYEN_BASIC_AUTH_PASSWORD }}"',
        "PASSWORD=${ADYEN_BASIC_AUTH_PASSWORD}",
        'PASSWORD = "ADYEN_BASIC_AUTH_OF_TESTS"',
        'names = ["password",\n    "request.credentials.of.Adyen"]',
        'hmac_key = "' + "00" * 32 + '"',
        "def test_password_is_replaced_at_once_and_masked(): ...",
        "password=credential.password.reveal()",
        "live_migration test_SOMETHING",
    ],
)
def test_what_code_says_of_secrets_passes(text: str, scan: Scan) -> None:
    assert scan(text) == []


@pytest.mark.parametrize("rule", [*RULES, *CLIENT_KEY_RULES], ids=lambda rule: rule.id)
def test_a_rule_is_plain_enough_for_go(rule: object) -> None:
    for pattern in (rule.pattern, *rule.allowed):
        assert not re.search(r"\(\?(?:[=!]|<[=!]|P=|>)|\\[1-9]", pattern), "RE2 has no look-around and no references"
        assert "'''" not in pattern, "gitleaks' file quotes it so"
        re.compile(pattern)
    assert re.compile(rule.pattern).groups == 1


def test_gitleaks_and_trufflehog_get_the_same_patterns(capsys: pytest.CaptureFixture[str]) -> None:
    rules = tomllib.loads(printed("gitleaks", capsys))["rules"]
    detectors = yaml.safe_load(printed("trufflehog", capsys))["detectors"]
    assert {each["id"]: each["regex"] for each in rules} == {
        each["name"]: each["regex"]["secret"] for each in detectors
    }
    assert {each["id"] for each in rules} == {each.id for each in (*RULES, *CLIENT_KEY_RULES)}


@pytest.mark.parametrize("form", ["gitleaks", "trufflehog", "detect-secrets"])
def test_client_keys_can_be_left_out(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert "client-key" in printed(form, capsys)
    rules = printed(form, capsys, "--no-client-keys")
    assert "client-key" not in rules
    assert "adyen-api-key" in rules


def write_canaries(folder: Path) -> Iterator[Path]:
    """Write a file for each kind; a canary's line says its number."""
    for kind in MAKERS:
        path = folder / "tests" / f"{kind}.txt"
        path.parent.mkdir(exist_ok=True)
        path.write_text("".join(f"{text}\n\n" for text in canaries(kind)))
        yield path


def unfound(path: Path, lines: set[int]) -> list[str]:
    """Return the canaries of ``path`` of which none of ``lines`` tells."""
    left, line = [], 1
    for text in canaries(path.stem):
        end = line + text.count("\n") + 1
        if not lines & set(range(line, end)):
            left.append(text)
        line = end + 1
    return left


@pytest.mark.slow("a secret scanner of its own")
def test_gitleaks_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = shutil.which("gitleaks")
    if program is None:
        pytest.skip("gitleaks is not on this machine")
    config = tmp_path / "gitleaks.toml"
    config.write_text(printed("gitleaks", capsys))

    def leaks(folder: Path) -> list[dict[str, object]]:
        report = tmp_path / "report.json"
        words = ["--no-git", "--source", str(folder), "--config", str(config), "--report-path", str(report)]
        words += ["--no-banner", "--exit-code", "0"]
        subprocess.run([program, "detect", *words], check=True, capture_output=True)
        return json.loads(report.read_text())

    assert leaks(CASSETTES) == []
    project = tmp_path / "project"
    project.mkdir()
    paths = list(write_canaries(project))
    found = leaks(project)
    for path in paths:
        of_path = [each for each in found if each["File"] == str(path) and str(each["RuleID"]).startswith("adyen-")]
        lines = {line for each in of_path for line in range(int(each["StartLine"]), int(each["EndLine"]) + 1)}
        assert unfound(path, lines) == []


@pytest.mark.slow("a secret scanner of its own")
def test_detect_secrets_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("detect_secrets")
    plugin = tmp_path / "adyen_detectors.py"
    plugin.write_text(printed("detect-secrets", capsys))
    listed = [sys.executable, "-m", "detect_secrets", "scan", "--list-all-plugins"]
    own = subprocess.run(listed, check=True, capture_output=True, text=True).stdout.split()

    def found(folder: Path) -> dict[str, list[dict[str, object]]]:
        words = ["-m", "detect_secrets", "-C", str(folder), "scan", "--all-files"]
        words += [word for each in FILTERS for word in ("--disable-filter", each)]
        words += [word for each in own for word in ("--disable-plugin", each)]  # what they find, they find alone
        words += ["--plugin", str(plugin), "."]
        done = subprocess.run([sys.executable, *words], check=True, capture_output=True, text=True)
        results = json.loads(done.stdout)["results"]
        return {
            path: [each for each in secrets if str(each["type"]).startswith("adyen-")]
            for path, secrets in results.items()
        }

    # of one version: the plugin looks through all in test_nothing_is_found_in_the_bundled_cassettes
    assert not any(found(CASSETTES / "management" / "v3").values())
    project = tmp_path / "project"
    project.mkdir()
    paths = list(write_canaries(project))
    results = found(project)
    for path in paths:
        assert unfound(path, {int(each["line_number"]) for each in results[f"tests/{path.name}"]}) == []
