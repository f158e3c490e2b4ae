"""What CONTRIBUTING says about adding: one of each is added to a copy of the tree, in the files it names, and works."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]


class Addition(NamedTuple):
    """One thing: CONTRIBUTING's word, changes by file (a text, and what it becomes), new files, and a look at it."""

    name: str
    changes: dict[str, tuple[str, str]]
    files: dict[str, str]
    look: str


OPERATION = Addition(
    "an operation",
    {
        "contracts/management/v3/openapi.yaml": (
            "\npaths:\n",
            """
paths:
  /companies/{companyId}/apiCredentials/{apiCredentialId}/roles:
    parameters:
      - $ref: "#/components/parameters/companyId"
      - $ref: "#/components/parameters/apiCredentialId"
    get:
      operationId: get-companies-companyId-apiCredentials-apiCredentialId-roles
      x-adyen-roles: {all: [Management API - API credentials read and write]}
      responses:
        "200":
          description: The roles.
          content:
            application/json:
              schema: {$ref: structures/RolesResponse.struct.json}
        "401": {$ref: "#/components/responses/Unauthorized"}
        "403": {$ref: "#/components/responses/Forbidden"}
        "422": {$ref: "#/components/responses/UnprocessableEntity"}
        "500": {$ref: "#/components/responses/InternalServerError"}
""",
        ),
        "pytest_adyen_creds/sandbox/operations.py": (
            "_OF_CREDENTIAL: Final[Mapping[str, Callable[[CredentialRepository, Call, Target], Outcome]]] = {\n",
            """def _show_roles(_: CredentialRepository, __: Call, target: Target) -> Outcome:
    return Outcome(ROLES_SHOWN, {"roles": list(target.credential.roles)})


ROLES_SHOWN: Final = Rule.assumed("credentials.roles-shown", "The roles can be read alone.", "a test made it up")
_OF_CREDENTIAL: Final[Mapping[str, Callable[[CredentialRepository, Call, Target], Outcome]]] = {
    "GET roles": _show_roles,
""",
        ),
    },
    {
        "contracts/management/v3/structures/RolesResponse.struct.json": """{
  "$schema": "https://json-structure.org/meta/extended/v0/#",
  "$id": "adyen-creds://management/v3/RolesResponse",
  "name": "RolesResponse",
  "type": "object",
  "properties": {"roles": {"type": "array", "items": {"type": "string"}}},
  "required": ["roles"],
  "additionalProperties": false
}
"""
    },
    """
label = "GET /companies/{companyId}/apiCredentials/{apiCredentialId}/roles"
sandbox = Sandbox()
with httpx.Client(transport=SandboxTransport(sandbox.app), base_url="https://management-test.adyen.com") as client:
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    many = "/v3/companies/TestCompany/apiCredentials"
    created = client.post(many, headers=headers, json={}).json()
    response = client.get(f"{many}/{created['id']}/roles", headers=headers)
    assert response.json() == {"roles": created["roles"]}, response.text
    contract = load_contract("v3")
    assert contract.judge(contract.operations[label], 200, "application/json", response.content) == []
assert run("-m", "pytest_adyen_creds.cli", "contract", "lint").returncode == 0
assert run("-m", "pytest", "-q", "--adyen-contracts", "--adyen-backend=sandbox", "-k", "roles").returncode == 0
""",
)
RULE = Addition(
    "a rule of the sandbox",
    {
        "pytest_adyen_creds/sandbox/credentials.py": (
            """        changes: dict[str, Any] = {}
""",
            """        changes: dict[str, Any] = {}
        if body.get("description") == "nameless":
            invalid.add(NAMED, "description", "nameless", "Give it a name.")
""",
        ),
        # in the same file
        "pytest_adyen_creds/sandbox/credentials.py#": (
            "@dataclass(frozen=True)\nclass CredentialRepository:",
            'NAMED: Final = Rule.assumed("credentials.named", "No credential is nameless.", "made up by a test")'
            "\n\n\n@dataclass(frozen=True)\nclass CredentialRepository:",
        ),
    },
    {},
    """
sandbox = Sandbox()
with httpx.Client(transport=SandboxTransport(sandbox.app), base_url="https://management-test.adyen.com") as client:
    headers = {"X-API-Key": sandbox.provisioning.api_key.reveal()}
    body = {"description": "nameless"}
    response = client.post("/v3/companies/TestCompany/apiCredentials", headers=headers, json=body)
    assert response.json()["invalidFields"][0]["message"] == "Give it a name.", response.text
assert b"No credential is nameless." in run("-m", "pytest_adyen_creds.cli", "sandbox", "behaviours").stdout
""",
)
CHECK = Addition(
    "a check",
    {
        "pytest_adyen_creds/checks/rules/credentials.py": (
            '@rule(f"{SPECIFICATION}, property roles',
            """@rule("a test made it up")
def no_nameless(exchange: Exchange, state: KnownState) -> Iterator[RuleViolation]:
    '''No credential is called nameless.'''
    for pointer, shown in exchange.credentials():
        if shown.get("description") == "nameless":
            yield RuleViolation(f"{pointer}/description", "is nameless")


@rule(f"{SPECIFICATION}, property roles""",
        )
    },
    {},
    """
request = httpx.Request("GET", "https://management-test.adyen.com/v3/me")
body = {"id": "S2-1", "username": "ws@Company.TestCompany", "active": True, "roles": ["A role"], "companyName": "X",
        "allowedIpAddresses": [], "clientKey": "test_1", "description": "nameless"}
try:
    CheckingContract.of(load_contract("v3")).check(httpx.Response(200, json=body, request=request))
except ContractBroken as broken:
    assert "adyen_no_nameless: /description is nameless" in str(broken), broken
else:
    raise AssertionError("the check found nothing")
""",
)
DRIFT = Addition(
    "a kind of drift",
    {
        "pytest_adyen_creds/contract/ids.py": (
            '    "deprecated": _both("{it} is now deprecated", "none"),\n',
            '    "deprecated": _both("{it} is now deprecated", "none"),\n'
            '    "encoded-otherwise": _both("{it} is encoded as {new}, no longer as {old}", "differs"),\n',
        ),
        "pytest_adyen_creds/drift/members.py": (
            '        elif keyword == "discriminator" and',
            '        elif keyword == "contentEncoding":\n'
            '            yield self._change("encoded-otherwise", old=old.get(keyword), new=new.get(keyword))\n'
            '        elif keyword == "discriminator" and',
        ),
    },
    {},
    """
def document(encoding):
    schema = {"type": "string", "contentEncoding": encoding}
    content = {"application/json": {"schema": schema}}
    paths = {"/a": {"get": {"responses": {"200": {"description": "", "content": content}}}}}
    return {"openapi": "3.1.0", "info": {"title": "", "version": "1"}, "paths": paths}

(found,) = compare(document("base64"), document("base16"))
assert (found.id, found.level) == ("response-body-encoded-otherwise", "breaking"), found
assert b"response-body-encoded-otherwise" in run("-m", "pytest_adyen_creds.cli", "drift", "ids").stdout
""",
)
REPORT = Addition(
    "a report format",
    {
        "pytest_adyen_creds/reports/report.py": (
            '    ".json": lambda report',
            '    ".txt": text_of,\n    ".json": lambda report',
        ),
        "pytest_adyen_creds/reports/report.py#": (
            "\nif TYPE_CHECKING:",
            "\nfrom pytest_adyen_creds.reports.plain_text import text_of\n\nif TYPE_CHECKING:",
        ),
    },
    {
        "pytest_adyen_creds/reports/plain_text.py": """def text_of(report: dict) -> str:
    return f"{len(report['findings'])} findings\\n"
"""
    },
    """
done = run("-m", "pytest", "-q", "--adyen-contracts", "--adyen-report=report.txt", "-k", "generateApiKey")
assert done.returncode == 0, done
assert Path("report.txt").read_text() == "0 findings\\n"
""",
)
ADDITIONS = (OPERATION, RULE, CHECK, DRIFT, REPORT)

