"""Small clients as people write them, each with one weakness or none: the rehearsal's verdicts equal their labels.

A client is a file in ``clients``: what is weak in it, ``LABELS``, the client, and the test that uses it. A line of
``LABELS`` is a verdict and what has it: a kind, a class, a change, or a variation's name, in which ``*`` stands for
anything and ``[*]`` for itself. The last line that fits counts, among those whose verdict the variation's class can
have. What no line names survives where it must, and is noticed everywhere else. A line that nothing fits is an error.
"""

from __future__ import annotations

import ast
import contextlib
import io
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from shop import DOCUMENT

from pytest_adyen_creds.cli import main as cli
from pytest_adyen_creds.contract.importing import import_openapi, write_contract
from pytest_adyen_creds.rehearsal import search
from pytest_adyen_creds.rehearsal.variation import Variation

CLIENTS = Path(__file__).parent / "clients"
NAMES = sorted(path.stem for path in CLIENTS.glob("*.py"))
KINDS = "additions,removals,history,rotation,failures"
CAN = {
    "must-survive": {"survived", "broke"},
    "must-notice": {"noticed", "silent"},
    "must-handle": {"noticed", "survived", "silent", "broke"},
}
QUICK = {
    "retry_idempotent",
    "sdk_create_once",
    "status_ignored",
    "values_unpacked",
}
"""The clients whose verdicts every run compares: one or two of each style."""

MANY = pytest.mark.slow("again and again, the tests of many clients")
RECORDED = [
    pytest.param("dataclass_filtered", marks=MANY),
    pytest.param("key_cached_aiohttp", marks=MANY),
    pytest.param("key_cached_httpx", marks=MANY),
    pytest.param("links_followed", marks=MANY),
    pytest.param("retry_idempotent_of_two", marks=MANY),
    "retry_without_idempotency",
    pytest.param("sdk_models_open", marks=MANY),
]


@dataclass(frozen=True)
class Line:
    """A line of ``LABELS``."""

    verdict: str
    name: str

    def fits(self, one: dict[str, Any]) -> bool:
        change = one["change"] if one["kind"] != "history" else "history"
        names = (one["kind"], one["class"], change, one["id"])
        return self.verdict in CAN[one["class"]] and (self.name in names or fnmatchcase(one["id"], self.name))


def labels_of(name: str) -> list[Line]:
    tree = ast.parse((CLIENTS / f"{name}.py").read_text("utf-8"))
    [text] = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "LABELS"
    ]
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [Line(*line.split(None, 1)) for line in lines if line]


def label_of(lines: list[Line], one: dict[str, Any]) -> Line:
    default = Line("survived" if one["class"] == "must-survive" else "noticed", "")
    return next((each for each in reversed(lines) if each.fits(one)), default)


def wrong_verdicts(lines: list[Line], verdicts: Iterable[dict[str, Any]]) -> Iterator[str]:
    for one in verdicts:
        right = label_of(lines, one).verdict
        if one["verdict"] != right:
            yield f"{one['id']}: {one['verdict']}, and {right} is right {one['error']}"


def unknown(report: dict[str, Any]) -> Iterator[str]:
    """Yield why a report does not have all verdicts."""
    for each in report["rehearsed"]:
        yield from [each["problem"]] if each["problem"] else []
        yield from [f"{each['left']} not run"] if each["left"] else []


def rehearse(pytester: pytest.Pytester, name: str, *arguments: str, kinds: str = KINDS) -> dict[str, Any]:
    """Run a client's test with all that can be otherwise, and return the report."""
    copied = shutil.copyfile(CLIENTS / f"{name}.py", pytester.path / f"test_{name}.py")
    if "shop-test" in copied.read_text("utf-8"):
        write_contract(import_openapi(DOCUMENT, "shop.json"), pytester.path / "contracts")
        arguments = ("-o", "adyen_contracts=contracts", *arguments)
    budget = ("-o", "adyen_rehearse_max=500/20000")
    result = pytester.runpytest(f"--adyen-rehearse={kinds}", "--adyen-report=rehearsal.json", *budget, *arguments)
    assert result.ret == 0
    result.assert_outcomes(passed=1)
    report: dict[str, Any] = json.loads((pytester.path / "rehearsal.json").read_text("utf-8"))
    assert len({one["id"] for one in report["rehearsal"]}) == len(report["rehearsal"])
    return report


