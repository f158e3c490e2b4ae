"""The contract suite on an imported contract of the Management API: what it cannot exercise is skipped in words."""

from __future__ import annotations

import pytest

from pytest_adyen_creds import load_contract
from pytest_adyen_creds.contract.importing import import_openapi, write_contract
from pytest_adyen_creds.sandbox import Sandbox

STORES = {
    "/stores/{storeId}": {
        "get": {
            "operationId": "get-stores-storeId",
            "parameters": [{"name": "storeId", "in": "path", "required": True, "schema": {"type": "string"}}],
            "responses": {"200": {"description": "", "content": {"application/json": {"schema": {"type": "object"}}}}},
        }
    }
}
CHOSEN = ("-k", "stores or test_stateful or (GET and me and not Origins)")


@pytest.fixture
def project(pytester: pytest.Pytester) -> pytest.Pytester:
    document = load_contract("v3").to_openapi()
    for path in document["paths"].values():  # as Adyen's document has it
        for operation in path.values():
            for response in operation.get("responses", {}).values() if isinstance(operation, dict) else ():
                response.pop("links", None)
    document["paths"] |= STORES
    write_contract(import_openapi(document, "-", name="management/v3"), pytester.path / "contracts")
    pytester.makeini("[pytest]\nadyen_contracts = contracts\n")
    return pytester


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "nothing is recorded of it: run it with --adyen-live*"),
        (("--adyen-backend=sandbox",), "the sandbox answers it from its contract*"),
    ],
)
def test_what_only_the_import_has_is_skipped_in_words(
    project: pytest.Pytester, arguments: tuple[str, ...], why: str
) -> None:
    result = project.runpytest("--adyen-contracts", "-rs", *CHOSEN, *arguments)
    outcomes = result.parseoutcomes()
    assert (outcomes["skipped"], "failed" in outcomes, outcomes["passed"] > 0) == (2, False, True)
    result.stdout.fnmatch_lines([f"*{why}", "*no links to go along*"], consecutive=False)


def test_live_a_path_that_names_something_unknown_is_skipped(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox = Sandbox()
    with sandbox.serve() as server:
        monkeypatch.setenv("ADYEN_MANAGEMENT_API_KEY", sandbox.provisioning.api_key.reveal())
        monkeypatch.setenv("ADYEN_COMPANY_ACCOUNT", sandbox.company)
        result = project.runpytest(
            "--adyen-contracts", "--adyen-live", f"--adyen-base-url={server.url}/v3", "-rs", "-k", "stores"
        )
    result.assert_outcomes(skipped=1)
    result.stdout.fnmatch_lines(["*its path names storeId*x-adyen-data*"])