HEAD = """
import subprocess, sys
from pathlib import Path

import httpx

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.checks.responses import CheckingContract, ContractBroken
from pytest_adyen_creds.drift.specification import compare
from pytest_adyen_creds.sandbox import Sandbox
from pytest_adyen_creds.sandbox.wire import SandboxTransport

def run(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True)
"""


def places(addition: Addition) -> list[str]:
    """Return the files of the package that an addition touches, data left out."""
    named = {name.rstrip("#") for name in (*addition.changes, *addition.files)}
    return sorted(name.removeprefix("pytest_adyen_creds/") for name in named if name.endswith(".py"))


@pytest.mark.parametrize("addition", ADDITIONS, ids=lambda addition: addition.name)
def test_contributing_names_the_files(addition: Addition) -> None:
    assert len(places(addition)) <= 2
    rows = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").splitlines()
    (row,) = [row for row in rows if row.startswith(f"| {addition.name} |")]
    for place in places(addition):
        folder, _, _ = place.rpartition("/")
        assert f"`{place}`" in row or f"`{folder}/" in row


@pytest.mark.slow("a copy of the tree, and runs of the suite in it")
def test_one_of_each_is_added_to_a_copy_of_the_tree(tmp_path: Path) -> None:
    for folder in ("pytest_adyen_creds", "contracts", "cassettes"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for addition in ADDITIONS:
        for name, (old, new) in addition.changes.items():
            path = tmp_path / name.rstrip("#")
            text = path.read_text(encoding="utf-8")
            assert text.count(old) == 1, f"{addition.name}: {name}"
            path.write_text(text.replace(old, new), encoding="utf-8")
        for name, text in addition.files.items():
            (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "nowhere").mkdir()
    environ = {**os.environ, "PYTHONPATH": str(tmp_path)}
    for addition in ADDITIONS:
        command = [sys.executable, "-c", HEAD + addition.look]
        done = subprocess.run(
            command, cwd=tmp_path / "nowhere", env=environ, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{addition.name}:\n{done.stderr[-3000:]}"