def each_client(*quick: str) -> list[Any]:
    """Return the clients as parameters, those that are not among ``quick`` as slow ones."""
    return [pytest.param(name, marks=[] if name in quick else MANY) for name in NAMES]


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder of modules that datamodel-code-generator makes of the exported contract."""
    from datamodel_code_generator.__main__ import main

    folder = tmp_path_factory.mktemp("models")
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        assert cli(["contract", "export", "--format", "openapi"]) == 0
    (folder / "today.json").write_text(printed.getvalue(), "utf-8")
    january = json.loads(printed.getvalue())
    schemas = january["components"]["schemas"]
    for schema in schemas.values():
        schema.get("properties", {}).pop("subjectDN", None)
    merchants = schemas["CompanyApiCredential"]["properties"]["associatedMerchantAccounts"]
    schemas["MeApiCredential"]["properties"]["associatedMerchantAccounts"] = merchants
    (folder / "january.json").write_text(json.dumps(january), "utf-8")
    for module, source, extra in (
        ("models_closed", "today", "forbid"),
        ("models_open", "today", "ignore"),
        ("models_of_january", "january", "forbid"),
    ):
        arguments = ["--input", f"{folder / source}.json", "--output", f"{folder / module}.py"]
        arguments += ["--input-file-type", "openapi", "--output-model-type", "pydantic_v2.BaseModel"]
        assert main([*arguments, "--extra-fields", extra, "--formatters", "builtin"]) == 0
    return folder


@pytest.fixture(scope="session")
def _libraries() -> None:
    """Import once what each run would import again: pydantic, a second time, does not know its own classes."""
    import Adyen  # noqa: F401
    import aiohttp  # noqa: F401
    import datamodel_code_generator.__main__  # noqa: F401
    import jsonschema  # noqa: F401
    import requests  # noqa: F401
    from pydantic import BaseModel, ConfigDict, Field, ValidationError, conint, constr  # noqa: F401 - it imports late


@pytest.fixture
def project(_libraries: None, pytester: pytest.Pytester, request: pytest.FixtureRequest) -> pytest.Pytester:
    """Return a folder for a client's test, with the generated models where it has some."""
    if "models" in request.node.callspec.params["name"]:
        pytester.syspathinsert(request.getfixturevalue("models"))
    return pytester


@pytest.mark.parametrize("name", each_client(*QUICK))
def test_each_verdict_is_right(project: pytest.Pytester, name: str) -> None:
    report, lines = rehearse(project, name), labels_of(name)
    assert list(wrong_verdicts(lines, report["rehearsal"])) == []
    assert list(unknown(report)) == []
    used = {label_of(lines, one) for one in report["rehearsal"]}
    assert [line for line in lines if line not in used] == [], "labels of what did not happen"


@pytest.mark.parametrize("name", each_client("values_unpacked")[::-8])
def test_a_search_finds_what_each_variation_does_alone(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    groups_of = search.groups_of

    def must_survive(variations: Iterable[Variation]) -> list[Variation]:
        return [each for each in variations if each.must == "must-survive"]

    def verdicts(groups: Callable[[list[Variation]], Iterator[tuple[Variation, ...]]]) -> dict[str, str]:
        monkeypatch.setattr(search, "groups_of", lambda variations: groups(must_survive(variations)))
        report = rehearse(project, name, kinds="additions,removals,history")
        assert list(unknown(report)) == []
        return {one["id"]: one["verdict"] for one in report["rehearsal"]}

    assert verdicts(groups_of) == verdicts(lambda variations: ((each,) for each in variations))


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_says_the_same(project: pytest.Pytester, name: str) -> None:
    shutil.copyfile(CLIENTS / f"{name}.py", project.path / f"test_{name}.py")
    project.runpytest("--adyen-backend=sandbox", "--adyen-record=all").assert_outcomes(passed=1)
    report, lines = rehearse(project, name, "--adyen-backend=replay"), labels_of(name)
    assert list(wrong_verdicts(lines, report["rehearsal"])) == []
    assert list(unknown(report)) == []
    used = {label_of(lines, one) for one in report["rehearsal"]}
    assert [line for line in lines if line not in used] == [], "labels of what did not happen"


@MANY
@pytest.mark.parametrize("name", ["retry_looks_first"])
def test_a_recording_that_cannot_say_is_said_to(project: pytest.Pytester, name: str) -> None:
    shutil.copyfile(CLIENTS / f"{name}.py", project.path / f"test_{name}.py")
    project.runpytest("--adyen-backend=sandbox", "--adyen-record=all").assert_outcomes(passed=1)
    report = rehearse(project, name, "--adyen-backend=replay")
    assert list(wrong_verdicts(labels_of(name), report["rehearsal"])) == []
    assert list(unknown(report)) == [
        "3 variations without a verdict: it asks for what its recording does not hold"  # when it looks
    ]


@MANY
@pytest.mark.parametrize("name", ["pydantic_tolerant"])
def test_no_change_is_of_two_classes(project: pytest.Pytester, name: str) -> None:
    changes: dict[tuple[str, str], set[str]] = {}
    gone = ("required-property-removed", "optional-property-removed", "deviation-shown")
    for one in rehearse(project, name, kinds="additions,removals")["rehearsal"]:
        if one["change"] in gone:
            changes.setdefault((one["operation"], one["location"]), set()).add(one["class"])
    assert [place for place, classes in changes.items() if len(classes) > 1] == []
